# shellcheck shell=bash
# Puts one database in the place of another. A database with sessions cannot be renamed, so the site is closed for that moment:
# until the requests in progress have ended, and for the renaming. The application's containers go on; its connections do not.

background=() closed_before=''
request_patience=30 # seconds; the application's own limit for a request

# stop_background DATABASE: stops what has no visitors: worker, beat, and other services with sessions in the database. They finish
# their tasks, and begin no others, while the site is still open; the rest waits in the broker.
stop_background() {
  local service container addresses
  addresses=$(query postgres "SELECT DISTINCT host(client_addr) FROM pg_stat_activity WHERE datname = :'current' AND client_addr IS NOT NULL" "current=$1")
  while read -r container service; do
    [[ ! $service =~ ^($principals)$ ]] || continue
    [[ $service =~ ^(worker|beat)$ ]] || addresses_of "$container" | grep . | grep -qxF "$addresses" || continue
    background+=("$container")
  done < <(docker ps --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.oneoff=False" \
    --format '{{.ID}} {{.Label "com.docker.compose.service"}}')
  # Each has its own limit in the compose file (stop_grace_period).
  [ "${#background[@]}" = 0 ] || docker stop "${background[@]}" >/dev/null
}

start_background() {
  [ "${#background[@]}" -gt 0 ] || return 0
  docker start "${background[@]}" >/dev/null
  wait_healthy "$app_patience" "${background[@]}" || fail "a service is not healthy with the database: see its output above"
}

# exchange CURRENT NEW ASIDE: what takes time and can be done before is done before the site is closed.
exchange() {
  local began apps addresses='' server said=$runs/$id/exchange nginx
  [ -n "${entered:-}" ] || ! in_maintenance || closed_before=yes
  entered=yes
  mapfile -t apps < <(containers app status=running)
  [ "${#apps[@]}" = 0 ] || addresses=$(addresses_of "${apps[@]}" | grep . | tr '\n' ' ')
  server=$(containers postgres status=running) nginx=$(containers nginx status=running)
  : >"$said"

  began=$(milliseconds)
  switch_maintenance on >/dev/null
  end_requests "$nginx" "$addresses"
  rename_databases "$@"
  swapped=$1
  open_site
  [ -n "$closed_before" ] || say "the site was closed for $(seconds_between "$began" "$(milliseconds)")"
  [ ! -s "$said" ] || say "ended sessions: $(paste -s -d ';' "$said" | redacted)"
}

# Unless somebody had closed it before.
open_site() { [ -n "$closed_before" ] || switch_maintenance off >/dev/null; }

# end_requests NGINX ADDRESSES: waits for the requests in progress, for new ones get the maintenance page. One that comes late needs
# no waiting: it either is done before the renaming, or connects after it.
end_requests() {
  local code=0
  [ -n "$1" ] && [ -n "$2" ] || return 0
  # shellcheck disable=SC2016
  timeout $((request_patience + 15)) docker exec --env "WANTED=$2" "$1" sh -c "$await_idle" - "$request_patience" || code=$?
  [ "$code" = 0 ] || say "requests that took longer than $request_patience s were cut off"
}

# Runs in nginx's container, where /proc/net/tcp has nginx's connections: established (01) or under way (02). Idle twice in a row,
# because nginx resolves a name before it connects.
# shellcheck disable=SC2016
await_idle='
  idle=0
  end=$(($(date +%s) + $1))
  while [ "$idle" -lt 2 ]; do
    [ "$(date +%s)" -lt "$end" ] || exit 1
    if awk '\''
      BEGIN {
        count = split(ENVIRON["WANTED"], list, " ")
        for (at = 1; at <= count; at++)
          if (split(list[at], part, ".") == 4) wanted[sprintf("%02X%02X%02X%02X", part[4], part[3], part[2], part[1])]
      }
      ($4 == "01" || $4 == "02") && substr($3, 1, 8) in wanted { found = 1 }
      END { exit !found }'\'' /proc/net/tcp
    then idle=0; else idle=$((idle + 1)); fi
    sleep 0.1
  done'

# rename_databases CURRENT NEW ASIDE: in one transaction. A session that the application keeps between requests (CONN_MAX_AGE,
# connection pools) would fail the next one, so the application gives those up first. Other sessions are ended, and written to $said.
rename_databases() {
  local try error=$said.error
  for try in 1 2 3; do
    if query postgres "$(sql exchange)" "current=$1" "new=$2" "aside=$3" "addresses=$addresses" 2>"$error" | give_up_sessions; then
      rm -f "$error"
      return 0
    fi
    # A client that connected again within milliseconds, or took long to end.
    grep -q 'being accessed by other users' "$error" || break
  done
  fail "the databases could not be renamed (tries: $try): $(tail -n 1 "$error" | redacted)"
}

# Reads the lines of sql/exchange.sql.
give_up_sessions() {
  local line
  while IFS= read -r line; do
    if [ "$line" = kept ]; then renew_workers; else printf '%s\n' "$line" >>"$said"; fi
  done
}

# gunicorn gets new workers, and accepts connections meanwhile; another server is restarted.
renew_workers() {
  local container others=()
  for container in "${apps[@]}"; do
    # Process 1 is gunicorn, or an init that passes signals on.
    timeout 10 docker exec "$container" sh -c 'grep -qa "[g]unicorn" /proc/[0-9]*/cmdline && kill -HUP 1' </dev/null || others+=("$container")
  done
  [ "${#others[@]}" -gt 0 ] || return 0
  docker restart "${others[@]}" >/dev/null
  wait_healthy "$app_patience" "${others[@]}" || fail "the application is not healthy after its restart: see its output above"
}
