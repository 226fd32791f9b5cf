# shellcheck shell=bash
# The data services and backups.

# data_services RELEASE: those that it has.
data_services() { active_services "$1" | awk '$1 ~ /^(postgres|redis|kafka)$/ { print $1 }'; }

data_patience=120 # seconds

# Starts stopped data services and replaces those whose definition differs in the release.
start_services() {
  local service services before after ids=()
  mapfile -t services < <(data_services "$1")
  [ "${#services[@]}" -gt 0 ] || fail "compose cannot read the release's docker-compose.prod.yml: see its output above"
  ! are_secrets_unused || remove_uninitialised
  before=$(containers postgres; containers redis; containers kafka)
  bring_up "$1" "${services[@]}" || fail "the data services cannot be started: see compose's output above"
  after=$(containers postgres; containers redis; containers kafka)
  for service in "${services[@]}"; do ids+=("$(containers "$service")"); done
  [ -z "$before" ] || [ "$before" = "$after" ] || say "data services were recreated because their definition changed"
  wait_healthy "$data_patience" "${ids[@]}" || fail "a data service did not become healthy within $data_patience s: see its output above"
  are_secrets_unused || return 0
  accepts_secrets || fail "PostgreSQL's data was created with other secrets: give those; or, if it was never used, $(new_volume postgres)"
  pin_secrets
}

# Containers of an attempt that failed have its secrets: a mount keeps referring to the original file.
remove_uninitialised() {
  # shellcheck disable=SC2046
  set -- $(containers postgres; containers redis)
  [ $# = 0 ] || docker rm --force "$@" >/dev/null
}

# Whether the application's role can log in, over the network as the application does.
accepts_secrets() {
  # shellcheck disable=SC2016
  in_database sh -c 'cd /run/secrets && PGHOST=127.0.0.1 PGDATABASE=$(cat POSTGRES_DB) PGUSER=$(cat POSTGRES_USER) PGPASSWORD=$(cat POSTGRES_PASSWORD) \
    psql --no-psqlrc --no-password --quiet --command "SELECT 1"' >/dev/null 2>&1 </dev/null
}

# new_volume SERVICE: what to do to begin again.
new_volume() { echo "remove it: docker rm -f \$(docker ps -aqf volume=${project}_$1); docker volume rm ${project}_$1; rm -rf $secrets/$1"; }

# in_database COMMAND...: runs in PostgreSQL's container, where the superuser can log in over the Unix socket.
in_database() { docker exec --interactive "$(containers postgres status=running)" "$@"; }

# Sessions of the superuser look names up in pg_catalog only, whatever the owner of a database has set or created there.
superuser_options='-c search_path=pg_catalog -c role=none -c statement_timeout=0 -c lock_timeout=60s -c default_transaction_read_only=off'

# query DATABASE SQL [VARIABLE=VALUE...]: runs SQL as the superuser, which therefore must not run code of other roles: it reads
# no table or view of theirs and runs no function.
query() {
  local database=$1
  shift
  psql_input "$@" | as_superuser "$database"
}

# as_superuser DATABASE: runs the SQL on standard input, in the container $server if the caller knows it.
as_superuser() {
  PGDATABASE=$1 docker exec --interactive --env PGDATABASE --env PGOPTIONS="$superuser_options" \
    "${server:-$(containers postgres status=running)}" psql -U postgres -XAtq -v ON_ERROR_STOP=1
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

backup_lock_patience=60 # seconds

# make_backup NAME [uploads]: writes backups/NAME.dump and its checksum, or neither if it fails; if asked, with the uploads.
make_backup() {
  local file=$backups/$1.dump watched=$runs/$id/backup-watched
  mkdir -p "$backups"
  # Of runs that were killed: only the one that holds the lock writes here.
  rm -f "$backups"/*.part
  watching "$(database_name)" pg_dump 0 '' dump_database "$file.part" || {
    rm -f "$file.part"
    cat "$watched.said"
    ! grep -q 'statement timeout' "$watched.said" || fail "the database cannot be dumped: pg_dump waited longer than $backup_lock_patience s for $(waited_for)"
    fail "the database cannot be dumped: see pg_dump's output above; $(df -Pm "$backups" | awk 'NR == 2 { print $4 }') MB are free on the disk"
  }
  # After the database: what that refers to is there.
  [ "${2:-}" != uploads ] || store_uploads "$1"
  (cd "$backups" && chmod 0400 "$1.dump.part" && mv "$1.dump.part" "$1.dump" && { sha256sum "$1.dump"; [ ! -f "$1.uploads" ] || sha256sum "$1.uploads"; } >"$1.dump.sha256")
  say "backup $1 ($(du -h "$file" | cut -f1))"
  [ ! -x "$here/s3" ] || [ ! -e "$directory/s3.env" ] || "$here/s3" put "$file" || say "the backup is on this machine but was not copied to the object store: see above"
}

# pg_dump locks all tables against changes of their definition, and waits behind one that is in progress.
dump_database() {
  # shellcheck disable=SC2016
  docker exec --env PGOPTIONS="$superuser_options" "$(containers postgres status=running)" \
    sh -c 'PGDATABASE=$(cat /run/secrets/POSTGRES_DB) exec pg_dump -U postgres --format=custom --lock-wait-timeout="$1"' dump "$((backup_lock_patience * 1000))" \
    </dev/null >"$1" 2>"$watched.said"
}

# The time and path of every backup, without downloads in progress, which are in subfolders.
backup_files() { [ ! -d "$backups" ] || find "$backups" -maxdepth 1 -name '*.dump' -printf '%T@ %p\n'; }

prune_backups() {
  local old
  backup_files | sort -rn | tail -n "+$(($1 + 1))" | cut -d' ' -f2- | while read -r old; do
    rm -f "$old" "$old.sha256" "$old.mac"
  done
  prune_uploads
}

list_backups() {
  [ ! -d "$backups" ] || find "$backups" -maxdepth 1 -name '*.dump' -printf '%f  %k KiB  %TY-%Tm-%Td %TH:%TM\n' | sed 's/\.dump / /' | sort
}
