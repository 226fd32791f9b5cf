# shellcheck shell=bash
# The Celery worker. A new one starts beside the old, which then takes no new tasks and ends when its own are finished.

task_grace=$(grace STACKLINE_TASK_GRACE 300) # seconds

# Old workers that finish their tasks, and since when.
leaving=() leaving_since=0
old_workers=() new_workers=()

# Removes what is left of workers that have ended, and notes the others.
note_workers() {
  local worker
  for worker in $(containers worker status=exited status=created status=dead); do docker rm --force "$worker" >/dev/null; done
  mapfile -t old_workers < <(containers worker)
}

note_new_workers() { mapfile -t new_workers < <(containers worker | grep -vxF -- "$(printf '%s\n' "${old_workers[@]}")"); }

# start_worker RELEASE: one beside those that note_workers has noted.
start_worker() {
  quietly compose_of "$1" up -d --no-deps --no-recreate --scale "worker=$((${#old_workers[@]} + 1))" worker ||
    fail "the worker cannot be started: see compose's output above"
  note_new_workers
}

# wait_worker RELEASE: until the new one is healthy, if the release has a worker.
wait_worker() {
  has_worker "$1" || return 0
  [ "${#new_workers[@]}" -gt 0 ] || fail "no worker was created, although compose reported no error: 'docker ps --all' on the machine shows what there is; then try again"
  wait_healthy "$follower_patience" "${new_workers[@]}" ||
    fail "the worker is not healthy after $follower_patience s: see its output above"
}

# dismiss WORKER...: they take no new tasks from now on. Docker does not start a container again that it was told to signal.
dismiss() {
  [ $# -gt 0 ] || return 0
  # One may have ended already.
  docker kill --signal TERM "$@" >/dev/null 2>&1 || true
  leaving+=("$@")
  leaving_since=$SECONDS
}

# Waits until the dismissed workers have finished their tasks and removes them. Says what it waits for, and what it interrupts
# when the time is up, which goes into the file `interrupted` of the run.
finish_tasks() {
  local told=3 passed running worker
  [ "${#leaving[@]}" -gt 0 ] || return 0
  while running=$(still_running "${leaving[@]}") && [ -n "$running" ]; do
    passed=$((SECONDS - leaving_since))
    if [ "$passed" -ge "$task_grace" ]; then
      for worker in $running; do interrupt "$worker"; done
      break
    fi
    if [ "$passed" -ge "$told" ]; then
      for worker in $running; do say "  the old worker finishes its tasks, $passed s of at most $task_grace: $(tasks_of "$worker" | in_one_line)"; done
      told=$((passed + 10))
    fi
    sleep 0.3
  done
  # One that ended before another was started is removed already.
  docker rm --force "${leaving[@]}" >/dev/null 2>&1 || true
  leaving=()
}

interrupt() {
  local tasks
  tasks=$(tasks_of "$1" | in_one_line)
  say "  interrupted after $task_grace s (taskGrace): $tasks. Unless acks_late is set, Celery does not run such a task again"
  printf '%s\n' "$tasks" >>"$runs/$id/interrupted"
  docker kill --signal KILL "$1" >/dev/null 2>&1 || true
}

# What the run had to interrupt, for the history.
interrupted() { [ ! -s "$runs/$id/interrupted" ] || echo "interrupted $(paste -s -d ' ' "$runs/$id/interrupted")"; }

still_running() {
  local worker
  for worker in "$@"; do [ "$(docker inspect --format '{{.State.Running}}' "$worker" 2>/dev/null)" != true ] || echo "$worker"; done
}

# tasks_of WORKER: NAME ID SECONDS of what it finishes (see ci/image/celery_run.py). Nothing if an older image does not tell.
tasks_of() { timeout 10 docker exec "$1" cat /tmp/stackline-tasks 2>/dev/null | LC_ALL=C tr -cd '[:print:]\n' || true; }

# Lines of NAME ID SECONDS as "NAME (ID, SECONDS s), ...".
in_one_line() {
  awk 'NF == 3 { printf "%s%s (%s, %s s)", sep, $1, $2, $3; sep = ", " } END { if (!sep) printf "%s", "tasks that it does not name" }'
}
