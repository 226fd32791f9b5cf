# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# Docker Engine with compose: from Docker's repository if it can be reached, otherwise from the distribution.

# The key that signs Docker's packages: https://docs.docker.com/engine/install/debian/
docker_fingerprint=9DC858229FC7DD38854AE2D88D81803C0EBFCD88
docker_site=${DOCKER_SITE:-https://download.docker.com}

has_compose() { docker compose version >/dev/null 2>&1 || docker-compose version >/dev/null 2>&1; }

provide_docker() {
  if ! command -v dockerd >/dev/null || ! has_compose; then
    install_packages ca-certificates curl gpg
    if is_installed docker.io || ! add_docker_repository; then
      install_from_distribution
    else
      install_packages docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin
    fi
  fi
  configure_docker
  enable docker.service
  ! has_systemd || docker version >/dev/null 2>&1 || fail "Docker does not respond: see journalctl -u docker"
}

# Returns 1 if the repository cannot be reached. Fails if its key is not Docker's.
add_docker_repository() {
  local key=/etc/apt/keyrings/docker.asc id codename found
  # shellcheck source=/dev/null
  read -r id codename < <(. /etc/os-release && echo "$ID $VERSION_CODENAME")
  found=$(mktemp)
  if ! curl -fsSL --retry 2 --max-time 20 "$docker_site/linux/$id/gpg" -o "$found" 2>/dev/null; then
    rm -f "$found"
    say "Docker's repository cannot be reached: installing the distribution's Docker"
    return 1
  fi
  # The only key in the file: apt would trust what any of them signs.
  [ "$(gpg --show-keys --with-colons "$found" 2>/dev/null | awk -F: '$1 == "pub" { getline; print $10 }')" = "$docker_fingerprint" ] ||
    fail "$docker_site/linux/$id/gpg is not Docker's key ($docker_fingerprint): nothing was installed"
  put_file "$key" 644 <"$found" || true
  rm -f "$found"
  put_file /etc/apt/sources.list.d/docker.list 644 <<<"deb [arch=$(dpkg --print-architecture) signed-by=$key] $docker_site/linux/$id $codename stable" || true
  forget_lists
}

# Ubuntu packages the plugin as docker-compose-v2; Debian 12 has compose 1.29, which the stack's files support as well.
install_from_distribution() {
  refresh_lists
  local compose=docker-compose
  ! is_available docker-compose-v2 || compose=docker-compose-v2
  # Docker cannot start without iptables, and not every distribution's package depends on it.
  install_packages docker.io iptables "$compose"
}

# Limits the logs of containers that set no limits themselves, and keeps containers running while Docker is updated.
configure_docker() {
  local file=/etc/docker/daemon.json
  if [ -e "$file" ] && ! grep -q '"max-size"' "$file"; then
    say "left $file unchanged, because provision did not write it: it should limit logs (log-opts max-size, max-file)"
    return
  fi
  put_file "$file" 644 <<'JSON' || return 0
{
  "log-driver": "json-file",
  "log-opts": { "max-size": "20m", "max-file": "5" },
  "live-restore": true
}
JSON
  { has_systemd && systemctl --quiet is-active docker; } || return 0
  if [ -z "$(docker ps -q)" ]; then
    systemctl restart docker
  else
    # A restart would stop the containers. Later ones will not (live-restore).
    systemctl reload docker
    say "Docker has running containers: the new log limits take effect when Docker is restarted"
  fi
}
