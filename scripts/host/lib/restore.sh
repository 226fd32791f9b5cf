# shellcheck shell=bash
# Makes and restores backups. A backup is first loaded into a new database and migrated to the schema of the release; then the two
# databases swap names in one transaction. The replaced database is retained until the next restore.

do_backup() {
  require_release
  begin backup "$(date -u +%Y%m%dT%H%M%SZ)"
  on_failure() { record failed "$(failure)"; }
  take_lock backup "$by"
  step backup
  make_backup "$subject" uploads
  prune_backups "$(setting "$(current_release)" STACKLINE_KEEP_BACKUPS 10)" || say "not all old backups could be removed: see above"
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
  check_space "$name"
  database=$(database_name)
  loaded=restoring_$(date +%s) replaced=replaced_$(date +%s)

  step load "into a new database"
  load_backup "$name" "$loaded"
  step migrate "the new database to the schema of the release"
  migrate_copy "$name" "$loaded"
  step backup "of the current database and uploads"
  before=$(date -u +%Y%m%dT%H%M%SZ)-before-restore
  make_backup "$before" uploads
  step uploads
  restore_uploads "$name"

  step background "stop worker and beat once their tasks are finished"
  stop_background "$database"
  step swap "behind the maintenance page"
  exchange "$database" "$loaded" "$replaced"

  step start "worker and beat"
  start_background
  step verify
  verify "$(current_release)"
  swapped='' entered=''
  record ok
  drop_databases replaced_ "$replaced" || say "the database that an earlier restore replaced could not be dropped: see above"
  say "backup $name is restored, after $(duration $(($(date +%s) - started_seconds))); the replaced database is retained as $replaced until the next restore"
}

check_backup() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || fail "'$1' is no name of a backup: backups lists them"
  [ -f "$backups/$1.dump" ] || [ ! -x "$here/s3" ] || [ ! -e "$directory/s3.env" ] || "$here/s3" get "$1" "$backups"
  [ -f "$backups/$1.dump" ] || fail "there is no backup '$1'; available: $(list_backups | cut -d' ' -f1 | tr '\n' ' ')"
  (cd "$backups" && sha256sum --status --check "$1.dump.sha256") || fail "backup $1 is damaged: its checksum does not match $1.dump.sha256"
  check_uploads "$1"
}

# check_space NAME: a full disk would stop the current database as well.
check_space() {
  local free need dump
  free=$(in_database df -Pm /var/lib/postgresql/data </dev/null | awk 'NR == 2 { print $4 }')
  need=$(query postgres "SELECT pg_database_size(:'current') / 1048576" "current=$(database_name)")
  # A dump is compressed.
  dump=$(($(stat -c %s "$backups/$1.dump") * 5 / 1048576))
  [ "$need" -ge "$dump" ] || need=$dump
  [ "$free" -ge $((need + disk_least)) ] ||
    fail "the new database needs about $need MB beside the current one, and $free MB are free, of which $disk_least must stay free (diskLeast): 'docker system df' shows what uses the space"
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
  migrate_database "$release" "$2" "the current database is unchanged"
}

# unknown_migrations RELEASE [COPY]
unknown_migrations() {
  local said
  said=$(compose_limit=300 run_in_django "$1" "${2:-}" unknown_migrations.py 2>&1) || {
    tail -n 20 <<<"$said" | redacted >&2
    fail "the migrations of the backup cannot be compared with those of the release: see above"
  }
  sed -n 's/^unknown migration //p' <<<"$said"
}

# drop_databases PREFIX KEEP
drop_databases() {
  query postgres "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE starts_with(datname, :'prefix') AND datname <> :'keep' \\gexec" "prefix=$1" "keep=$2"
}

undo_restore() {
  local code=0 outcome=failed
  say "FAILED at step '${current_step:-}'"
  [ -z "${before:-}" ] || (restore_uploads "$before") || say "the uploads that were there before could not be put back: see above"
  if [ -n "${swapped:-}" ]; then
    (
      set -e
      [ "${#background[@]}" = 0 ] || docker stop "${background[@]}" >/dev/null
      exchange "$swapped" "$replaced" "restoring_$(date +%s)"
    ) || code=$?
  fi
  if [ "$code" != 0 ]; then
    outcome=broken
    say "the previous database could not be put back: see above. The restored one is in use, and $replaced is the previous one"
  fi
  [ -z "${entered:-}" ] || open_site
  if [ "${#background[@]}" -gt 0 ]; then
    (
      set -e
      start_background
    ) || outcome=broken
  fi
  [ "$outcome" = broken ] || [ -z "${entered:-}" ] || say "the database is the one that was in use before"
  [ -z "$lock_held" ] || record "$outcome" "$(failure)"
  [ "$code" = 0 ] || lock_held=
  drop_failed_copy
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
  check_space "$name"
  loaded=restoring_$(date +%s)
  load_backup "$name" "$loaded"
  step migrate "the new database to the schema of the release"
  migrate_copy "$name" "$loaded"
  drop_copies
  record ok
  say "backup $name can be restored"
}
