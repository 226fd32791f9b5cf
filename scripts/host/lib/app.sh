# shellcheck shell=bash
# The application's containers. Each rollout has a slot: a network alias that its containers share, and the label
# dev.stackline.slot. nginx sends requests to one slot; two slots can run side by side.

app_patience=${STACKLINE_APP_PATIENCE:-120} # seconds

slot_containers() { containers app "label=dev.stackline.slot=$1" "${@:2}"; }

other_slots() {
  local id
  for id in $(containers app); do
    [ "$(docker inspect --format '{{index .Config.Labels "dev.stackline.slot"}}' "$id")" = "$1" ] || echo "$id"
  done
}

# start_app RELEASE: starts the slot's containers beside those that already run.
start_app() {
  local slot replicas missing
  slot=$(setting "$1" APP_SLOT)
  replicas=$(setting "$1" STACKLINE_REPLICAS 1)
  missing=$((replicas - $(slot_containers "$slot" | wc -l)))
  if [ "$missing" -gt 0 ]; then
    quietly compose_of "$1" up -d --no-deps --no-recreate --scale "app=$(($(containers app | wc -l) + missing))" app ||
      fail "the application's containers cannot be started: see compose's output above"
  fi
}

# The health gate.
wait_app() {
  local slot ids
  slot=$(setting "$1" APP_SLOT)
  mapfile -t ids < <(slot_containers "$slot")
  [ "${#ids[@]}" -gt 0 ] || fail "no application container was created"
  wait_healthy "$app_patience" "${ids[@]}" || fail "the application is not healthy: see its output above"
}

# stop_apps CONTAINER...: each first finishes the requests in progress, in at most 20 s.
stop_apps() {
  [ $# -gt 0 ] || return 0
  docker stop --time 30 "$@" >/dev/null
  docker rm --force "$@" >/dev/null
}
