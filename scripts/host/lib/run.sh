# shellcheck shell=bash
# Runs: what changes the stack goes on by itself, whoever started it goes away, and can be watched by anybody.
#   runs/ID/command, log, step, exit

# run_detached COMMAND ARGUMENT...: starts it in a session of its own and follows it to its end.
run_detached() {
  local id
  id=$(date -u +%Y%m%dT%H%M%SZ)-$1-$$
  mkdir -p "$runs/$id"
  printf '%s ' "$@" >"$runs/$id/command"
  : >"$runs/$id/log"
  setsid bash "$here/stackline" run "$id" "$@" </dev/null >>"$runs/$id/log" 2>&1 &
  echo $! >"$runs/$id/pid"
  say "run $id"
  follow_run "$id"
}

# The run itself.
run_now() {
  id=$1
  local command=$2
  shift 2
  step_file=$runs/$id/step
  # shellcheck disable=SC2064
  trap 'end_run $?' EXIT
  trap 'say "ended by a signal"; exit 143' TERM INT HUP
  "do_${command//-/_}" "$@"
}

# Scripts that were sent along with a call, not those of a release.
remove_sent() { case $here in */releases/.incoming.*) rm -rf "$(dirname "$here")" ;; esac; }

# Says how it ended; in between everything is put back that has to be.
end_run() {
  local code=$1
  set +e
  trap - TERM INT HUP
  [ "$code" = 0 ] || [ "$(type -t on_failure)" != function ] || on_failure "$code"
  release_lock
  remove_sent
  echo "$code" >"$runs/$id/exit.new" && mv "$runs/$id/exit.new" "$runs/$id/exit"
  find "$runs" -mindepth 1 -maxdepth 1 -mtime +90 -exec rm -rf {} +
  # What was sent for a run that was killed before it had the lock, secrets included: a day later nobody works with it.
  find "$releases" -mindepth 1 -maxdepth 1 -name '.incoming.*' -mtime +0 -exec rm -rf {} +
  exit "$code"
}

# The first thing that went wrong, for the history.
failure() { grep -m 1 '^FAILED: ' "$runs/$id/log" | cut -c9-; }

step() {
  current_step=$1
  # A script that is killed in between leaves the one before, not an empty file.
  printf '%s\n' "$1" >"$step_file.new" && mv "$step_file.new" "$step_file"
  printf '[%3d s] %s%s\n' "$SECONDS" "$1" "${2:+: $2}"
}

# Prints a run's log as it grows; exits as the run did.
follow_run() {
  local id=${1:-$(last_run)} pid
  [ -d "$runs/$id" ] || fail "there is no run ${id:-} in $runs"
  pid=$(cat "$runs/$id/pid" 2>/dev/null || echo 0)
  # The file first: a run that is over needs no process to wait for.
  if [ -e "$runs/$id/exit" ]; then
    cat "$runs/$id/log"
  else
    tail -n +1 -f -s 0.2 --pid="$pid" "$runs/$id/log"
  fi
  if [ ! -e "$runs/$id/exit" ]; then
    local killed="this run was killed at step '$(cat "$runs/$id/step" 2>/dev/null || echo start)'"
    [ -s "$lock_file" ] || fail "$killed and holds no lock: 'status' tells what serves; then try again"
    fail "$killed: unlock puts right what it left"
  fi
  exit "$(cat "$runs/$id/exit")"
}

last_run() { find "$runs" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort | tail -n 1; }
