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

# Whether Docker is there without asking it: its own process is, or its socket belongs to something else that serves it.
docker_runs() {
  [ -z "${DOCKER_HOST:-}" ] || return 0
  [ -S "$docker_socket" ] || return 1
  [ ! -f /var/run/docker.pid ] || kill -0 "$(cat /var/run/docker.pid)" 2>/dev/null
}

# Installs and starts Docker where that can be done without asking anybody.
start_docker() {
  docker_runs && return
  if ! command -v dockerd >/dev/null; then install_docker; fi
  [ "$(id -u)" = 0 ] || fail "Docker does not run: start it, e.g. with: sudo systemctl start docker"
  say "starting Docker"
  if [ -d /run/systemd/system ]; then
    systemctl start docker
  else
    rm -f /var/run/docker.pid
    setsid dockerd </dev/null >/var/log/dockerd.log 2>&1 &
  fi
  local waited=0
  until docker version >/dev/null 2>&1; do
    waited=$((waited + 1))
    [ "$waited" -le $((docker_patience * 5)) ] ||
      fail "Docker did not answer within $docker_patience s; its last words: $(tail -n 3 /var/log/dockerd.log 2>/dev/null)"
    sleep 0.2
  done
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
