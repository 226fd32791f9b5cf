# shellcheck shell=bash
# A release's settings: NAME=VALUE lines in its release.env, which compose reads as well. Parsed, never sourced.

# setting RELEASE NAME [DEFAULT]
setting() {
  local line
  line=$(grep -m 1 "^$2=" "$1/release.env" 2>/dev/null) || {
    printf '%s' "${3:-}"
    return
  }
  printf '%s' "${line#*=}"
}

# change_setting RELEASE NAME VALUE: replaces the file atomically.
change_setting() {
  { grep -v "^$2=" "$1/release.env" || true; printf '%s=%s\n' "$2" "$3"; } >"$1/release.env.new"
  mv "$1/release.env.new" "$1/release.env"
}
