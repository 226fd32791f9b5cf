# shellcheck shell=bash
# Sourced by docker-entrypoint.sh with the server's command as arguments: creates a cluster in PGDATA, its superuser
# and database, and runs the scripts in /docker-entrypoint-initdb.d while the server listens on its socket only.

# from_file NAME [DEFAULT]: sets NAME from itself, else from the file that NAME_FILE names.
from_file() {
  local name="$1" file_name="$1_FILE"
  local value="${!name-}" file="${!file_name-}"
  if [[ -n "$value" && -n "$file" ]]; then
    echo >&2 "error: both $name and $file_name are set (but are exclusive)"
    exit 1
  fi
  if [[ -n "$file" ]]; then value="$(<"$file")"; fi
  printf -v "$name" '%s' "${value:-${2-}}"
  export "${name?}"
  unset "$file_name"
}

require_password() {
  [[ -n "$POSTGRES_PASSWORD" || "${POSTGRES_HOST_AUTH_METHOD-}" == trust ]] && return
  cat >&2 <<'TEXT'
Error: Database is uninitialized and superuser password is not specified.
       Set POSTGRES_PASSWORD (or POSTGRES_PASSWORD_FILE) to a non-empty value for the superuser, or
       POSTGRES_HOST_AUTH_METHOD=trust to let everyone in without a password.
TEXT
  exit 1
}

create_cluster() {
  # PGDATA may be the mount point of a volume that another user owns.
  mkdir -p "$PGDATA"
  chmod 0700 "$PGDATA" 2>/dev/null || true
  local wal=()
  # shellcheck disable=SC2034 # used below, in eval
  if [[ -n "${POSTGRES_INITDB_WALDIR-}" ]]; then wal=(--waldir "$POSTGRES_INITDB_WALDIR"); fi
  # POSTGRES_INITDB_ARGS is shell text: quotes in it are evaluated. The password reaches initdb through a pipe.
  eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") "${wal[@]}"' \
    "${POSTGRES_INITDB_ARGS-}"
  local method="${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}"
  printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

# Runs psql as superuser through the socket, for this script and for those in initdb.d.
docker_process_sql() {
  local database=()
  if [[ -n "$POSTGRES_DB" ]]; then database=(--dbname "$POSTGRES_DB"); fi
  PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc \
    "${database[@]}" "$@"
}

create_database() {
  [[ "$POSTGRES_DB" == postgres ]] && return
  local name="$POSTGRES_DB"
  POSTGRES_DB='' docker_process_sql --dbname postgres --set db="$name" <<<'CREATE DATABASE :"db";'
}

run_scripts() {
  local file
  for file in /docker-entrypoint-initdb.d/*; do
    # shellcheck source=/dev/null
    case "$file" in
      *.sh) echo "$0: running $file" && if [[ -x "$file" ]]; then "$file"; else . "$file"; fi ;;
      *.sql) echo "$0: running $file" && docker_process_sql -f "$file" ;;
      *.sql.gz) echo "$0: running $file" && gunzip -c "$file" | docker_process_sql ;;
      *.sql.xz) echo "$0: running $file" && xzcat "$file" | docker_process_sql ;;
      *.sql.zst) echo "$0: running $file" && zstd -dc "$file" | docker_process_sql ;;
      */'*') ;; # nothing there
      *) echo "$0: ignoring $file" ;;
    esac
  done
}

initialise() {
  from_file POSTGRES_PASSWORD
  from_file POSTGRES_USER postgres
  from_file POSTGRES_DB "$POSTGRES_USER"
  from_file POSTGRES_INITDB_ARGS
  require_password
  ls /docker-entrypoint-initdb.d/ >/dev/null # fails early if the scripts cannot be read
  create_cluster
  export PGPASSWORD="${PGPASSWORD:-$POSTGRES_PASSWORD}"
  shift # drops the command; its options apply to this start, too
  local options
  printf -v options '%q ' "$@" -c listen_addresses='' -p "${PGPORT:-5432}"
  NOTIFY_SOCKET='' PGUSER="${PGUSER:-$POSTGRES_USER}" pg_ctl -D "$PGDATA" -o "$options" -w start
  create_database
  run_scripts
  PGUSER="${PGUSER:-$POSTGRES_USER}" pg_ctl -D "$PGDATA" -m fast -w stop
  printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

initialise "$@"
