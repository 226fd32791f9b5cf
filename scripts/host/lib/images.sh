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

# The settings that name images: NAME=VALUE lines.
image_settings() { grep -E '^[A-Z][A-Z0-9_]*_IMAGE=' "$1/release.env" || true; }

# keep_digests RELEASE PREVIOUS: an image for which the pipeline got no digest, and whose tag is the same as before, stays the one
# that serves.
keep_digests() {
  local line now
  while IFS= read -r line; do
    [[ $line != *@* ]] || continue
    now=$(setting "$2" "${line%%=*}")
    [[ $now == "${line#*=}@"* ]] || continue
    say "${line#*=} stays at $(short_digest "$now"): the pipeline got no digest from its registry"
    change_setting "$1" "${line%%=*}" "$now"
  done < <(image_settings "$1")
}

# image_changes PREVIOUS RELEASE: a line for each service whose image differs, except the application's own.
image_changes() {
  local service image before
  while read -r service image before; do
    if [ "${image%@*}" = "${before%@*}" ]; then
      say "image        $service: ${image%@*}, $(short_digest "$before") -> $(short_digest "$image"); its container is replaced"
    else
      say "image        $service: $before -> $image; its container is replaced"
    fi
  done < <(join <(active_services "$2" | sort) <(active_services "$1" | sort) | awk -v app="$(setting "$2" APP_IMAGE)" '$2 != $3 && $2 != app')
}

short_digest() { [[ $1 == *@* ]] && cut -c1-19 <<<"${1#*@}" || echo "no digest"; }

# Pulls missing images. A local image with the right digest is the right image; a tag may name another one elsewhere.
pull_images() {
  local name said
  login_registry
  for name in $(images_of "$1"); do
    [[ $name == *@* ]] || say "$name is not named by digest: a local image of this name is used as it is"
    ! docker image inspect "$name" >/dev/null 2>&1 || continue
    say "pulling $name"
    said=$(docker ${login_config:+--config "$login_config"} pull --quiet "$name" 2>&1) ||
      fail "the image $name cannot be pulled: $(tail -n 1 <<<"$said")"
  done
  logout_registry
}

# remove_images REFERENCE...: removes the images of a deleted release, unless a container or another release still uses them.
remove_images() {
  local release name used
  used=$(for release in $(deployed_releases); do image_settings "$release" | cut -d= -f2-; done)
  for name in "$@"; do
    ! grep -qxF -- "$name" <<<"$used" || continue
    docker image rm "$name" >/dev/null 2>&1 || true
  done
}
