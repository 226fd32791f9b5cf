#!/bin/sh
# Starts redis-server as upstream's image does: a command that starts with an option goes to the server, root switches
# to user redis, and clients are served without a password (upstream builds it with protected mode off).
set -eu

case "${1-}" in
  -* | *.conf) set -- redis-server "$@" ;;
esac

case "$(basename "$1")" in
  redis-server | valkey-server) serves=1 ;;
  *) serves= ;;
esac

if [ -n "$serves" ]; then
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis {} + 2>/dev/null || true
    exec setpriv --reuid=redis --regid=redis --clear-groups -- "$0" "$@"
  fi
  umask 0077
  case " $* " in
    *" --protected-mode "*) ;;
    *" --sentinel "* | *.conf*) ;; # the file decides
    *) set -- "$@" --protected-mode no ;;
  esac
fi

exec "$@"
