# shellcheck shell=bash
# How a release takes over from another, and how the other is put back.

# Services that have steps of their own.
principals='app|nginx|postgres|redis|kafka|migrate|static'

# The services that follow once the application serves: whatever the release has besides those named elsewhere.
followers() {
  active_services "$1" | awk -v principals="^($principals)\$" '$1 !~ principals { print $1 }'
}

# From here on there is impact. The old containers run until the new release is verified.
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

  step background "worker and beat end what they have in hand and are replaced"
  replace_followers "$release"
  step verify
  verify "$release"

  step retire "the old containers end their requests and are removed"
  # shellcheck disable=SC2046
  stop_apps $(other_slots "$slot")
}

follower_patience=120 # seconds; a task ends by itself after 45 s

replace_followers() {
  local names ids=() service
  mapfile -t names < <(followers "$1")
  remove_dropped "${names[@]}"
  [ "${#names[@]}" -gt 0 ] || return 0
  quietly compose_of "$1" up -d --no-deps "${names[@]}" || fail "${names[*]} cannot be started: see compose's words above"
  for service in "${names[@]}"; do mapfile -t -O "${#ids[@]}" ids < <(containers "$service"); done
  wait_healthy "$follower_patience" "${ids[@]}" || fail "a service is not healthy after $follower_patience s: see its words above"
}

# What another release ran and this one does not: a service that is gone from the compose file, or whose profile is off.
remove_dropped() {
  local id service
  docker ps --all --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.oneoff=False" \
    --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | while read -r id service; do
    [[ ! $service =~ ^($principals)$ && ! " ${*} " == *" $service "* ]] || continue
    say "$service is no part of this release: it ends"
    { docker stop "$id" && docker rm --force "$id"; } >/dev/null || say "$service could not be removed: see above"
  done
}

# put_back RELEASE: whatever is there now, afterwards that release serves: image, compose file, nginx configuration and
# settings together. Can be done again when it was interrupted.
put_back() {
  local release=$1 slot
  slot=$(setting "$release" APP_SLOT)
  say "putting back release ${release##*/}"
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
