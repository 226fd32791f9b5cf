# shellcheck shell=bash
# Whether a container is still what a release asks for. Compose compares a hash of the definition, which each of its versions
# computes in its own way: after an update it would replace containers that have not changed.

# rendered RELEASE: the compose file as compose reads it, from a file that is written once for each state of the release.
# Its slot, which changes during a deploy, concerns only the application's network name.
rendered() {
  local key file=$1/.rendered
  key=$(cat "$1/docker-compose.prod.yml" <(grep -v '^APP_SLOT=' "$1/release.env") | cksum)
  key="$key $(compose_version "$1")"
  if [ "$(head -n 1 "$file" 2>/dev/null)" != "# $key" ]; then
    { echo "# $key" && compose_of "$1" config; } >"$file.$BASHPID" || { rm -f "$file.$BASHPID"; return 1; }
    mv "$file.$BASHPID" "$file"
  fi
  cat "$file"
}

# definition RELEASE SERVICE...
definition() {
  rendered "$1" | awk -v services=" ${*:2} " '
    /^[^ ]/ { part = $1; wanted = 0 }
    part == "services:" && /^  [^ ]/ { name = $1; sub(/:$/, "", name); wanted = index(services, " " name " ") }
    wanted'
}

# same_definition SERVICE...: whether $release and $previous define these services, and the files of secrets, alike.
same_definition() {
  local one other
  one=$(definition "$release" "$@" && secret_files "$release") && other=$(definition "$previous" "$@" && secret_files "$previous") && [ "$one" = "$other" ]
}

# secret_files RELEASE: all but those in a folder for each release.
secret_files() {
  rendered "$1" | awk '/^[^ ]/ { inside = $1 == "secrets:" } inside && !/(app|collector|backup)-[0-9a-f]+\//'
}

# creator CONTAINER: the release that it was created for. Of one that has been removed, the current one has the same definition.
creator() {
  local folder
  folder=$(dirname "$(label_of "$1" com.docker.compose.project.config_files)")
  if [ -f "$folder/release.env" ] && [ -f "$folder/docker-compose.prod.yml" ]; then echo "$folder"; else current_release; fi
}

label_of() { docker inspect --format "{{index .Config.Labels \"$2\"}}" "$1"; }

# is_current CONTAINER RELEASE SERVICE: whether its definition and its image are those of the release.
is_current() {
  local from image
  from=$(creator "$1")
  [ -n "$from" ] || return 1
  [ "$from" = "$2" ] || [ "$(definition "$from" "$3")" = "$(definition "$2" "$3")" ] || return 1
  image=$(active_services "$2" | awk -v service="$3" '$1 == service { print $2 }')
  [ "$(docker inspect --format '{{.Image}}' "$1")" = "$(docker image inspect --format '{{.Id}}' "$image" 2>/dev/null)" ]
}

# are_current RELEASE SERVICE: whether the service has containers, and none has to be replaced.
are_current() {
  local id ids
  mapfile -t ids < <(containers "$2")
  [ "${#ids[@]}" -gt 0 ] || return 1
  for id in "${ids[@]}"; do is_current "$id" "$1" "$2" || return 1; done
}

# made_by_other RELEASE SERVICE: whether another version of compose created the service's containers.
made_by_other() {
  local id version
  version=$(compose_version "$1")
  for id in $(containers "$2"); do
    [ "$(label_of "$id" com.docker.compose.version | sed 's/^v//')" = "$version" ] || return 0
  done
  return 1
}

# bring_up RELEASE SERVICE...: starts services, and replaces containers whose definition or image has changed.
bring_up() {
  local release=$1 service kept=() others=()
  shift
  for service in "$@"; do
    if made_by_other "$release" "$service" && are_current "$release" "$service"; then kept+=("$service"); else others+=("$service"); fi
  done
  [ "${#kept[@]}" = 0 ] || quietly compose_of "$release" up -d --no-deps --no-recreate "${kept[@]}" || return 1
  [ "${#others[@]}" = 0 ] || quietly compose_of "$release" up -d --no-deps "${others[@]}"
}

# announce_replacements RELEASE: the containers in use that it replaces, and what visitors notice.
announce_replacements() {
  local service
  for service in nginx $(data_services "$1"); do
    [ -n "$(containers "$service" status=running)" ] && ! are_current "$1" "$service" || continue
    case $service in
      nginx) say "replaced     nginx: no answer for about $(expected_gap) s; requests that take longer than $nginx_grace s are cut off" ;;
      *) say "replaced     $service: what needs it fails for a few seconds" ;;
    esac
  done
}
