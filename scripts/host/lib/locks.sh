# shellcheck shell=bash
# Who holds the lock that a program waits for. Only while it waits can the database tell, so another session asks again and again.

# watching DATABASE NAME LIMIT CONTAINER COMMAND...: runs a command, and writes to the file $watched what the database knows of its
# sessions: those with the application_name NAME, and those of CONTAINER. LIMIT: see sql/lock-waits.sql.
watching() {
  local code=0 watcher about=("${@:1:4}")
  shift 4
  : >"$watched"
  touch "$watched.on"
  watch_locks "${about[@]}" >>"$watched" 2>/dev/null &
  watcher=$!
  "$@" || code=$?
  rm -f "$watched.on"
  # The watcher must not hold up what it watches.
  timeout 10 tail --pid="$watcher" -s 0.1 -f /dev/null || kill "$watcher" 2>/dev/null || true
  return "$code"
}

# Until the watcher knows the state before, at most 5 s.
await_watcher() { for _ in {1..50}; do ! grep -qx ready "$watched" || return 0; sleep 0.1; done; }

# Until the file $watched.on is gone, or this run was killed.
watch_locks() {
  local addresses='' waits
  waits=$(sql lock-waits)
  {
    psql_input "$(sql invalid-indexes)" phase=before
    psql_input "SELECT 'ready';"
    while [ -e "$watched.on" ] && kill -0 "$$" 2>/dev/null; do
      [ -z "$4" ] || [[ $addresses =~ [0-9] ]] || addresses=$(addresses_of "$4" 2>/dev/null | tr '\n' ' ') || true
      psql_input "$waits" "addresses=$addresses" "name=$2" "limit=$3"
      sleep 0.2
    done
    psql_input "$(sql invalid-indexes)" phase=after
  } | as_superuser "$1"
}

# "a lock on TABLE, held by ...": the last that was seen, without secrets.
waited_for() {
  awk -F '\t' '$1 == "waits" { lock = $2; holder = $3 } END { print (lock ? lock : "a lock") ", held by " (holder ? holder : "somebody who was not seen") }' "$watched" |
    redacted | sed -E 's/^(.{400}).*/\1.../'
}

# The invalid indexes that were not there before: INDEX TABLE.
new_indexes() { awk -F '\t' '$1 == "before" { known[$2] } $1 == "after" && !($2 in known) { print $2, $3 }' "$watched"; }
