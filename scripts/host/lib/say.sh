# shellcheck shell=bash
# Output for people.

say() { printf '%s\n' "$*"; }

# Prints one line (what is wrong, where, what to do) and ends the script.
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# Runs a command and prints its output only if it fails.
quietly() {
  local output
  output=$("$@" 2>&1 </dev/null) || {
    local code=$?
    printf '%s\n' "$output" | tail -n 20
    return $code
  }
}

# Seconds in a readable form.
duration() { if [ "$1" -lt 60 ]; then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi; }

# together COMMAND...: runs functions in parallel, each with $release, and prints their output in order. Fails if one failed.
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
