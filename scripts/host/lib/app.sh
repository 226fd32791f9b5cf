# shellcheck shell=bash
# The application's containers. Each rollout has a slot: a network alias that its containers share, and the label
# dev.stackline.slot. nginx sends requests to one slot; two slots can run side by side.

# Seconds. Of the uploaded release, or else of the one that serves.
app_patience=$(setting "$payload" STACKLINE_APP_PATIENCE "$(setting "$(current_release)" STACKLINE_APP_PATIENCE 120)")

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

# stop_apps CONTAINER...: removes them once their requests are finished.
stop_apps() {
  [ $# -gt 0 ] || return 0
  drain "$@"
  docker stop --time 30 "$@" >/dev/null
  docker rm --force "$@" >/dev/null
}

drain_patience=30 # seconds; the application's own limit for a request

# drain CONTAINER...: waits until nginx has no connection to any of them, for new requests go elsewhere. The requests that
# wait in the socket of an application that stops would be refused.
drain() {
  local deadline=$((SECONDS + drain_patience)) idle=0 addresses
  addresses=$(addresses_of "$@")
  # Three times in a row, because nginx resolves a name before it connects.
  while [ "$idle" -lt 3 ] && [ "$SECONDS" -lt "$deadline" ]; do
    if nginx_connects_to "$addresses"; then idle=0; else idle=$((idle + 1)); fi
    sleep 0.3
  done
}

addresses_of() { docker inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$@"; }

# nginx_connects_to ADDRESSES: whether nginx has a connection to one of these, established (01) or under way (02).
nginx_connects_to() {
  docker exec "$(containers nginx status=running)" cat /proc/net/tcp 2>/dev/null | awk -v addresses="$1" '
    BEGIN {
      count = split(addresses, list)
      for (at = 1; at <= count; at++)
        # The kernel writes an address as a number in the byte order of the machine.
        if (split(list[at], part, ".") == 4) wanted[sprintf("%02X%02X%02X%02X", part[4], part[3], part[2], part[1])]
    }
    ($4 == "01" || $4 == "02") && substr($3, 1, 8) in wanted { found = 1 }
    END { exit !found }'
}
