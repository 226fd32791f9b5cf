# shellcheck shell=bash
# Installs and starts what the scripts need. Sourced, not run.

# The project's folder, set by the sourcing script.
: "${root:?}"
setup=$(dirname "${BASH_SOURCE[0]}")
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
  local version
  version=$(node --version)
  version=${version#v}
  [ "${version%%.*}" -ge "$node_major" ] || fail "Node.js $version is too old: install version $node_major or newer"
  command -v npm >/dev/null || fail "npm is missing: it comes with Node.js"
}

# packages_installed FOLDER: whether it has all packages of its lock file. An installation can be incomplete: interrupted, or
# made for production.
packages_installed() { node "$setup/packages-installed.mjs" "$1"; }

# Installs the npm packages if they are missing, incomplete or not those of the lock file. One process at a time.
install_packages() {
  packages_installed "$1" && return
  local path lock=$1/.npm-install.lock
  for path in "$1" "$1/node_modules" "$lock"; do
    [ -w "$path" ] || [ ! -e "$path" ] ||
      fail "the npm packages must be installed, but $path is not writable by $(user): run 'npm ci' there as its owner, or use a copy of the project"
  done
  (
    ! command -v flock >/dev/null || flock 9
    packages_installed "$1" && exit
    say "installing the npm packages"
    npm_ci "$1" || fail "npm ci failed: see its message above"
    packages_installed "$1" || fail "npm ci left packages out: try it in $1, and check npm's settings with: npm config list"
  ) 9>"$lock"
}

# The options come before npm's settings in the environment and in .npmrc files, such as omit=dev, which NODE_ENV=production
# implies. Only a workspace's name, which `npm run` sets for its children, has no option that resets it.
npm_ci() {
  local what=(--include=dev --include=optional --include=peer --ignore-scripts --no-dry-run --no-package-lock-only)
  local where=(--prefix="$1" --no-global --location=project --install-strategy=hoisted --bin-links --no-engine-strict)
  local unset=(-u npm_config_workspace -u npm_config_workspaces -u NPM_CONFIG_WORKSPACE -u NPM_CONFIG_WORKSPACES)
  # Without a home directory, npm has no folder for its cache.
  if [ ! -w "${HOME:-}" ] && [ -z "${npm_config_cache:-}" ]; then
    npm_config_cache=$(mktemp -d)
    export npm_config_cache
    # Called in a subshell, which then ends.
    trap 'rm -rf "$npm_config_cache"' EXIT
  fi
  (cd "$1" && env "${unset[@]}" npm ci "${what[@]}" "${where[@]}" --no-audit --no-fund --loglevel=error >&2)
}

docker_socket=/var/run/docker.sock
docker_log=/var/log/dockerd.log

# Succeeds if Docker answers, or is elsewhere: then the engine connects to it. Fails if it has to be started here.
docker_runs() {
  case $(node "$setup/docker-state.mjs" "$docker_socket") in
    answers | elsewhere) ;;
    denied)
      fail "$(user) may not open Docker's socket $docker_socket: join its group with 'sudo usermod -aG docker $(user)', then log in again"
      ;;
    *) return 1 ;;
  esac
}

# The user's name, or the number of a user that has none: then id prints that and fails.
user() { id -un 2>/dev/null || true; }

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
  # Debian has dockerd in a folder that is not on the PATH of ordinary users.
  PATH=$PATH:/usr/sbin command -v dockerd >/dev/null || install_docker
  [ "$(id -u)" = 0 ] || fail "Docker is not running: start it, for example with: sudo systemctl start docker"
  say "starting Docker"
  local daemon=''
  if [ -d /run/systemd/system ]; then
    systemctl start docker || fail "Docker failed to start: see journalctl -u docker"
  elif ! docker_starts; then
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

# Whether another process has started dockerd. A container's PIDs begin anew: after a restart, the file can name any process.
docker_starts() { [ "$(cat "/proc/$(cat /var/run/docker.pid 2>/dev/null)/comm" 2>/dev/null)" = dockerd ]; }

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
