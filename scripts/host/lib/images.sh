# shellcheck shell=bash
# Pulls images by digest, from a registry that may require credentials.

login_config=
pull_patience=1800 # seconds, for one image
login_patience=60

# The credentials come in a file (registry: address, user, password, one line each). Docker gets the password on standard
# input and stores it in memory-backed /dev/shm, which the end of the run clears.
login_registry() {
  local address user password
  [ -f "$payload/registry" ] || return 0
  { IFS= read -r address && IFS= read -r user && IFS= read -r password; } <"$payload/registry" || true
  rm -f "$payload/registry"
  login_config=$(mktemp -d -p /dev/shm stackline.XXXXXX)
  printf '%s' "$password" | DOCKER_CONFIG=$login_config timeout "$login_patience" docker login --username "$user" --password-stdin "$address" >/dev/null 2>"$login_config/said" ||
    fail "the registry $address rejects user $user: $(tail -n 1 "$login_config/said" | grep . || echo "no answer within $login_patience s")"
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

# Names of images that deploys have pulled, a line each: only these are removed again.
pulled=$directory/pulled

remember_images() {
  touch "$pulled"
  printf '%s\n' "$@" | grep . | sort -u - "$pulled" >"$pulled.new"
  mv "$pulled.new" "$pulled"
}

# Pulls missing images. A local image with the right digest is the right image; a tag may name another one elsewhere.
pull_images() {
  local name said
  login_registry
  images_of "$1" >"$1/images"
  for name in $(cat "$1/images"); do
    [[ $name == *@* ]] || say "$name is not named by digest: a local image of this name is used as it is"
    ! docker image inspect "$name" >/dev/null 2>&1 || continue
    say "pulling $name"
    remember_images "$name"
    said=$(timeout "$pull_patience" docker ${login_config:+--config "$login_config"} pull --quiet "$name" 2>&1) ||
      fail "the image $name cannot be pulled: $(tail -n 1 <<<"${said:-not within $pull_patience s}")"
  done
  logout_registry
}

# Removes the images that no release names: those that deploys have pulled, however the deploy ended, and those of the
# application's repository without a tag. All others, and what a container uses, are somebody else's.
prune_images() {
  local name named
  remove_one_offs
  named=$(named_images)
  { cat "$pulled" 2>/dev/null || true; untagged_images; } | sort -u | while IFS= read -r name; do
    is_named "$name" "$named" || docker image rm "$name" >/dev/null 2>&1 || true
    # One that a container still uses is tried again.
    ! docker image inspect "$name" >/dev/null 2>&1 || echo "$name"
  done >"$pulled.new"
  mv "$pulled.new" "$pulled"
}

named_images() {
  local release
  for release in $(deployed_releases); do
    image_settings "$release" | cut -d= -f2-
    cat "$release/images" 2>/dev/null || true
  done
}

# is_named IMAGE NAMES: by the same name, or by its digest.
is_named() { grep -qxF -- "$1" <<<"$2" || { [[ $1 == *@* ]] && grep -qF -- "@${1#*@}" <<<"$2"; }; }

# Of the application's repository.
untagged_images() {
  local repository
  repository=$(setting "$(current_release)" APP_IMAGE | sed 's/@.*//; s|:[^/]*$||; s|^docker.io/||; s|^library/||')
  [ -n "$repository" ] || return 0
  docker image ls --digests --format '{{.Tag}} {{.Repository}}@{{.Digest}}' "$repository" | sed -n 's/^<none> \(.*@sha256:\)/\1/p'
}

# Containers that a killed run left.
remove_one_offs() {
  local id service
  docker ps --all --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.oneoff=True" \
    --filter status=created --filter status=exited --filter status=dead --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | while read -r id service; do
    case $service in migrate | static | nginx) docker rm --volumes "$id" >/dev/null 2>&1 || true ;; esac
  done
}
