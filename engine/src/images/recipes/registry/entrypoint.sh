#!/bin/sh
# As upstream: a configuration file means `registry serve`, anything else is run as it is.
set -e
case "$1" in
  *.yaml | *.yml) set -- registry serve "$@" ;;
  serve | garbage-collect | help | -*) set -- registry "$@" ;;
esac
exec "$@"
