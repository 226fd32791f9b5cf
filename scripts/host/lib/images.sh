# shellcheck shell=bash
# Pulls images by digest, from a registry that may require credentials.

login_config=

# The credentials come in a file (registry: address, user, password, one line each). Docker gets the password on standard
# input and stores it in memory-backed /dev/shm, which the end of the run clears.
login_registry() {
  local address user password
  [ -f "$payload/registry" ] || return 0
  { IFS= read -r address && IFS= read -r user && IFS= read -r password; } <"$payload/registry" || true
  rm -f "$payload/registry"
  login_config=$(mktemp -d -p /dev/shm stackline.XXXXXX)
  printf '%s' "$password" | DOCKER_CONFIG=$login_config docker login --username "$user" --password-stdin "$address" >/dev/null 2>"$login_config/said" ||
    fail "the registry $address rejects user $user: $(tail -n 1 "$login_config/said")"
}

logout_registry() { [ -z "$login_config" ] || rm -rf "$login_config"; }

images_of() { active_services "$1" | awk '{ print $2 }' | sort -u; }

# Pulls missing images. A local image with the right digest is the right image.
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

# Removes the image of a deleted release, unless a container or another release still uses it.
remove_image() {
  local release
  for release in $(deployed_releases); do [ "$(setting "$release" APP_IMAGE)" != "$1" ] || return 0; done
  docker image rm "$1" >/dev/null 2>&1 || true
}
