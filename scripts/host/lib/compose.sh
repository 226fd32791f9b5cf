# shellcheck shell=bash
# Compose and Docker, as the rest calls them.

project=stackline

compose_command() {
  if docker compose version >/dev/null 2>&1; then
    echo docker compose
  else
    command -v docker-compose
  fi
}

# compose_of RELEASE ARGUMENT...: nothing of the caller's environment changes what a release means.
compose_of() { compose_from "$live" "$@"; }

# compose_from FOLDER RELEASE ARGUMENT...: the folder that relative paths in the file start from.
compose_from() {
  local folder=$1 release=$2 words
  shift 2
  read -ra words <<<"$(compose_command)"
  env -i PATH="$PATH" HOME="${HOME:-/}" \
    ${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} ${DOCKER_CONFIG:+DOCKER_CONFIG="$DOCKER_CONFIG"} \
    COMPOSE_PROJECT_NAME="$project" COMPOSE_PROFILES="$(setting "$release" COMPOSE_PROFILES)" \
    "${words[@]}" --ansi never --project-name "$project" \
    --project-directory "$folder" --env-file "$release/release.env" --file "$release/docker-compose.prod.yml" "$@"
}

# active_services RELEASE: SERVICE and IMAGE of each that the release's profiles start, a line each. Compose 1.29 lists the
# others, too, and would start them when they are named.
active_services() {
  compose_of "$1" config | awk -v active=",$(setting "$1" COMPOSE_PROFILES)," '
    function close_service() {
      if (name && (!limited || wanted)) print name, image
      name = image = ""
      limited = wanted = list = 0
    }
    /^[^ ]/ { close_service(); inside = $0 == "services:" }
    !inside { next }
    /^  [^ ]/ { close_service(); name = $1; sub(/:$/, "", name); next }
    /^    image:/ { image = $2 }
    list && $1 == "-" { if (index(active, "," $2 ",")) wanted = 1; next }
    { list = 0 }
    /^    profiles:/ { list = limited = 1 }
    END { close_service() }'
}

# networks_exist RELEASE: those that it would make. One that nobody uses just now may have been pruned.
networks_exist() {
  local name
  for name in $(compose_of "$1" config | awk '/^[^ ]/ { inside = $0 == "networks:" } inside && /^  [^ ]/ { sub(/:.*/, "", $1); print $1 }'); do
    docker network inspect "${project}_$name" >/dev/null 2>&1 || return 1
  done
}

# containers SERVICE [FILTER...]: the ids of its containers, stopped ones too; one-off ones not.
containers() {
  local service=$1 filter filters=()
  shift
  for filter in "$@"; do filters+=(--filter "$filter"); done
  docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.oneoff=False" \
    --filter "label=com.docker.compose.service=$service" "${filters[@]}"
}

container_name() { docker inspect --format '{{slice .Name 1}}' "$1"; }

# healthy, unhealthy, starting, or the state of a container that does not run. Without a health check, to run is to be healthy.
health_of() {
  docker inspect --format '{{if ne .State.Status "running"}}{{.State.Status}}{{else if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}' \
    "$1" 2>/dev/null || echo gone
}

# wait_healthy SECONDS CONTAINER...: returns 1, with what the one at fault says, when one is not healthy by then.
wait_healthy() {
  local deadline=$((SECONDS + $1)) id state
  shift
  for id in "$@"; do
    while state=$(health_of "$id"); [ "$state" != healthy ]; do
      # A container that starts again and again will not get better by waiting for it.
      if [ "$SECONDS" -ge "$deadline" ] || [ "$state" = gone ] || [ "$(restarts_of "$id")" -ge 3 ]; then
        explain "$id" "$state"
        return 1
      fi
      sleep 0.3
    done
  done
}

restarts_of() { docker inspect --format '{{.RestartCount}}' "$1" 2>/dev/null || echo 0; }

# The answer of the last health check and the last lines of a container at fault.
explain() {
  local name answer
  name=$(container_name "$1" 2>/dev/null || echo "$1")
  say "$name is $2, not healthy"
  answer=$(docker inspect --format '{{with .State.Health}}{{range .Log}}{{.Output}}{{end}}{{end}}' "$1" 2>/dev/null | tail -n 3)
  [ -z "$answer" ] || say "its health check says: $answer"
  say "its last lines:"
  docker logs --tail 30 "$1" 2>&1 | sed 's/^/  | /' || true
}
