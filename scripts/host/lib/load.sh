# shellcheck shell=bash
# Loads a backup into a new database. Much of a backup runs as code (checks, indexes, functions), so a role of its own loads it,
# which has no rights except to own that database, and in sessions of its own: a role that a superuser has assumed can be reset.
# The superuser prepares the database while it is empty and changes owners afterwards; it reads only the system catalogs.

# load_backup NAME COPY: loads all of it, or fails. The database COPY then belongs to the application's role.
load_backup() {
  local name=$1 copy=$2 live owner rights contents=$runs/$id/contents
  live=$(database_name) owner=$(database_user)
  drop_copies
  in_database pg_restore --list <"$backups/$name.dump" >"$contents" || fail "backup $name cannot be read: see pg_restore's output above"
  rights=$(query "$live" "$(sql rights)" "objects=$(subquery objects)" "owner=$owner")
  create_copy "$copy"
  create_extensions "$live" "$copy" "$contents"
  query "$copy" "$(sql allow-wrappers)" "rights=$rights" "owner=$owner" "loader=$copy"

  load_contents "$name" "$copy" "$contents"
  count_rows "$copy" | tee "$runs/$id/rows"
  check_tables "$name" "$contents"
  grant_privileges "$name" "$copy" "$contents"
  forget_contents

  query "$copy" "$(sql apply-rights)" "objects=$(subquery objects)" "rights=$rights" "loader=$copy"
  query "$copy" "$(sql hand-over)" "loader=$copy" "owner=$owner"
  query postgres 'DROP ROLE :"loader"' "loader=$copy"
  query postgres "$(sql database-rights)" "current=$live" "new=$copy"
}

# A file in sql/ as one line, which can be the value of a variable.
subquery() { sql "$1" | sed 's/^ *--.*//' | tr '\n' ' '; }

# The database and the role that loads it have the same name. Nothing outlives this run that knows the role's password.
create_copy() {
  loader_password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  query postgres "CREATE ROLE :\"name\" LOGIN PASSWORD :'password' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS" \
    "name=$1" "password=$loader_password"
  query postgres 'CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0' "name=$1"
  query postgres 'REVOKE ALL ON DATABASE :"name" FROM PUBLIC' "name=$1"
}

# Tables of contents have the confidential names of database and role.
forget_contents() { rm -f "$runs"/*/contents "$runs"/*/contents.new; }

drop_copies() {
  forget_contents
  drop_databases restoring_ none
  query postgres "SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE starts_with(rolname, 'restoring_') \\gexec"
}

# as_loader COPY COMMAND...: runs one of PostgreSQL's programs, which connects as the loading role. Over TCP, because the Unix
# socket admits the superuser only. Its commits do not wait for the disk: that of the swap, which comes later, does.
as_loader() {
  local copy=$1
  shift
  PGPASSWORD=$loader_password docker exec --interactive --env PGPASSWORD --env PGHOST=127.0.0.1 --env "PGUSER=$copy" --env "PGDATABASE=$copy" \
    --env PGOPTIONS='-c search_path=pg_catalog -c synchronous_commit=off' "$(containers postgres status=running)" "$@"
}

# A line of a table of contents: ID; NUMBER NUMBER TYPE SCHEMA NAME OWNER. Names may contain spaces.
entry='^[0-9]+; [0-9]+ [0-9]+'

# create_extensions LIVE COPY CONTENTS: creates the extensions that only a superuser can create, if the current database has
# them, and removes their entries from CONTENTS. The loading role creates the others.
create_extensions() {
  local found name known schema own
  found=$(query "$1" "$(sql untrusted-extensions)" "names=$(sed -nE "s/$entry EXTENSION - (.*[^ ]) *$/\\1/p" "$3" | paste -s -d /)")
  while IFS='|' read -r name known schema; do
    [ -n "$name" ] || continue
    [ "$known" = t ] || fail "the backup has the extension $name, which only a superuser can create: if you trust it, run CREATE EXTENSION in the current database as the superuser, then try again"
    own=f
    ! has_entry "SCHEMA - $schema " "$3" || own=t
    query "$2" "$(sql create-extension)" "name=$name" "schema=$schema" "own=$own" "loader=$2"
    remove_entry "EXTENSION - $name " "$3"
    [ "$own" = f ] || remove_entry "SCHEMA - $schema " "$3"
  done <<<"$found"
  # Set by the extension itself.
  remove_entry 'COMMENT - EXTENSION ' "$3"
}

# has_entry START CONTENTS, remove_entry START CONTENTS: START is the type and the first words after it.
has_entry() { START=$1 awk "sub(/$entry /, \"\") && index(\$0, ENVIRON[\"START\"]) == 1 { found = 1 } END { exit !found }" "$2"; }

remove_entry() {
  START=$1 awk "{ rest = \$0 } sub(/$entry /, \"\", rest) && index(rest, ENVIRON[\"START\"]) == 1 { next } { print }" "$2" >"$2.new"
  mv "$2.new" "$2"
}

# load_contents NAME COPY CONTENTS. Not in one transaction, which would need a lock for every table: a database whose load fails
# is dropped.
load_contents() {
  grep -oE "$entry (EVENT TRIGGER|PUBLICATION|SUBSCRIPTION) - " "$3" | sed -E "s/$entry (.*) - /\\1/" | sort | uniq -c |
    sed 's/^ */left out, because a superuser has to create it: /' || true
  grep -vE "$entry (COMMENT - )?EVENT TRIGGER " "$3" | restore_entries "$1" "$2" --exit-on-error --no-privileges --no-publications --no-subscriptions ||
    fail "backup $1 cannot be loaded by a role without rights: see pg_restore's output above. Roles are no part of a backup: create those that it names first"
}

# restore_entries NAME COPY OPTION... <ENTRIES
restore_entries() {
  local name=$1 list=/tmp/$2.list
  in_database sh -c "umask 077; cat >$list"
  shift
  # shellcheck disable=SC2016
  as_loader "$1" sh -c 'pg_restore "$@"; code=$?; rm -f "$0"; exit "$code"' "$list" --dbname="$1" --use-list="$list" \
    --no-owner --no-tablespaces --no-security-labels "${@:2}" <"$backups/$name.dump"
}

count_rows() {
  psql_input "$(sql count-rows)" | as_loader "$1" psql -XAtq -v ON_ERROR_STOP=1
}

# check_tables NAME CONTENTS: partitions are tables with rows of their own, what they are partitions of is not, nor is a view.
check_tables() {
  local expected loaded
  expected=$(grep -cE "$entry TABLE DATA " "$2" || true)
  loaded=$(wc -l <"$runs/$id/rows")
  [ "$loaded" = "$expected" ] && [ "$expected" -gt 0 ] || fail "backup $1 has the rows of $expected tables, but $loaded were loaded"
}

# grant_privileges NAME COPY CONTENTS: a privilege that cannot be granted is reported, and its absence gives nobody more rights.
grant_privileges() {
  local said
  grep -qE "$entry ACL " "$3" || return 0
  said=$(grep -E "$entry ACL " "$3" | restore_entries "$1" "$2" 2>&1) ||
    sed -n 's/.*ERROR: */not granted as in the backup: /p' <<<"$said" | sort -u
}
