# shellcheck shell=bash
# Checks before a deploy. Changes nothing.

docker_least=20.10
compose_least=1.29.0
# Free space for a release, its images and a backup: megabytes.
disk_least=$(setting "$payload" STACKLINE_DISK_LEAST 1024)
clock_most=300 # seconds
docker_patience=60 # seconds

preflight() {
  local release=$1
  # Takes about a second, so it runs beside the other checks.
  rendered "$release" >/dev/null 2>&1 &
  jobs[rendered]=$!
  check_versions
  check_disk "$directory"
  check_disk "$(timeout "$docker_patience" docker info --format '{{.DockerRootDir}}' 2>/dev/null || echo "$directory")"
  check_clock "$release"
  wait "${jobs[rendered]}" || true
  unset 'jobs[rendered]'
  check_files "$release"
  check_ports "$release"
  check_secrets "$release"
}

at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

check_versions() {
  local said version
  said=$(timeout "$docker_patience" docker version --format '{{.Server.Version}}' 2>&1) ||
    fail "Docker does not respond to $(id -un): $(tail -n 1 <<<"${said:-no answer within $docker_patience s}"); check that the user is in the group docker and that 'systemctl status docker' says active"
  # Warnings may precede it.
  version=$(tail -n 1 <<<"$said")
  at_least "$docker_least" "$version" || fail "Docker is $version: install $docker_least or newer"
  compose_words=$(compose_command) || fail "compose is missing: install docker-compose-plugin or docker-compose"
  known_version=$(timeout "$docker_patience" $compose_words version --short 2>/dev/null | tail -n 1 | sed 's/^v//') || true
  version=$known_version
  at_least "$compose_least" "$version" || fail "compose is $version: install $compose_least or newer"
}

check_disk() {
  local free place=$1
  # The nearest parent folder that exists and is readable.
  until free=$(timeout "$docker_patience" df -Pm "$place" 2>/dev/null | awk 'NR == 2 { print $4 }') && [ -n "$free" ]; do
    [ "$place" != / ] || fail "df does not tell how much space is free for $1"
    place=$(dirname "$place")
  done
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
  quietly rendered "$1" || fail "docker-compose.prod.yml is not valid: see compose's output above"
}
