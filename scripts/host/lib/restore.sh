# shellcheck shell=bash
# Makes and restores backups. A backup is first loaded into a new database; once it is complete, the two databases swap names
# in one transaction. The replaced database is retained until the next restore.

do_backup() {
  require_release
  begin backup "$(date -u +%Y%m%dT%H%M%SZ)"
  on_failure() { record failed "$(failure)"; }
  take_lock backup "$by"
  step backup
  make_backup "$subject"
  prune_backups "$(setting "$(current_release)" STACKLINE_KEEP_BACKUPS 10)"
  record ok
}

do_restore() {
  local name=${1:-} loaded database
  require_release
  [ -n "$name" ] || fail "restore needs the name of a backup: backups lists them"
  begin restore "$name"
  on_failure() { undo_restore; }
  step preflight
  check_backup "$name"
  take_lock restore "$by"
  database=$(database_name)
  loaded=restoring_$(date +%s) replaced=replaced_$(date +%s)

  step load "into a new database"
  load_backup "$name" "$loaded"
  step backup "of the current database"
  make_backup "$(date -u +%Y%m%dT%H%M%SZ)-before-restore"

  step swap "behind the maintenance page"
  in_maintenance || opened=by_us
  switch_maintenance on >/dev/null
  stopped=yes
  # shellcheck disable=SC2046
  drain $(containers app)
  # shellcheck disable=SC2046
  docker stop --time 60 $(containers beat) $(containers worker) $(containers app) >/dev/null
  swap_databases "$database" "$loaded" "$replaced"
  swapped=$database

  step start
  start_stopped
  step verify
  verify "$(current_release)"
  [ -z "${opened:-}" ] || switch_maintenance off
  swapped='' stopped=''
  drop_databases replaced_ "$replaced"
  record ok
  say "backup $name is restored, after $(duration $(($(date +%s) - started_seconds))); the replaced database is retained as $replaced until the next restore"
}

check_backup() {
  [ -f "$backups/$1.dump" ] || [ ! -x "$here/s3" ] || [ ! -e "$directory/s3.env" ] || "$here/s3" get "$1" "$backups"
  [ -f "$backups/$1.dump" ] || fail "there is no backup '$1'; available: $(list_backups | cut -d' ' -f1 | tr '\n' ' ')"
  (cd "$backups" && sha256sum --status --check "$1.dump.sha256") || fail "backup $1 is damaged: its checksum does not match $1.dump.sha256"
}

# load_backup NAME DATABASE: loads all tables with their rows, or fails.
load_backup() {
  local tables
  drop_databases restoring_ none
  query postgres 'CREATE DATABASE :"name" OWNER :"owner" TEMPLATE template0' "name=$2" "owner=$(database_user)"
  query postgres 'REVOKE ALL ON DATABASE :"name" FROM PUBLIC' "name=$2"
  in_database pg_restore -U postgres --dbname="$2" --exit-on-error --single-transaction <"$backups/$1.dump" ||
    fail "backup $1 cannot be loaded: see pg_restore's output above"
  tables=$(in_database pg_restore --list <"$backups/$1.dump" | grep -c ' TABLE DATA ' || true)
  count_rows "$2" | tee "$runs/$id/rows"
  [ "$(wc -l <"$runs/$id/rows")" = "$tables" ] && [ "$tables" -gt 0 ] || fail "backup $1 has $tables tables, but $(wc -l <"$runs/$id/rows") were loaded"
}

count_rows() {
  query "$1" "SELECT format('SELECT %L, count(*) FROM %I.%I', table_schema || '.' || table_name, table_schema, table_name) FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1 \\gexec" | awk -F '|' '{ printf "  %-40s %8d rows\n", $1, $2 }'
}

# swap_databases CURRENT NEW ASIDE
swap_databases() {
  query postgres "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN (:'current', :'new') \\g /dev/null
    BEGIN; ALTER DATABASE :\"current\" RENAME TO :\"aside\"; ALTER DATABASE :\"new\" RENAME TO :\"current\"; COMMIT" \
    "current=$1" "new=$2" "aside=$3"
}

# drop_databases PREFIX KEEP
drop_databases() {
  query postgres "SELECT format('DROP DATABASE %I', datname) FROM pg_database WHERE starts_with(datname, :'prefix') AND datname <> :'keep' \\gexec" "prefix=$1" "keep=$2"
}

start_stopped() {
  local ids
  mapfile -t ids < <(containers app; containers worker; containers beat)
  docker start "${ids[@]}" >/dev/null
  wait_healthy "$app_patience" "${ids[@]}" || fail "a service is not healthy with the restored database"
}

undo_restore() {
  say "FAILED at step '${current_step:-}'"
  if [ -n "${stopped:-}" ]; then
    # shellcheck disable=SC2046
    [ -z "${swapped:-}" ] || { docker stop --time 60 $(containers app) $(containers worker) $(containers beat) >/dev/null; swap_databases "$swapped" "$replaced" "restoring_$(date +%s)"; }
    (
      set -e
      start_stopped
    )
    [ -z "${opened:-}" ] || switch_maintenance off
    say "the database is the one that was in use before"
  fi
  [ -z "$lock_held" ] || record failed "$(failure)"
}

# Tests the newest backup without touching what serves.
do_restore_drill() {
  local name
  require_release
  name=$(backup_files | sort -n | tail -n 1 | cut -d' ' -f2-)
  name=$(basename "$name" .dump)
  [ -n "$name" ] || fail "there is no backup yet: run backup first"
  begin restore-drill "$name"
  on_failure() { record failed "$(failure)"; }
  take_lock restore-drill "$by"
  step load "backup $name, beside the current database"
  check_backup "$name"
  load_backup "$name" "restoring_$(date +%s)"
  drop_databases restoring_ none
  record ok
  say "backup $name can be restored"
}
