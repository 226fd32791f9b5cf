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

# together COMMAND...: functions side by side, each with $release; their words one after another. Fails when one did.
together() {
  local name jobs=() code=0 at=0 said
  said=$runs/$id/together
  mkdir "$said"
  for name in "$@"; do
    ("$name" "$release" >"$said/$name" 2>&1) &
    jobs+=($!)
  done
  for name in "$@"; do
    wait "${jobs[at]}" || code=$?
    at=$((at + 1))
    cat "$said/$name"
  done
  rm -rf "$said"
  return $code
}
