# shellcheck shell=bash
# Rolls back to an earlier release: its images by digest, compose file, nginx configuration, settings and secrets. The database
# stays as it is, so migrations must be compatible with the previous release.

do_rollback() {
  previous=$(current_release) followers_untouched=yes
  on_failure() { undo_deploy "$@"; }
  begin rollback "${1:--}"
  step preflight
  require_release
  release=$(release_to_go_back_to "${1:-}")
  subject=${release##*/}
  image=$(setting "$release" APP_IMAGE)
  say "rollback to $subject by $by: $image"

  check_versions
  check_disk "$directory"
  check_ports "$release"
  step lock
  take_lock rollback "$by"
  step pull
  image_changes "$previous" "$release"
  announce_replacements "$release"
  pull_images "$release"

  step services "and test nginx's configuration"
  touched=yes
  together test_nginx start_services

  roll_out "$release"

  sync_services "$release"
  step record
  record_release "$release"
  step retire "remove the old containers once their requests and tasks are finished"
  retire
  record ok "$(interrupted)"
  say_steps
  say "release $subject serves, after $(duration $(($(date +%s) - started_seconds)))"
}

# The named release, otherwise the one that served before the current one was deployed.
release_to_go_back_to() {
  local all found
  all=$(deployed_releases)
  if [ -n "$1" ]; then
    found=$(grep -xF "$releases/$1" <<<"$all") || fail "there is no release '$1' to roll back to; available: $(sed 's|.*/||' <<<"$all" | tr '\n' ' ')"
  else
    found=$(predecessor "$previous")
    [ -n "$found" ] || fail "there is no release before ${previous##*/}; available: $(sed 's|.*/||' <<<"$all" | tr '\n' ' ')"
  fi
  [ "$found" != "$previous" ] || fail "release ${found##*/} already serves"
  echo "$found"
}
