# shellcheck shell=bash
# The data services, migrations and backups.

data_services=(postgres redis kafka)
data_patience=120 # seconds

# Starts stopped data services and replaces those whose definition differs in the release.
start_services() {
  local service before after ids=()
  before=$(containers postgres; containers redis; containers kafka)
  quietly compose_of "$1" up -d --no-deps "${data_services[@]}" || fail "the data services cannot be started: see compose's output above"
  after=$(containers postgres; containers redis; containers kafka)
  for service in "${data_services[@]}"; do ids+=("$(containers "$service")"); done
  [ -z "$before" ] || [ "$before" = "$after" ] || say "data services were recreated because their definition changed"
  wait_healthy "$data_patience" "${ids[@]}" || fail "a data service did not become healthy within $data_patience s: see its output above"
}

# in_database COMMAND...: runs in PostgreSQL's container, where the superuser can log in over the Unix socket.
in_database() { docker exec --interactive "$(containers postgres status=running)" "$@"; }

# Sessions of the superuser look names up in pg_catalog only, whatever the owner of a database has set or created there.
superuser_options='-c search_path=pg_catalog -c role=none -c statement_timeout=0 -c lock_timeout=0 -c default_transaction_read_only=off'

# query DATABASE SQL [VARIABLE=VALUE...]: runs SQL as the superuser, which therefore must not run code of other roles: it reads
# no table or view of theirs and runs no function.
query() {
  local database=$1
  shift
  psql_input "$@" | PGDATABASE=$database docker exec --interactive --env PGDATABASE --env PGOPTIONS="$superuser_options" \
    "$(containers postgres status=running)" psql -U postgres -XAtq -v ON_ERROR_STOP=1
}

# psql_input SQL [VARIABLE=VALUE...]: all of it goes to standard input, because names of databases and roles are confidential
# and other users can read a process's arguments.
psql_input() {
  local sql=$1 pair value
  shift
  for pair in "$@"; do
    value=${pair#*=}
    value=${value//\\/\\\\}
    printf "\\\\set %s '%s'\n" "${pair%%=*}" "${value//\'/\\\'}"
  done
  printf '%s\n' "$sql"
}

# sql NAME: the text of a file in sql/.
sql() { cat "$here/sql/$1.sql"; }

database_name() { in_database cat /run/secrets/POSTGRES_DB </dev/null; }
database_user() { in_database cat /run/secrets/POSTGRES_USER </dev/null; }

# make_backup NAME: writes backups/NAME.dump and its checksum, or neither if it fails.
make_backup() {
  local file=$backups/$1.dump
  mkdir -p "$backups"
  # shellcheck disable=SC2016
  docker exec --env PGOPTIONS="$superuser_options" "$(containers postgres status=running)" \
    sh -c 'PGDATABASE=$(cat /run/secrets/POSTGRES_DB) exec pg_dump -U postgres --format=custom' </dev/null >"$file.part" || {
    rm -f "$file.part"
    fail "the database cannot be dumped: see pg_dump's output above; $(df -Pm "$backups" | awk 'NR == 2 { print $4 }') MB are free on the disk"
  }
  (cd "$backups" && chmod 0400 "$1.dump.part" && mv "$1.dump.part" "$1.dump" && sha256sum "$1.dump" >"$1.dump.sha256")
  say "backup $1 ($(du -h "$file" | cut -f1))"
  [ ! -x "$here/s3" ] || [ ! -e "$directory/s3.env" ] || "$here/s3" put "$file" || say "the backup is on this machine but was not copied to the object store: see above"
}

# The time and path of every backup.
backup_files() { [ ! -d "$backups" ] || find "$backups" -name '*.dump' -printf '%T@ %p\n'; }

prune_backups() {
  local old
  backup_files | sort -rn | tail -n "+$(($1 + 1))" | cut -d' ' -f2- | while read -r old; do
    rm -f "$old" "$old.sha256" "$old.mac"
  done
}

list_backups() {
  [ ! -d "$backups" ] || find "$backups" -name '*.dump' -printf '%f  %k KiB  %TY-%Tm-%Td %TH:%TM\n' | sed 's/\.dump / /' | sort
}

migrate() { one_off "$1" migrate || fail "the migration failed: see its output above. Migrations that completed before it stay applied"; }

publish_static() { one_off "$1" static || fail "the static files cannot be published: see above"; }

# one_off RELEASE SERVICE: runs a service to completion; prints its output if it fails.
one_off() { privately compose_of "$1" run --rm --no-deps -T "$2"; }
