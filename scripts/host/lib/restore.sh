# shellcheck shell=bash
# Makes and restores backups. A backup is first loaded into a new database and migrated to the schema of the release; then the two
# databases swap names in one transaction. The replaced database is retained until the next restore.

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
  step migrate "the new database to the schema of the release"
  migrate_copy "$name" "$loaded"
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
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || fail "'$1' is no name of a backup: backups lists them"
  [ -f "$backups/$1.dump" ] || [ ! -x "$here/s3" ] || [ ! -e "$directory/s3.env" ] || "$here/s3" get "$1" "$backups"
  [ -f "$backups/$1.dump" ] || fail "there is no backup '$1'; available: $(list_backups | cut -d' ' -f1 | tr '\n' ' ')"
  (cd "$backups" && sha256sum --status --check "$1.dump.sha256") || fail "backup $1 is damaged: its checksum does not match $1.dump.sha256"
}

# migrate_copy NAME COPY: as a deploy of the current release would. Refuses a backup whose schema is newer than the release,
# unless the current database is as new: then the release was rolled back to, and works with it.
migrate_copy() {
  local release newer current
  release=$(current_release)
  newer=$(unknown_migrations "$release" "$2")
  if [ -n "$newer" ]; then
    current=$(unknown_migrations "$release")
    newer=$(grep -vxF "$current" <<<"$newer" || true)
  fi
  [ -z "$newer" ] || fail "backup $1 is newer than release ${release##*/}, which lacks the migration $(paste -s -d ' ' <<<"$newer"): deploy the release that the backup was made with, then restore it"
  privately run_migrate "$release" "$2" || fail "the migration of the restored database failed: see its output above; the current database is unchanged"
}

# unknown_migrations RELEASE [COPY]
unknown_migrations() {
  local said
  said=$(run_migrate "$1" "${2:-}" python manage.py shell -c "$(cat "$here/unknown_migrations.py")" 2>&1 </dev/null) || {
    tail -n 20 <<<"$said" | redacted >&2
    fail "the migrations of the backup cannot be compared with those of the release: see above"
  }
  sed -n 's/^unknown migration //p' <<<"$said"
}

# run_migrate RELEASE COPY [COMMAND...]: migrates a copy of the database, or the current one if COPY is empty; or runs another
# command with it.
run_migrate() { compose_of "$1" run --rm --no-deps -T ${2:+-e "POSTGRES_DB=$2" -e POSTGRES_DB_FILE=} migrate "${@:3}"; }

# swap_databases CURRENT NEW ASIDE
swap_databases() {
  query postgres "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN (:'current', :'new') AND pid <> pg_backend_pid() \\g /dev/null
    BEGIN; ALTER DATABASE :\"current\" RENAME TO :\"aside\"; ALTER DATABASE :\"new\" RENAME TO :\"current\"; COMMIT" \
    "current=$1" "new=$2" "aside=$3"
}

# drop_databases PREFIX KEEP
drop_databases() {
  query postgres "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE starts_with(datname, :'prefix') AND datname <> :'keep' \\gexec" "prefix=$1" "keep=$2"
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
  drop_failed_copy
  [ -z "$lock_held" ] || record failed "$(failure)"
}

# Only the run that has the lock: another one may be loading a copy of its own.
drop_failed_copy() { [ -z "$lock_held" ] || drop_copies || say "the database restoring_... could not be dropped: the next restore drops it"; }

# Tests the newest backup without touching what serves.
do_restore_drill() {
  local name loaded
  require_release
  name=$(backup_files | sort -n | tail -n 1 | cut -d' ' -f2-)
  name=$(basename "$name" .dump)
  [ -n "$name" ] || fail "there is no backup yet: run backup first"
  begin restore-drill "$name"
  on_failure() { drop_failed_copy; record failed "$(failure)"; }
  take_lock restore-drill "$by"
  step load "backup $name, beside the current database"
  check_backup "$name"
  loaded=restoring_$(date +%s)
  load_backup "$name" "$loaded"
  step migrate "the new database to the schema of the release"
  migrate_copy "$name" "$loaded"
  drop_copies
  record ok
  say "backup $name can be restored"
}
