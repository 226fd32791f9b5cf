# shellcheck shell=bash
# Commands that inspect the stack, and unlock.

show_status() {
  local release id service
  case ${1:-} in
    '') ;;
    --follow)
      follow_run
      return
      ;;
    *) fail "there is no option '$1'$(nearest "$1" --follow)" ;;
  esac
  release=$(current_release)
  if [ -n "$release" ]; then
    say "release      ${release##*/}"
    say "image        $(setting "$release" APP_IMAGE)"
    say "maintenance  $(in_maintenance && echo on || echo off)"
  else
    say "release      none: nothing is deployed in $directory yet"
  fi
  case $(lock_state) in
    free) say "lock         free" ;;
    held) say "lock         $(lock_owner), at step '$(dead_step)'" ;;
    stale) say "lock         $(lock_owner); that run was killed at step '$(dead_step)': run unlock to repair what it left" ;;
  esac
  [ ! -s "$history_file" ] || say "last         $(tail -n 1 "$history_file" | awk -F '\t' '{ print $2, $3, $7, "after", $6, "s, by", $5 }')"
  say "disk         $(df -Pm "$directory" | awk 'NR == 2 { print $4 }') MB free; backups: $(backup_files | wc -l)"
  [ -z "$release" ] || show_services || say "Docker does not respond within $docker_patience s: 'systemctl status docker' shows its state"
}

show_services() {
  timeout "$docker_patience" docker ps --all --filter "label=com.docker.compose.project=$project" \
    --format '{{.Label "com.docker.compose.service"}}\t{{.Status}}\t{{.Names}}' | sort | awk -F '\t' '{ printf "%-12s %-36s %s\n", $1, $2, $3 }'
}

show_logs() {
  require_release
  [ -n "${1:-}" ] || fail "app-logs needs a service: one of $(compose_of "$(current_release)" config --services | tr '\n' ' ')"
  [ -n "$(containers "$1")" ] || fail "there is no service '$1'; available: $(compose_of "$(current_release)" config --services | tr '\n' ' ')"
  compose_of "$(current_release)" logs --no-color --tail "${2:-100}" "$1" | redacted
}

# In the application's containers the entry point loads the secrets for the command.
exec_in() {
  local service=${1:-} id
  require_release
  [ $# -ge 2 ] || fail "exec needs a service and a command: exec SERVICE COMMAND..."
  shift
  id=$(containers "$service" status=running | head -n 1)
  [ -n "$id" ] || fail "no container of '$service' is running"
  begin_call exec "$service" "$@"
  case $service in
    app | worker | beat) docker exec "$id" /opt/docker/entrypoint "$@" ;;
    *) docker exec "$id" "$@" ;;
  esac
}

# Repairs what a killed run left, and releases its lock.
do_unlock() {
  previous=$(current_release)
  begin unlock "$(locked_run)"
  on_failure() {
    say "not repaired: see above; fix the cause, then run unlock again"
    [ -z "$lock_held" ] || record failed "$(failure)"
    lock_held=
  }
  [ "$(lock_state)" != free ] || { say "nothing is locked"; return 0; }
  take_lock unlock
  say "left by $(lock_owner), at step '$(dead_step)'"
  step unlock
  rm -rf "$releases"/.incoming.[!.]* 2>/dev/null || true
  if [ -n "$previous" ]; then
    put_back "$previous"
    rm -f "$live/nginx/maintenance/on"
    drop_copies
    verify "$previous"
  else
    # shellcheck disable=SC2046
    stop_apps $(containers app)
  fi
  remove_unfinished
  prune_secrets
  prune_images
  record ok "after $(locked_run)"
  say "unlocked${previous:+: release ${previous##*/} serves}"
}

remove_unfinished() {
  local folder
  for folder in "$releases"/*; do
    [ -e "$folder/deployed" ] || [ "$folder" = "$(dirname "$here")" ] || rm -rf "$folder"
  done
}

# Prints what a deploy of the uploaded release would do. Changes nothing.
plan_release() {
  local release=$payload name
  previous=$(current_release)
  complete_settings "$release"
  preflight "$release"
  case $(lock_state) in held | stale) say "locked: $(lock_owner); a deploy would fail until the lock is released" ;; esac
  if nothing_changed "$release"; then
    say "nothing has changed since ${previous##*/}: a deploy would restart nothing"
  else
    say "image        $(setting "${previous:-/nowhere}" APP_IMAGE none) -> $(setting "$release" APP_IMAGE)"
    [ -z "$previous" ] || { image_changes "$previous" "$release" && announce_replacements "$release" && plan_differences "$previous" "$release"; }
    for name in 'pull missing images' 'start stopped data services' "${previous:+back up the database and }migrate" 'start the new containers beside the old' \
      'switch nginx' 'replace worker and beat' 'verify /checks' 'remove the old containers' "keep $(setting "$release" STACKLINE_KEEP_RELEASES 5) releases"; do say "would $name"; done
  fi
}

# Prints the names of changed files and settings, never a value, which may be confidential.
plan_differences() {
  local file
  diff -rq --exclude=switch --exclude=on "$1/nginx" "$2/nginx" | sed "s|$1/||; s|$2/||; s/^/file         /" || true
  for file in docker-compose.prod.yml scripts/postgres logs; do
    [ ! -e "$2/$file" ] || diff -rq "$1/$file" "$2/$file" >/dev/null || say "file         $file differs"
  done
  diff <(settings_of "$1") <(settings_of "$2") | sed -n '/^[<>] [A-Z0-9_]*_IMAGE=/d; s/^[<>] \([A-Z0-9_]*\)=.*/setting      \1 differs/p' | sort -u || true
}
