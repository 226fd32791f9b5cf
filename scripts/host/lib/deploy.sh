# shellcheck shell=bash
# A deploy, from what was sent to what serves. Until `start` nothing that serves is touched; from there on, whatever goes
# wrong puts the previous release back.

do_deploy() {
  release=$payload
  previous=$(current_release)
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
    say "nothing has changed since $(basename "$previous"): nothing is restarted"
    release_lock
    rm -rf "$release"
    return 0
  fi
  place_release
  [ -z "$previous" ] || echo "${previous##*/}" >"$release/predecessor"

  step pull
  pull_images "$release"
  install_secrets "$release"

  step services "and a look at nginx's configuration"
  touched=yes
  sync_services "$release"
  if [ -n "$previous" ] && networks_exist "$release"; then
    together test_nginx start_services
  else
    # The networks are made by the first that needs them; two at once would both want to, and compose refuses two of one name.
    test_nginx "$release"
    start_services "$release"
  fi
  step backup
  back_up_before "$release"
  step migrate
  together migrate publish_static

  roll_out "$release"

  step record
  record_release "$release"
  step prune
  # Whatever becomes of what is old, the new release serves.
  prune_releases "$(setting "$release" STACKLINE_KEEP_RELEASES 5)" || say "not all old releases could be removed: see above"
  prune_backups "$(setting "$release" STACKLINE_KEEP_BACKUPS 10)" || say "not all old backups could be removed: see above"
  say "release $subject serves, after $(duration $(($(date +%s) - started_seconds)))"
}

# Begins with the time, so that names sort as releases follow each other; ends with what tells images apart.
release_name() {
  local reference
  reference=$(setting "$1" APP_IMAGE)
  echo "$(date -u +%Y%m%dT%H%M%SZ)-$(printf '%s' "${reference##*[:/]}" | cut -c1-7)"
}

# What the machine alone knows of a release.
complete_settings() {
  local owner
  change_setting "$1" SECRETS_DIR "$secrets"
  for owner in app postgres redis collector grafana; do
    if [ -d "$payload/secrets" ]; then
      change_setting "$1" "SECRETS_OF_${owner^^}" "/$(folder_of "$owner")"
    elif [ -n "$previous" ]; then
      change_setting "$1" "SECRETS_OF_${owner^^}" "$(setting "$previous" "SECRETS_OF_${owner^^}")"
    fi
  done
  (umask 022 && mkdir -p "$1/nginx/switch" "$live")
}

# The same files, settings, secrets and image, and all that should run is healthy.
nothing_changed() {
  local id service
  [ -n "$previous" ] && [ "$(release_sum "$1")" = "$(release_sum "$previous")" ] || return 1
  [ "$(active_slot)" = "$(setting "$previous" APP_SLOT)" ] || return 1
  for service in app nginx "${data_services[@]}" $(followers "$previous"); do
    [ -n "$(containers "$service")" ] || return 1
    for id in $(containers "$service"); do [ "$(health_of "$id")" = healthy ] || return 1; done
  done
}

# From what was sent to a release among the others. The scripts go with it.
place_release() {
  release=$releases/$subject
  mv "$payload" "$release"
  payload=$release
  here=$release/host
}

# The first deploy has nothing to lose yet.
back_up_before() {
  if [ -z "$previous" ]; then
    say "nothing to back up yet"
  elif [ "$(setting "$1" STACKLINE_BACKUP yes)" = no ]; then
    say "left out, as asked"
  else
    make_backup "$subject"
  fi
}

record_release() {
  touch "$1/deployed"
  ln -sfn "releases/${1##*/}" "$directory/.current" && mv -T "$directory/.current" "$directory/current"
  record ok
  # From here on there is nothing to put back.
  previous=$1 rolling='' touched=''
}

# prune_releases COUNT: the current one stays, the one to go back to, and then the newest.
prune_releases() {
  local old reference current
  current=$(current_release)
  { predecessor "$current" && deployed_releases | sort -r; } | awk -v current="$current" '$0 != current && !seen[$0]++' |
    tail -n "+$1" | while read -r old; do
    reference=$(setting "$old" APP_IMAGE)
    rm -rf "$old"
    remove_image "$reference"
    say "removed release ${old##*/}"
  done
  prune_secrets
}

# Called when a deploy or a rollback ends with an error: says at which step, puts back, and writes it down.
undo_deploy() {
  local code outcome=failed
  logout_registry
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
        say "the previous release could not be put back: see above; when the cause is mended, 'unlock' tries again"
        # Stays locked: nobody is to deploy onto this unawares.
        lock_held=
      fi
    elif [ -n "${rolling:-}" ]; then
      # shellcheck disable=SC2046
      stop_apps $(slot_containers "$(setting "$rolling" APP_SLOT)")
    fi
  fi
  # Who found it locked has not tried anything.
  [ "$current_step" = lock ] || record "$outcome" "$(failure)"
  [ ! -d "$release" ] || [ -e "$release/deployed" ] || rm -rf "$release"
}
