# shellcheck shell=bash
# Images, by digest, from a registry that may want a password.

login_config=

# The password comes in a file (registry: address, user, password, a line each) and goes to Docker by standard input; what
# Docker keeps of it lies in memory and is gone with the run.
login_registry() {
  local address user password
  [ -f "$payload/registry" ] || return 0
  { IFS= read -r address && IFS= read -r user && IFS= read -r password; } <"$payload/registry" || true
  rm -f "$payload/registry"
  login_config=$(mktemp -d -p /dev/shm stackline.XXXXXX)
  printf '%s' "$password" | DOCKER_CONFIG=$login_config docker login --username "$user" --password-stdin "$address" >/dev/null 2>"$login_config/said" ||
    fail "the registry $address refuses user $user: $(tail -n 1 "$login_config/said")"
}

logout_registry() { [ -z "$login_config" ] || rm -rf "$login_config"; }

images_of() { active_services "$1" | awk '{ print $2 }' | sort -u; }

# Pulls what is not here. By digest, what is here is what was meant.
pull_images() {
  local name said
  login_registry
  for name in $(images_of "$1"); do
    ! docker image inspect "$name" >/dev/null 2>&1 || continue
    say "pulling $name"
    said=$(docker ${login_config:+--config "$login_config"} pull --quiet "$name" 2>&1) ||
      fail "the image $name cannot be pulled: $(tail -n 1 <<<"$said")"
  done
  logout_registry
}

# Images of releases that are gone, unless a container or a release that stays still needs them.
remove_image() {
  local release
  for release in $(deployed_releases); do [ "$(setting "$release" APP_IMAGE)" != "$1" ] || return 0; done
  docker image rm "$1" >/dev/null 2>&1 || true
}
