# shellcheck shell=bash
# What the scripts need before they can do their work, and how it is had. Sourced, not run.

# Folder of the project; set by who sources this.
: "${root:?}"
# The oldest Node that the engine's packages run on.
node_major=20
# How long Docker may take to answer after it was started, and the official engine at all: seconds.
docker_patience=60
official_patience=${STACKLINE_PROBE_TIMEOUT:-60}

say() { printf 'stackline: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Where help is asked for, prints the comment that the calling script begins with, and ends.
help_if_asked() {
  case " $* " in
    *" --help "* | *" -h "*)
      sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
      exit
      ;;
  esac
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

# Installs the npm packages if the lock file has changed since the last time; one process at a time.
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

# Whether Docker is there without asking it: its own process is, or its socket belongs to something else that serves it.
docker_runs() {
  [ -z "${DOCKER_HOST:-}" ] || return 0
  [ -S "$docker_socket" ] || return 1
  [ ! -f /var/run/docker.pid ] || kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null
}

# Installs and starts Docker where that can be done without asking anybody; one process at a time.
start_docker() {
  docker_runs && return
  (
    [ "$(id -u)" != 0 ] || ! command -v flock >/dev/null || { exec 9>/run/stackline-docker.lock && flock 9; }
    docker_runs && exit
    # What is started is not to hold the lock.
    start_docker_now 9>&-
  )
}

start_docker_now() {
  if ! command -v dockerd >/dev/null; then install_docker; fi
  [ "$(id -u)" = 0 ] || fail "Docker does not run: start it, e.g. with: sudo systemctl start docker"
  say "starting Docker"
  local daemon=''
  if [ -d /run/systemd/system ]; then
    systemctl start docker || fail "Docker does not start: see journalctl -u docker"
  else
    rm -f /var/run/docker.pid
    setsid dockerd </dev/null >"$docker_log" 2>&1 &
    daemon=$!
  fi
  local waited=0
  until docker version >/dev/null 2>&1; do
    waited=$((waited + 1))
    [ -z "$daemon" ] || kill -0 "$daemon" 2>/dev/null || fail "Docker does not start: $(docker_words "$docker_log")"
    [ "$waited" -le $((docker_patience * 5)) ] ||
      fail "Docker did not answer within $docker_patience s: $(docker_words "$docker_log")"
    sleep 0.2
  done
}

# Why a dockerd did not start, in one line, from its log FILE, where it has one of its own: docker_words FILE
docker_words() {
  local cause
  [ -s "$1" ] || {
    echo "see journalctl -u docker"
    return
  }
  cause=$(grep -m 1 -E '^(panic: |failed to start daemon)' "$1" || tail -n 1 "$1")
  # A dockerd that was killed can leave a list of networks that the next one falls over (moby/moby#45057).
  if awk '/^panic: /{panic = 1} panic && /libnetwork/{found = 1} END{exit !found}' "$1"; then
    cause+="; its list of networks is broken: move /var/lib/docker/network/files away, and make networks of your own anew"
  fi
  printf '%s (its log: %s)\n' "$cause" "$1"
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
