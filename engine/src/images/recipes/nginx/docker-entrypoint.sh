#!/bin/sh
# As upstream: before nginx starts, every executable *.sh in /docker-entrypoint.d is run and every *.envsh is sourced.
set -e

log() {
  if [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS-}" ]; then echo "$0: $*"; fi
}

if [ "$1" = nginx ] || [ "$1" = nginx-debug ]; then
  for script in $(find /docker-entrypoint.d/ -follow -type f | sort -V); do
    if ! [ -x "$script" ]; then
      log "Ignoring $script, not executable"
      continue
    fi
    # shellcheck source=/dev/null
    case "$script" in
      *.envsh) log "Sourcing $script"; . "$script" ;;
      *.sh) log "Launching $script"; "$script" ;;
      *) log "Ignoring $script" ;;
    esac
  done
  log "Configuration complete; ready for start up"
fi

exec "$@"
