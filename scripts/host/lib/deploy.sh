# shellcheck shell=bash
# A deploy, from the uploaded files to the serving release. Nothing that serves is touched before the step `start`; any
# failure after that restores the previous release.

do_deploy() {
  release=$payload
  previous=$(current_release) followers_untouched=yes
  on_failure() { undo_deploy "$@"; }
  begin deploy "$(release_name "$release")"
  image=$(setting "$release" APP_IMAGE)
  say "deploy $subject by $by: $image"

  step preflight
  complete_settings "$release"
  preflight "$release"

  step lock
  take_lock deploy "$by"
  if nothing_changed "$release"; then
    say "nothing has changed since $(basename "$previous"): nothing to restart"
    release_lock
    rm -rf "$release"
    return 0
  fi
  place_release
  [ -z "$previous" ] || echo "${previous##*/}" >"$release/predecessor"

  step pull
  [ -z "$previous" ] || { image_changes "$previous" "$release" && announce_replacements "$release"; }
  pull_images "$release"
  install_secrets "$release"

  step services "and test nginx's configuration"
  touched=yes
  sync_services "$release"
  if [ -n "$previous" ] && networks_exist "$release"; then
    test_and_start
  else
    # One after the other: each creates missing networks, and compose refuses two networks of one name.
    test_nginx "$release"
    start_services "$release"
  fi
  step backup
  back_up_before "$release"
  step migrate
  migrate "$release"

  roll_out "$release"

  step record
  record_release "$release"
  step retire "remove the old containers once their requests and tasks are finished"
  retire
  record ok "$(interrupted)"
  step prune
  # A failed cleanup does not fail the deploy: the new release already serves.
  prune_releases "$(setting "$release" STACKLINE_KEEP_RELEASES 5)" || say "not all old releases could be removed: see above"
  prune_backups "$(setting "$release" STACKLINE_KEEP_BACKUPS 10)" || say "not all old backups could be removed: see above"
  say_steps
  say "release $subject serves, after $(duration $(($(date +%s) - started_seconds)))"
}

# The time, so that names sort by age, and the start of the image's digest.
release_name() {
  local reference
  reference=$(setting "$1" APP_IMAGE)
  echo "$(date -u +%Y%m%dT%H%M%SZ)-$(printf '%s' "${reference##*[:/]}" | cut -c1-7)"
}

# Adds the settings that only this machine knows.
complete_settings() {
  local entry owner
  change_setting "$1" SECRETS_DIR "$secrets"
  for entry in "${secret_users[@]}"; do
    owner=${entry%%:*}
    if [ -d "$payload/secrets" ]; then
      change_setting "$1" "SECRETS_OF_${owner^^}" "/$(folder_of "$owner")"
    elif [ -n "$previous" ]; then
      change_setting "$1" "SECRETS_OF_${owner^^}" "$(setting "$previous" "SECRETS_OF_${owner^^}")"
    fi
  done
  [ -z "$previous" ] || keep_digests "$1" "$previous"
  hide_secrets "$1"
  (umask 022 && mkdir -p "$1/nginx/switch" "$live")
}

# Whether files, settings, secrets and image are unchanged and every service is healthy.
nothing_changed() {
  local id service
  [ -n "$previous" ] && [ "$(release_sum "$1")" = "$(release_sum "$previous")" ] || return 1
  [ "$(active_slot)" = "$(setting "$previous" APP_SLOT)" ] || return 1
  for service in app nginx $(data_services "$previous") $(followers "$previous"); do
    [ -n "$(containers "$service")" ] || return 1
    for id in $(containers "$service"); do [ "$(health_of "$id")" = healthy ] || return 1; done
  done
}

# Moves the uploaded files, these scripts included, to the release's folder.
place_release() {
  release=$releases/$subject
  mv "$payload" "$release"
  payload=$release
  here=$release/host
}

# Only what has changed.
test_and_start() {
  local needed=()
  nginx_as_before || needed+=(test_nginx)
  services_as_before || needed+=(start_services)
  [ "${#needed[@]}" = 0 ] || together "${needed[@]}"
}

# A first deploy has no data to back up.
back_up_before() {
  if [ -z "$previous" ]; then
    say "skipped: nothing to back up yet"
  elif [ "$(setting "$1" STACKLINE_BACKUP yes)" = no ]; then
    say "skipped, as requested"
  else
    make_backup "$subject"
  fi
}

record_release() {
  touch "$1/deployed"
  ln -sfn "releases/${1##*/}" "$directory/.current" && mv -T "$directory/.current" "$directory/current"
  # From here on a failure has nothing to restore.
  previous=$1 rolling='' touched=''
}

# prune_releases COUNT: keeps the current release, the one that a rollback leads to, and then the newest.
prune_releases() {
  local old images current
  current=$(current_release)
  { predecessor "$current" && deployed_releases | sort -r; } | awk -v current="$current" '$0 != current && !seen[$0]++' |
    tail -n "+$1" | while read -r old; do
    mapfile -t images < <(image_settings "$old" | cut -d= -f2- | grep @)
    rm -rf "$old"
    [ "${#images[@]}" = 0 ] || remember_images "${images[@]}"
    say "removed release ${old##*/}"
  done
  prune_secrets
  prune_images
}

# Runs when a deploy or a rollback fails: prints the step, restores the previous release and records the outcome.
undo_deploy() {
  local code job outcome=failed
  logout_registry
  for job in "${jobs[@]}"; do wait "$job"; done
  [ -z "${draining:-}" ] || kill "$draining" 2>/dev/null
  say "FAILED at step '$current_step'"
  if [ -n "${touched:-}${rolling:-}" ]; then
    if [ -n "$previous" ]; then
      (
        set -e
        put_back "$previous"
      )
      code=$?
      if [ $code = 0 ]; then
        say "release ${previous##*/} serves as before"
      else
        outcome=broken
        say "the previous release could not be restored: see above; fix the cause, then run 'unlock' to try again"
        # The lock stays, so that nobody deploys onto a broken state by accident.
        lock_held=
      fi
    elif [ -n "${rolling:-}" ]; then
      # shellcheck disable=SC2046
      stop_apps $(slot_containers "$(setting "$rolling" APP_SLOT)")
      note_new_workers
      dismiss "${new_workers[@]}"
      finish_tasks
    fi
  fi
  # A call that found the lock taken has changed nothing.
  [ "$current_step" = lock ] || record "$outcome" "$(failure)$(interrupted | sed 's/^/; /')"
  [ ! -d "$release" ] || [ -e "$release/deployed" ] || rm -rf "$release"
  [ -z "$lock_held" ] || { prune_secrets && prune_images; }
}
