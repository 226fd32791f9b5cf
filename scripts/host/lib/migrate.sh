# shellcheck shell=bash
# Migrations. They run while the site serves: while one waits for a lock, all later requests for that table wait behind it. So the
# wait has a short limit (lock_timeout, which the compose file hands to the migration), and a migration that reached it is tried
# again.

migrate() { migrate_database "$1" '' 'Migrations that completed before it stay applied'; }

# migrate_database RELEASE COPY CONSEQUENCE: migrates a copy of the database, or the current one if COPY is empty.
migrate_database() {
  local release=$1 tries pause=1 try code said watched=$runs/$id/watched
  tries=$(setting "$release" STACKLINE_MIGRATION_TRIES 6)
  for ((try = 1; ; try++)); do
    code=0
    try_migration "$release" "$2" || code=$?
    warn_of_indexes
    [ "$code" != 0 ] || { list_commands; return 0; }
    may_try_again "$release" && [ "$try" -lt "$tries" ] || break
    announce "the migration $(migration_at_fault) waited too long for $(waited_for); trying again in $pause s ($((try + 1)) of $tries)"
    sleep "$pause"
    [ "$pause" -ge 16 ] || pause=$((pause * 2))
  done
  explain_migration "$release" "$try" "$3"
}

# Sets $said to its output.
try_migration() {
  watching "${2:-$(database_name)}" "$migration_name" "$(setting "$1" STACKLINE_LOCK_TIMEOUT 2)" "$(migration_container)" hear_migration "$@"
}

hear_migration() {
  await_watcher
  said=$(run_migrate "$@" 2>&1 </dev/null)
}

# run_migrate RELEASE COPY [COMMAND...]: migrates, or runs another command with the same database. A copy is only migrated: the
# further commands of the release are for its deploy.
run_migrate() {
  local code=0
  compose_of "$1" run --rm --no-deps -T --name "$(migration_container)" -e "PGAPPNAME=$migration_name" \
    ${2:+-e "POSTGRES_DB=$2" -e POSTGRES_DB_FILE= -e STACKLINE_RELEASE=} migrate "${@:3}" || code=$?
  # An interrupted one is still there.
  docker rm --force "$(migration_container)" >/dev/null 2>&1 || true
  return "$code"
}

# run_in_django RELEASE COPY SCRIPT: runs a script of this folder in `manage.py shell`.
run_in_django() { run_migrate "$1" "$2" python manage.py shell -c "$(in_own_scope <"$here/$3")" </dev/null; }

# Older versions of Django execute the text among local names, which a function or a comprehension in it does not find.
in_own_scope() { printf 'import base64; exec(base64.b64decode("%s"), {})' "$(base64 -w 0)"; }

migration_name='stackline migrate'
migration_container() { echo "$project-migrate-$id"; }

# The migration that Django had begun.
migration_at_fault() { sed -nE 's/^ *(Applying|Unapplying|Faking) ([^ ]+)\.\.\..*/\2/p' <<<"$said" | tail -n 1; }

is_lock_failure() {
  grep -qE 'LockNotAvailable|lock timeout|DeadlockDetected|deadlock detected' <<<"$said" || grep -qx cancelled "$watched"
}

# The further commands of a release (see ci/image/migrate.py).
list_commands() { { grep '^release: ' <<<"$said" || true; } | redacted | sed 's/^/  /'; }

# What has run partly would meet its own traces.
may_try_again() { is_lock_failure && [ -z "$(new_indexes)" ] && ! is_partial "$1"; }

# is_partial RELEASE: whether the migration at fault does not run in one transaction.
is_partial() {
  [ -n "$(migration_at_fault)" ] || return 1
  [ -n "${kinds:-}" ] || kinds=$(compose_limit=120 run_in_django "$1" '' migration_kinds.py 2>/dev/null) || true
  kinds=${kinds:-unknown}
  grep -qxF "not atomic $(migration_at_fault)" <<<"$kinds"
}

warn_of_indexes() {
  local index table
  new_indexes | while read -r index table; do
    announce "index $index of $table is invalid, PostgreSQL does not use it: DROP INDEX CONCURRENTLY $index, then create it again"
  done
}

# explain_migration RELEASE TRIES CONSEQUENCE: fails with the cause.
explain_migration() {
  local name rest=$3
  tail -n 20 <<<"$said" | redacted
  name=$(migration_at_fault)
  ! is_partial "$1" || rest="$name does not run in one transaction: see what it has done already before you try again. $rest"
  [ -z "$(new_indexes)" ] || rest="it left the invalid index $(new_indexes | cut -d ' ' -f 1 | paste -s -d ' '): drop it (DROP INDEX CONCURRENTLY) before you try again. $rest"
  if is_lock_failure; then
    fail "the migration $name waited too long for $(waited_for). Tries: $2, of $(setting "$1" STACKLINE_LOCK_TIMEOUT 2) s each (lockTimeout). Wait until it ends, or end it with pg_terminate_backend(PID) in 'stackline compose exec postgres psql -U postgres', then try again; $rest"
  elif grep -q 'statement timeout' <<<"$said"; then
    fail "the migration $name has a statement that took longer than $(setting "$1" STACKLINE_STATEMENT_TIMEOUT 0) s (statementTimeout of the environment, if its settings have none of their own); $rest"
  fi
  fail "the migration${name:+ $name} failed: see its output above; $rest"
}
