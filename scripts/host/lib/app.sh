# shellcheck shell=bash
# The application's containers. Each rollout has a slot: a network alias that its containers share, and the label
# dev.stackline.slot. nginx sends requests to one slot; two slots can run side by side.

# grace NAME DEFAULT: seconds. Of the uploaded release, or else of the one that serves.
grace() { setting "$payload" "$1" "$(setting "$(current_release)" "$1" "$2")"; }
app_patience=$(grace STACKLINE_APP_PATIENCE 120)
request_grace=$(grace STACKLINE_REQUEST_GRACE 60)

slot_containers() { containers app "label=dev.stackline.slot=$1" "${@:2}"; }

other_slots() {
  local id
  for id in $(containers app); do
    [ "$(docker inspect --format '{{index .Config.Labels "dev.stackline.slot"}}' "$id")" = "$1" ] || echo "$id"
  done
}

# start_app RELEASE [SERVICE...]: starts the slot's containers beside those that already run, and SERVICES with them: `static`,
# which publishes the static files, and one more `worker`. Both have to be waited for.
start_app() {
  local slot replicas missing container scale=()
  slot=$(setting "$1" APP_SLOT)
  replicas=$(setting "$1" STACKLINE_REPLICAS 1)
  missing=$((replicas - $(slot_containers "$slot" | wc -l)))
  [ "$missing" -gt 0 ] || return 0
  for container in $(containers static); do docker rm --force "$container" >/dev/null; done
  scale=(--scale "app=$(($(containers app | wc -l) + missing))")
  [[ " $* " != *" worker "* ]] || scale+=(--scale "worker=$((${#old_workers[@]} + 1))")
  quietly compose_of "$1" up -d --no-deps --no-recreate "${scale[@]}" app "${@:2}" ||
    fail "the new containers cannot be started: see compose's output above"
}

# The health gate.
wait_app() {
  local slot ids
  slot=$(setting "$1" APP_SLOT)
  mapfile -t ids < <(slot_containers "$slot")
  [ "${#ids[@]}" -gt 0 ] || fail "no application container was created"
  wait_healthy "$app_patience" "${ids[@]}" || fail "the application is not healthy: see its output above"
}

static_patience=300 # seconds

# The static files are added to those that serve.
wait_static() {
  local container code
  container=$(containers static)
  code=$(timeout "$static_patience" docker wait "$container") || code='nothing in time'
  [ "$code" = 0 ] || {
    docker logs --tail 20 "$container" 2>&1 | redacted
    fail "the static files cannot be published: their container ended with $code, see above"
  }
  docker rm "$container" >/dev/null
}

# stop_apps CONTAINER...: removes them once their requests are finished.
stop_apps() {
  [ $# -gt 0 ] || return 0
  drain "$@"
  remove_apps "$@"
}

# remove_apps CONTAINER...: after `drain`, so what still has a connection has used up its time.
remove_apps() {
  docker stop --time 10 "$@" >/dev/null
  docker rm --force --volumes "$@" >/dev/null
}

# drain CONTAINER...: waits until nginx has no connection to any of them, for new requests go elsewhere: whatever requests have
# begun, downloads and websockets too. Says what it waits for, and what it leaves behind when the time is up.
drain() {
  local started=$SECONDS idle=0 open addresses told=3
  addresses=$(addresses_of "$@")
  # Three times in a row, because nginx resolves a name before it connects.
  while [ "$idle" -lt 3 ]; do
    open=$(connections_to "$addresses")
    if [ "$open" = 0 ]; then idle=$((idle + 1)); else idle=0; fi
    if [ $((SECONDS - started)) -ge "$request_grace" ]; then
      [ "$open" = 0 ] || say "  connections to the old containers that are cut off: $open, after $request_grace s (requestGrace)"
      return 0
    fi
    if [ "$open" != 0 ] && [ $((SECONDS - started)) -ge "$told" ]; then
      say "  connections left to the old containers: $open, after $((SECONDS - started)) s of at most $request_grace"
      told=$((told + 10))
    fi
    sleep 0.3
  done
}

addresses_of() { docker inspect --format '{{range .NetworkSettings.Networks}}{{println .IPAddress}}{{end}}' "$@"; }

# connections_to ADDRESSES: how many nginx has to these, established (01) or under way (02).
connections_to() {
  { docker exec "$(containers nginx status=running)" cat /proc/net/tcp 2>/dev/null || true; } | awk -v addresses="$1" '
    BEGIN {
      count = split(addresses, list)
      for (at = 1; at <= count; at++)
        # The kernel writes an address as a number in the byte order of the machine.
        if (split(list[at], part, ".") == 4) wanted[sprintf("%02X%02X%02X%02X", part[4], part[3], part[2], part[1])]
    }
    ($4 == "01" || $4 == "02") && substr($3, 1, 8) in wanted { found++ }
    END { print found + 0 }'
}
