# shellcheck shell=bash
# One run at a time changes the stack. The kernel holds the lock for the process, so it is known whether who wrote his name
# into it still lives; a name without a process is a run that was killed, and is not taken away silently.

lock_file=$directory/lock
lock_held=

# take_lock WHAT WHO
take_lock() {
  exec 9<>"$lock_file"
  if ! flock -n 9; then
    fail "locked: $(lock_owner); it is under way: 'status --follow' shows it"
  fi
  if [ -s "$lock_file" ] && [ "${1:-}" != unlock ]; then
    fail "locked: $(lock_owner); that run is dead, at step '$(dead_step)': unlock puts right what it left, then try again"
  fi
  lock_held=yes
  [ "$1" = unlock ] || printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "${id:-by hand}" >"$lock_file"
}

release_lock() {
  [ -n "$lock_held" ] || return 0
  : >"$lock_file"
  flock -u 9
  lock_held=
}

# "deploy by ann since 2026-11-24T20:00:00Z"
lock_owner() {
  local what who since run
  IFS=$'\t' read -r what who since run <"$lock_file" || true
  echo "${what:-something} by ${who:-somebody} since ${since:-just now}${run:+ (run $run)}"
}

locked_run() { cut -f 4 "$lock_file" 2>/dev/null; }

dead_step() { cat "$runs/$(locked_run)/step" 2>/dev/null || echo start; }

# free, held (a process has it) or stale (its process is dead).
lock_state() {
  [ -s "$lock_file" ] || { echo free; return; }
  if (exec 9<"$lock_file" && flock -n -s 9); then echo stale; else echo held; fi
}
