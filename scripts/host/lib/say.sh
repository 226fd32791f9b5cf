# shellcheck shell=bash
# What people read.

say() { printf '%s\n' "$*"; }

# One line: what is wrong, where, what to do. Ends the script.
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# Runs a command and says nothing of it unless it fails.
quietly() {
  local output
  output=$("$@" 2>&1 </dev/null) || {
    local code=$?
    printf '%s\n' "$output" | tail -n 20
    return $code
  }
}

# Seconds as people say them.
duration() { if [ "$1" -lt 60 ]; then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi; }
