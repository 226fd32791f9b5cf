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

declare -A jobs=()

# beside FUNCTION...: starts functions, each with $release, while the run goes on. `finish` waits for them.
beside() {
  local name
  mkdir -p "$runs/$id/jobs"
  for name in "$@"; do
    (
      "$name" "$release"
      milliseconds >"$runs/$id/jobs/$name.end"
    ) >"$runs/$id/jobs/$name" 2>&1 &
    jobs[$name]=$!
    milliseconds >"$runs/$id/jobs/$name.start"
  done
}

# finish FUNCTION...: prints their output in this order and how long each took. Fails if one failed.
finish() {
  local name list code=0 took=()
  for name in "$@"; do
    wait "${jobs[$name]}" || code=$?
    unset "jobs[$name]"
    cat "$runs/$id/jobs/$name"
    [ ! -e "$runs/$id/jobs/$name.end" ] || took+=("$name $(seconds_between "$(cat "$runs/$id/jobs/$name.start")" "$(cat "$runs/$id/jobs/$name.end")")")
  done
  printf -v list '%s, ' "${took[@]//_/ }"
  [ "${#took[@]}" = 0 ] || say "  ${list%, }"
  return $code
}

# together FUNCTION...: runs them in parallel.
together() {
  beside "$@"
  finish "$@"
}

milliseconds() { date +%s%3N; }

# seconds_between START END: "1.2 s", of times in milliseconds.
seconds_between() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.1f s", (to - from) / 1000 }'; }
