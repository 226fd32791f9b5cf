# shellcheck shell=bash
# Runs: commands that change the stack run detached, survive a lost connection, and can be followed by anyone.
#   runs/ID/command, log, step, exit

# run_detached COMMAND ARGUMENT...: starts a command in its own session and follows it to its end.
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

# The detached process.
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

# Removes the scripts that were uploaded with a call, never those of a release.
remove_sent() { case $here in */releases/.incoming.*) rm -rf "$(dirname "$here")" ;; esac; }

# Undoes what a failed run has changed, cleans up and records the exit code.
end_run() {
  local code=$1
  set +e
  trap - TERM INT HUP
  [ "$code" = 0 ] || [ "$(type -t on_failure)" != function ] || on_failure "$code"
  release_lock
  remove_sent
  echo "$code" >"$runs/$id/exit.new" && mv "$runs/$id/exit.new" "$runs/$id/exit"
  find "$runs" -mindepth 1 -maxdepth 1 -mtime +90 -exec rm -rf {} +
  # Uploads (secrets included) of runs that were killed before they took the lock: unused after a day.
  find "$releases" -mindepth 1 -maxdepth 1 -name '.incoming.*' -mtime +0 -exec rm -rf {} +
  exit "$code"
}

# The first failure, for the history.
failure() { grep -m 1 '^FAILED: ' "$runs/$id/log" | cut -c9-; }

# Prints a line at once, within `together`, too.
announce() { printf '%s\n' "$*" >>"$runs/$id/log"; }

step_times=() step_started=

step() {
  note_step
  current_step=$1 step_started=$(milliseconds)
  # Written atomically: a script that is killed meanwhile leaves the previous step, not an empty file.
  printf '%s\n' "$1" >"$step_file.new" && mv "$step_file.new" "$step_file"
  printf '[%3d s] %s%s\n' "$SECONDS" "$1" "${2:+: $2}"
}

# Notes how long the step took that ends.
note_step() { [ -z "$step_started" ] || step_times+=("$current_step $(seconds_between "$step_started" "$(milliseconds)")"); }

# The seconds of each step.
say_steps() {
  local list
  note_step
  step_started=
  printf -v list '%s, ' "${step_times[@]}"
  say "steps: ${list%, }"
}

# Prints a run's log as it grows; exits with the run's code.
follow_run() {
  local id=${1:-$(last_run)} pid
  [ -d "$runs/$id" ] || fail "there is no run ${id:+$id }in $runs"
  pid=$(cat "$runs/$id/pid" 2>/dev/null || echo 0)
  # The file exists once the run has ended: there is no process to wait for.
  if [ -e "$runs/$id/exit" ]; then
    cat "$runs/$id/log"
  else
    tail -n +1 -f -s 0.2 --pid="$pid" "$runs/$id/log"
  fi
  if [ ! -e "$runs/$id/exit" ]; then
    local killed="this run was killed at step '$(cat "$runs/$id/step" 2>/dev/null || echo start)'"
    [ -s "$lock_file" ] || fail "$killed and holds no lock: 'status' shows what serves; then try again"
    fail "$killed: run unlock to repair what it left"
  fi
  exit "$(cat "$runs/$id/exit")"
}

last_run() { find "$runs" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort | tail -n 1; }
