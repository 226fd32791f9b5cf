# shellcheck shell=bash disable=SC2154 # provision sets the options, and other parts the rest
# Docker Engine with compose: from Docker's own repository where it can be reached, else from the distribution.

# Who signs Docker's packages: https://docs.docker.com/engine/install/debian/
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
  ! has_systemd || docker version >/dev/null 2>&1 || fail "Docker does not answer: journalctl -u docker"
}

# False where the repository cannot be reached, which is not an error; a key that is not Docker's is one.
add_docker_repository() {
  local key=/etc/apt/keyrings/docker.asc id codename found
  # shellcheck source=/dev/null
  read -r id codename < <(. /etc/os-release && echo "$ID $VERSION_CODENAME")
  found=$(mktemp)
  if ! curl -fsSL --retry 2 --max-time 20 "$docker_site/linux/$id/gpg" -o "$found" 2>/dev/null; then
    rm -f "$found"
    say "Docker's repository cannot be reached: taking the distribution's Docker"
    return 1
  fi
  gpg --show-keys --with-colons "$found" 2>/dev/null | grep "^fpr:*$docker_fingerprint:" >/dev/null ||
    fail "$docker_site/linux/$id/gpg is not Docker's key ($docker_fingerprint): nothing was installed"
  put_file "$key" 644 <"$found" || true
  rm -f "$found"
  put_file /etc/apt/sources.list.d/docker.list 644 <<<"deb [arch=$(dpkg --print-architecture) signed-by=$key] $docker_site/linux/$id $codename stable" || true
  forget_lists
}

# Ubuntu has the plugin as docker-compose-v2; Debian 12 has compose 1.29, which the stack's files please, too.
install_from_distribution() {
  refresh_lists
  local compose=docker-compose
  ! is_available docker-compose-v2 || compose=docker-compose-v2
  # iptables: Docker cannot start without, and does not ask for it everywhere.
  install_packages docker.io iptables "$compose"
}

# Logs of whatever sets no limits of its own; containers live on while Docker itself is updated.
configure_docker() {
  local file=/etc/docker/daemon.json
  if [ -e "$file" ] && ! grep -q '"max-size"' "$file"; then
    say "kept $file, which is not from here: it should limit logs (log-opts max-size, max-file)"
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
    # A restart would stop what runs. From the next one on, nothing is stopped any more.
    systemctl reload docker
    say "Docker runs containers: its new limits for logs begin when it is restarted"
  fi
}
