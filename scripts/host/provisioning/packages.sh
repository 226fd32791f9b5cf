# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# Packages, with apt.

lists_are_new=

refresh_lists() {
  [ -z "$lists_are_new" ] || return 0
  local tries=0
  # Right after the first boot the network may not be up yet.
  until apt-get update -qq -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any >/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 4 ] || fail "apt-get update failed: see its output above"
    sleep 5
  done
  lists_are_new=1
}

# After a new package source.
forget_lists() { lists_are_new=; }

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# install_packages NAME...: installs the missing ones. Waits for another apt, such as that of the first boot.
install_packages() {
  local missing=() name
  for name in "$@"; do is_installed "$name" || missing+=("$name"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  refresh_lists
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Options::=--force-confold "${missing[@]}" >/dev/null ||
    fail "apt-get could not install ${missing[*]}: see its output above"
  changed "installed ${missing[*]}"
}

# Whether apt offers a package of this name.
is_available() { apt-cache policy "$1" 2>/dev/null | grep 'Candidate: [^(]' >/dev/null; }
