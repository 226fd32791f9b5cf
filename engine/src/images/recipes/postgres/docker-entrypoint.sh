#!/usr/bin/env bash
# Starts PostgreSQL as upstream's image does: a server named or implied by its options is run as user postgres, and an
# empty PGDATA is initialised first from POSTGRES_* and /docker-entrypoint-initdb.d.
set -Eeuo pipefail

[[ "${1-}" == -* ]] && set -- postgres "$@"

# Options that only print information need no data: `postgres --version`.
asks_only() {
  local argument
  for argument; do
    case "$argument" in
      -'?' | --help | --describe-config | -V | --version) return 0 ;;
    esac
  done
  return 1
}

if [[ "${1-}" == postgres ]] && ! asks_only "$@"; then
  if [[ $(id -u) == 0 ]]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 0700 "$PGDATA"
    find "$PGDATA" /var/run/postgresql \! -user postgres -exec chown postgres {} +
    chmod 3777 /var/run/postgresql
    if [[ -n "${POSTGRES_INITDB_WALDIR-}" ]]; then
      install -d -o postgres -m 0700 "$POSTGRES_INITDB_WALDIR"
    fi
    exec setpriv --reuid=postgres --regid=postgres --init-groups -- env HOME=/var/lib/postgresql "$0" "$@"
  fi
  if [[ ! -s "$PGDATA/PG_VERSION" ]]; then
    # Sourced in a subshell: variables that it or the initdb.d scripts set do not reach the server.
    # shellcheck source=/dev/null # another path in the repository than in the image
    (source /usr/local/bin/initialise.sh "$@")
  fi
fi

exec "$@"
