# shellcheck shell=bash
# Only one run at a time changes the stack. The kernel releases the lock (flock) when its process ends, while the owner's
# name stays in the file: a name without a process means that the run was killed. That lock is stale and needs an unlock.

lock_file=$directory/lock
lock_held=

# take_lock WHAT WHO
take_lock() {
  exec 9<>"$lock_file"
  if ! flock -n 9; then
    fail "locked: $(lock_owner); it is in progress: 'status --follow' shows it"
  fi
  if [ -s "$lock_file" ] && [ "${1:-}" != unlock ]; then
    fail "locked: $(lock_owner); that run was killed at step '$(dead_step)': run unlock to repair what it left, then try again"
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

# free, held (by a running process) or stale (its process was killed).
lock_state() {
  [ -s "$lock_file" ] || { echo free; return; }
  if (exec 9<"$lock_file" && flock -n -s 9); then echo stale; else echo held; fi
}
