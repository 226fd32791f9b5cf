# shellcheck shell=bash
# Switches from one release to another, and back if that fails.

# Services with a step of their own.
principals='app|nginx|postgres|redis|kafka|migrate|static'

# The services that are replaced once the application serves: all that have no step of their own.
followers() {
  active_services "$1" | awk -v principals="^($principals)\$" '$1 !~ principals { print $1 }'
}

# From here on users are affected. The old containers run until the new release is verified.
roll_out() {
  local release=$1 slot
  slot=app-$(date +%s)
  change_setting "$release" APP_SLOT "$slot"
  rolling=$release

  step start "the new containers beside the old"
  start_app "$release"
  step health
  wait_app "$release"

  step switch "nginx to the new release"
  apply_nginx "$release"
  switch_to "$slot"

  step background "replace worker and beat once their tasks are finished"
  replace_followers "$release"
  step verify
  verify "$release"

  step retire "remove the old containers once their requests are finished"
  # shellcheck disable=SC2046
  stop_apps $(other_slots "$slot")
}

follower_patience=120 # seconds; a task ends by itself after 45 s

replace_followers() {
  local names ids=() service
  mapfile -t names < <(followers "$1")
  remove_dropped "${names[@]}"
  [ "${#names[@]}" -gt 0 ] || return 0
  quietly compose_of "$1" up -d --no-deps "${names[@]}" || fail "${names[*]} cannot be started: see compose's output above"
  for service in "${names[@]}"; do mapfile -t -O "${#ids[@]}" ids < <(containers "$service"); done
  wait_healthy "$follower_patience" "${ids[@]}" || fail "a service is not healthy after $follower_patience s: see its output above"
}

# Removes services that this release does not have: gone from the compose file, or their profile is not enabled.
remove_dropped() {
  local id service
  docker ps --all --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.oneoff=False" \
    --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | while read -r id service; do
    [[ ! $service =~ ^($principals)$ && ! " ${*} " == *" $service "* ]] || continue
    say "$service is not part of this release: removing it"
    { docker stop "$id" && docker rm --force "$id"; } >/dev/null || say "$service could not be removed: see above"
  done
}

# put_back RELEASE: restores a release from any state: image, compose file, nginx configuration and settings together.
# Idempotent, so an interrupted one can be repeated.
put_back() {
  local release=$1 slot
  slot=$(setting "$release" APP_SLOT)
  say "restoring release ${release##*/}"
  start_services "$release"
  start_app "$release"
  wait_app "$release"
  apply_nginx "$release"
  switch_to "$slot"
  sync_services "$release"
  replace_followers "$release"
  # shellcheck disable=SC2046
  stop_apps $(other_slots "$slot")
}
