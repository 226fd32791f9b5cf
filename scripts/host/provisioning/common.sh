# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# Functions that every part of provisioning uses. Sourced by provision.

changes=0

say() { printf '%s\n' "$*"; }
changed() {
  changes=$((changes + 1))
  printf 'changed: %s\n' "$*"
}
fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# Whether systemd runs. In most containers it does not; then starting services is up to the container.
has_systemd() { [ -d /run/systemd/system ]; }

# enable SERVICE: starts it now and at every boot.
enable() {
  has_systemd || return 0
  systemctl --quiet is-enabled "$1" 2>/dev/null && systemctl --quiet is-active "$1" && return 0
  systemctl --quiet enable --now "$1"
  changed "service $1 enabled"
}

# put_file PATH MODE <CONTENT: replaces the file atomically. Returns 0 if it changed, otherwise 1.
put_file() {
  local new="$1.stackline-new"
  mkdir -p "$(dirname "$1")"
  { cat >"$new" && chmod "$2" "$new"; } || fail "$1 cannot be written"
  if cmp -s "$new" "$1" && [ "$(stat -c %a "$1")" = "$2" ]; then
    rm "$new"
    return 1
  fi
  mv -f "$new" "$1" || fail "$1 cannot be replaced"
  changed "$1"
}

check_machine() {
  [ "$(id -u)" = 0 ] || fail "provision must run as root: sudo $0"
  local release
  # shellcheck source=/dev/null
  release=$(. /etc/os-release && printf '%s %s' "$ID" "${VERSION_ID:-}")
  case $release in
    "debian 12" | "debian 13" | "ubuntu 22.04" | "ubuntu 24.04") ;;
    *) fail "this is $release: provision supports Debian 12 and 13, Ubuntu 22.04 and 24.04" ;;
  esac
}

is_port() { [[ $1 =~ ^[1-9][0-9]{0,4}$ ]] && [ "$1" -le 65535 ]; }

check_arguments() {
  [[ $user =~ ^[a-z_][a-z0-9_-]{0,31}$ ]] || fail "--user '$user' is not a valid user name"
  [ "$user" != root ] || fail "--user root: the deploying user must not be root"
  [[ $directory =~ ^(/[A-Za-z0-9._-]+)+$ ]] || fail "--directory '$directory' is not an absolute path"
  is_port "$ssh_port" || fail "--ssh-port '$ssh_port' is not a port"
  local key port
  for port in ${container_ports[@]+"${container_ports[@]}"}; do is_port "$port" || fail "--container-port '$port' is not a port"; done
  [[ $swap =~ ^[0-9]+$ ]] || fail "--swap '$swap' is not a number of megabytes"
  [[ $client_connections =~ ^[1-9][0-9]{0,4}$ ]] || fail "--client-connections '$client_connections' is not a number of connections"
  [[ $trusted_proxy =~ ^[0-9A-Fa-f.:]*(/[0-9]{1,3})?$ ]] || fail "--trusted-proxy '$trusted_proxy' is not an address or a network"
  for key in ${keys[@]+"${keys[@]}"}; do
    [[ $key =~ ^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+\ [A-Za-z0-9+/]+=*(\ .*)?$ ]] || fail "--authorized-key takes a public key such as 'ssh-ed25519 AAAA...'"
  done
}

report() {
  if [ "$changes" = 0 ]; then
    say "nothing changed"
  else
    say "$changes changes; this machine is ready"
  fi
}
