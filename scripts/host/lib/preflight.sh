# shellcheck shell=bash
# Checks before a deploy. Changes nothing.

docker_least=20.10
compose_least=1.29.0
# Free space for a release, its images and a backup: megabytes.
disk_least=$(setting "$payload" STACKLINE_DISK_LEAST 1024)
clock_most=300 # seconds

preflight() {
  local release=$1
  check_versions
  check_disk "$directory"
  check_disk "$(docker info --format '{{.DockerRootDir}}')"
  check_clock "$release"
  check_files "$release"
  check_ports "$release"
  check_secrets "$release"
}

at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

check_versions() {
  local version
  version=$(docker version --format '{{.Server.Version}}' 2>&1) ||
    fail "Docker does not respond to $(id -un): $(tail -n 1 <<<"$version"); check that the user is in the group docker and that 'systemctl status docker' says active"
  at_least "$docker_least" "$version" || fail "Docker is $version: install $docker_least or newer"
  [ -n "$(compose_command)" ] || fail "compose is missing: install docker-compose-plugin or docker-compose"
  # shellcheck disable=SC2046
  version=$($(compose_command) version --short 2>/dev/null | sed 's/^v//')
  at_least "$compose_least" "$version" || fail "compose is $version: install $compose_least or newer"
}

check_disk() {
  local free place=$1
  # The nearest parent folder that exists and is readable.
  until free=$(df -Pm "$place" 2>/dev/null | awk 'NR == 2 { print $4 }') && [ -n "$free" ]; do place=$(dirname "$place"); done
  [ "$free" -ge "$disk_least" ] || fail "$1 has $free MB free, and a deploy needs $disk_least: 'docker system df' shows what uses the space, 'docker image prune -a' frees some"
}

check_clock() {
  local sent difference
  sent=$(setting "$1" STACKLINE_SENT)
  [ -n "$sent" ] || return 0
  difference=$(($(date +%s) - sent))
  [ "${difference#-}" -le "$clock_most" ] ||
    fail "this machine's clock differs from the pipeline's by ${difference#-} s: set it (timedatectl set-ntp true)"
}

check_files() {
  local file
  for file in docker-compose.prod.yml nginx/templates scripts/postgres release.env; do
    [ -e "$1/$file" ] || fail "the release has no $file: deploy uploads it from the project"
  done
  quietly compose_of "$1" config --quiet || fail "docker-compose.prod.yml is not valid: see compose's output above"
}

# Fails if another process listens on a port that nginx needs.
check_ports() {
  local port
  [ -z "$(containers nginx)" ] || return 0
  for port in "$(setting "$1" HTTP_PORT 80)" "$(setting "$1" HTTPS_PORT 443)"; do
    ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null ||
      fail "port $port is already in use: 'ss -ltnp sport = :$port' shows by which process; stop it, or set HTTP_PORT or HTTPS_PORT in the environment's settings"
  done
}
