# shellcheck shell=bash
# Installs and starts what the scripts need. Sourced, not run.

# The project's folder, set by the sourcing script.
: "${root:?}"
# The oldest Node that the engine's packages run on.
node_major=20
# How long Docker may take to respond after its start, and the official engine to a probe: seconds.
docker_patience=60
official_patience=${STACKLINE_PROBE_TIMEOUT:-60}

# A full disk under standard error is no reason to fail.
say() { printf 'stackline: %s\n' "$*" >&2 || true; }

fail() {
  say "$*"
  exit 1
}

# For --help, prints the calling script's first comment and exits.
help_if_asked() {
  case " $* " in
    *" --help "* | *" -h "*)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit
      ;;
  esac
}

# For scripts whose only option is --help: fails for any other.
refuse_options() {
  local word
  for word in "$@"; do
    case $word in -*) fail "${0##*/}: there is no option '$word'; did you mean --help?" ;; esac
  done
}

# The first dagger on PATH that is not one of these scripts.
find_official_dagger() {
  local candidate
  while read -r candidate; do
    [ "$(readlink -f "$candidate")" = "$root/scripts/dagger" ] && continue
    printf '%s\n' "$candidate"
    return
  done < <(type -ap dagger)
}

official_answers() { timeout "$official_patience" "$1" --silent core version >/dev/null 2>&1; }

require_node() {
  command -v node >/dev/null || fail "Node.js is missing: install version $node_major or newer, with npm"
  local major
  major=$(node -p 'process.versions.node.split(".")[0]')
  [ "$major" -ge "$node_major" ] || fail "Node.js $major is too old: install version $node_major or newer"
  command -v npm >/dev/null || fail "npm is missing: it comes with Node.js"
}

# Installs the npm packages if the lock file has changed since the last installation. One process at a time.
install_packages() {
  local stamp=$1/node_modules/.stackline-lock lock=$1/package-lock.json
  cmp -s "$lock" "$stamp" && return
  (
    ! command -v flock >/dev/null || flock 9
    cmp -s "$lock" "$stamp" && exit
    say "installing the npm packages"
    cd "$1" || exit
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || fail "npm ci failed: see its message above"
    cp "$lock" "$stamp"
  ) 9>"$1/.npm-install.lock"
}

docker_socket=/var/run/docker.sock
docker_log=/var/log/dockerd.log

# Whether the user chose a Docker, as the docker command decides: with variables, or with `docker context use`. Only the
# default one is installed and started here; for any other, the engine's error says what it lacks.
docker_is_chosen() {
  local context=${DOCKER_CONTEXT:-} config=${DOCKER_CONFIG:-${HOME:-}/.docker}/config.json
  [ -z "${DOCKER_HOST:-}${DOCKER_TLS_VERIFY:-}${DOCKER_TLS:-}" ] || return 0
  if [ -z "$context" ] && [ -r "$config" ]; then
    context=$(sed -n 's/.*"currentContext"[[:space:]]*:[[:space:]]*"\([^"]*\)".*/\1/p' "$config")
  fi
  [ "${context:-default}" != default ]
}

# Whether Docker runs, without a request to it: its process exists, or another process serves its socket.
docker_runs() {
  ! docker_is_chosen || return 0
  [ -S "$docker_socket" ] || return 1
  [ ! -f /var/run/docker.pid ] || kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null
}

# Installs and starts Docker if that needs no interaction. One process at a time.
start_docker() {
  docker_runs && return
  (
    [ "$(id -u)" != 0 ] || ! command -v flock >/dev/null || { exec 9>/run/stackline-docker.lock && flock 9; }
    docker_runs && exit
    # The daemon must not inherit the lock.
    start_docker_now 9>&-
  )
}

start_docker_now() {
  if ! command -v dockerd >/dev/null; then install_docker; fi
  [ "$(id -u)" = 0 ] || fail "Docker is not running: start it, for example with: sudo systemctl start docker"
  say "starting Docker"
  local daemon=''
  if [ -d /run/systemd/system ]; then
    systemctl start docker || fail "Docker failed to start: see journalctl -u docker"
  else
    rm -f /var/run/docker.pid
    setsid dockerd </dev/null >"$docker_log" 2>&1 &
    daemon=$!
  fi
  local waited=0
  until docker version >/dev/null 2>&1; do
    waited=$((waited + 1))
    [ -z "$daemon" ] || kill -0 "$daemon" 2>/dev/null || fail "Docker failed to start: $(docker_failure "$docker_log")"
    [ "$waited" -le $((docker_patience * 5)) ] ||
      fail "Docker did not respond within $docker_patience s: $(docker_failure "$docker_log")"
    sleep 0.2
  done
}

# docker_failure FILE: why dockerd failed to start, in one line, from its log. Under systemd the journal has the log instead.
docker_failure() {
  local cause
  [ -s "$1" ] || {
    echo "see journalctl -u docker"
    return
  }
  cause=$(grep -m 1 -E '^(panic: |failed to start daemon)' "$1" || tail -n 1 "$1")
  # A killed dockerd can leave a corrupt network database, which crashes the next one (moby/moby#45057).
  if awk '/^panic: /{panic = 1} panic && /libnetwork/{found = 1} END{exit !found}' "$1"; then
    cause+="; its network database is corrupt: move /var/lib/docker/network/files away, and recreate your own networks"
  fi
  printf '%s (log: %s)\n' "$cause" "$1"
}

install_docker() {
  local distribution
  distribution=$(. /etc/os-release 2>/dev/null && printf '%s %s' "${ID:-}" "${ID_LIKE:-}")
  case " $distribution " in
    *" debian "* | *" ubuntu "*) ;;
    *) fail "Docker is missing: install Docker Engine, then run this again" ;;
  esac
  [ "$(id -u)" = 0 ] || fail "Docker is missing: run this as root, or install it with: sudo apt-get install docker.io"
  say "installing Debian's docker.io"
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io >&2 || fail "apt-get could not install docker.io: see its message above"
}
