# shellcheck shell=bash
# The data services, migrations, and copies of the database.

data_services=(postgres redis kafka)
data_patience=120 # seconds

# Starts what does not run; replaces what the release defines otherwise than it runs.
start_services() {
  local service before after ids=()
  before=$(containers postgres; containers redis; containers kafka)
  quietly compose_of "$1" up -d --no-deps "${data_services[@]}" || fail "the data services cannot be started: see compose's words above"
  after=$(containers postgres; containers redis; containers kafka)
  for service in "${data_services[@]}"; do ids+=("$(containers "$service")"); done
  [ -z "$before" ] || [ "$before" = "$after" ] || say "data services were replaced: their definition has changed"
  wait_healthy "$data_patience" "${ids[@]}" || fail "a data service did not become healthy within $data_patience s: see its words above"
}

# in_database COMMAND...: as the superuser, whom the server's own socket lets in.
in_database() { docker exec --interactive "$(containers postgres status=running)" "$@"; }

# query DATABASE SQL [VARIABLE=VALUE...]: names of databases and roles are confidential, so none is an argument of a process.
query() {
  local database=$1 sql=$2 pair value
  shift 2
  {
    for pair in "$@"; do
      value=${pair#*=}
      value=${value//\\/\\\\}
      printf "\\\\set %s '%s'\n" "${pair%%=*}" "${value//\'/\\\'}"
    done
    printf '%s\n' "$sql"
  } | PGDATABASE=$database docker exec --interactive --env PGDATABASE "$(containers postgres status=running)" \
    psql -U postgres -XAtq -v ON_ERROR_STOP=1
}

database_name() { in_database cat /run/secrets/POSTGRES_DB </dev/null; }
database_user() { in_database cat /run/secrets/POSTGRES_USER </dev/null; }

# make_backup NAME: backups/NAME.dump with its checksum; nothing of either when it fails.
make_backup() {
  local file=$backups/$1.dump
  mkdir -p "$backups"
  # shellcheck disable=SC2016
  in_database sh -c 'PGDATABASE=$(cat /run/secrets/POSTGRES_DB) exec pg_dump -U postgres --format=custom' </dev/null >"$file.part" || {
    rm -f "$file.part"
    fail "the database cannot be dumped: see pg_dump's words above; the disk has $(df -Pm "$backups" | awk 'NR == 2 { print $4 }') MB left"
  }
  (cd "$backups" && chmod 0400 "$1.dump.part" && mv "$1.dump.part" "$1.dump" && sha256sum "$1.dump" >"$1.dump.sha256")
  say "backup $1 ($(du -h "$file" | cut -f1))"
  [ ! -x "$here/s3" ] || [ ! -e "$directory/s3.env" ] || "$here/s3" put "$file" || say "the backup is here, but was not copied to the object store: see above"
}

# Every backup's time and file.
backup_files() { [ ! -d "$backups" ] || find "$backups" -name '*.dump' -printf '%T@ %p\n'; }

prune_backups() {
  local old
  backup_files | sort -rn | tail -n "+$(($1 + 1))" | cut -d' ' -f2- | while read -r old; do
    rm -f "$old" "$old.sha256"
  done
}

list_backups() {
  [ ! -d "$backups" ] || find "$backups" -name '*.dump' -printf '%f  %k KiB  %TY-%Tm-%Td %TH:%TM\n' | sed 's/\.dump / /' | sort
}

migrate() { one_off "$1" migrate || fail "the migration failed; what ran before it stays as it is. Its words are above"; }

publish_static() { one_off "$1" static || fail "the static files cannot be published: see above"; }

# one_off RELEASE SERVICE: runs it to its end; its words are shown when it fails.
one_off() { quietly compose_of "$1" run --rm --no-deps -T "$2"; }
