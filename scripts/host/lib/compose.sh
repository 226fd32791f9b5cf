# shellcheck shell=bash
# Wrappers around compose and Docker.

project=stackline
# Known once check_versions has run.
compose_words='' known_version=''

compose_command() {
  if docker compose version >/dev/null 2>&1; then
    echo docker compose
  else
    command -v docker-compose
  fi
}

# compose_version RELEASE: as containers name it.
compose_version() { if [ -n "$known_version" ]; then echo "$known_version"; else compose_of "$1" version --short 2>/dev/null | sed 's/^v//'; fi; }

# compose_of RELEASE ARGUMENT...: runs compose for a release, without the caller's environment variables.
compose_of() { compose_from "$live" "$@"; }

# compose_from FOLDER RELEASE ARGUMENT...: the same, with relative paths resolved from FOLDER. Ends after a time, or
# after $compose_limit seconds, if the caller sets it.
compose_from() {
  local folder=$1 release=$2 words limit=0 code=0
  shift 2
  # Seconds; 0 is none. A Docker that hangs must not hold the lock for ever.
  case ${1:-} in config | version) limit=120 ;; up) limit=900 ;; esac
  read -ra words <<<"${compose_words:-$(compose_command)}"
  timeout --foreground --kill-after=10 "${compose_limit:-$limit}" env -i PATH="$PATH" HOME="${HOME:-/}" \
    ${DOCKER_HOST:+DOCKER_HOST="$DOCKER_HOST"} ${DOCKER_CONFIG:+DOCKER_CONFIG="$DOCKER_CONFIG"} \
    COMPOSE_PROJECT_NAME="$project" COMPOSE_PROFILES="$(setting "$release" COMPOSE_PROFILES)" \
    "${words[@]}" --ansi never --project-name "$project" \
    --project-directory "$folder" --env-file "$release/release.env" --file "$release/docker-compose.prod.yml" "$@" || code=$?
  [ "$code" != 124 ] || say "compose did not end within ${compose_limit:-$limit} s: does Docker respond?" >&2
  return "$code"
}

# An operator's call. What only reads is not recorded.
call_compose() {
  require_release
  case ${1:-} in
    '' | config | events | help | images | logs | ls | port | ps | stats | top | version | volumes | --help | --version) ;;
    *) begin_call compose - "$@" ;;
  esac
  compose_of "$(current_release)" "$@"
}

# active_services RELEASE: SERVICE and IMAGE, one line for each service that the release's profiles enable. Compose 1.29
# lists the others as well, and would start them if they were named.
active_services() {
  rendered "$1" | awk -v active=",$(setting "$1" COMPOSE_PROFILES)," '
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

# networks_exist RELEASE: whether all its networks exist. An unused one may have been pruned.
networks_exist() {
  local name
  for name in $(rendered "$1" | awk '/^[^ ]/ { inside = $0 == "networks:" } inside && /^  [^ ]/ { sub(/:.*/, "", $1); print $1 }'); do
    docker network inspect "${project}_$name" >/dev/null 2>&1 || return 1
  done
}

# containers SERVICE [FILTER...]: the ids of its containers, stopped ones included, one-off containers excluded.
containers() {
  local service=$1 filter filters=()
  shift
  for filter in "$@"; do filters+=(--filter "$filter"); done
  docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.oneoff=False" \
    --filter "label=com.docker.compose.service=$service" "${filters[@]}"
}

container_name() { docker inspect --format '{{slice .Name 1}}' "$1"; }

# healthy, unhealthy, starting, or the state of a container that is not running. Without a health check, one that has run for 3 s
# counts as healthy: in a restart loop it runs now and then, too.
health_of() {
  local state
  state=$(docker inspect --format '{{if ne .State.Status "running"}}{{.State.Status}}{{else if .State.Health}}{{.State.Health.Status}}{{else}}since {{.State.StartedAt}}{{end}}' \
    "$1" 2>/dev/null) || state=gone
  case $state in
    since*) [ $(($(date +%s) - $(date -d "${state#since }" +%s))) -ge 3 ] && echo healthy || echo starting ;;
    *) echo "$state" ;;
  esac
}

# answers CONTAINER: whether its health check succeeds now. Docker runs it for the first time one interval after the start.
answers() {
  local check
  mapfile -d $'\x1f' -t check < <(printf '%s' "$(docker inspect --format '{{range .Config.Healthcheck.Test}}{{.}}{{"\x1f"}}{{end}}' "$1" 2>/dev/null)")
  case ${check[0]:-} in
    CMD) timeout 5 docker exec "$1" "${check[@]:1}" >/dev/null 2>&1 </dev/null ;;
    CMD-SHELL) timeout 5 docker exec "$1" sh -c "${check[1]}" >/dev/null 2>&1 </dev/null ;;
    *) false ;;
  esac
}

# wait_healthy SECONDS CONTAINER...: returns 1 and prints a container's output if it is not healthy in time.
wait_healthy() {
  local deadline=$((SECONDS + $1)) id state
  shift
  for id in "$@"; do
    while state=$(health_of "$id"); [ "$state" != healthy ] && { [ "$state" != starting ] || ! answers "$id"; }; do
      # A container in a restart loop does not become healthy by waiting.
      if [ "$SECONDS" -ge "$deadline" ] || [ "$state" = gone ] || [ "$(restarts_of "$id")" -ge 3 ]; then
        explain "$id" "$state"
        return 1
      fi
      # Not sooner: starting a check takes processor time, which what it checks needs as well.
      sleep 0.7
    done
  done
}

restarts_of() { docker inspect --format '{{.RestartCount}}' "$1" 2>/dev/null || echo 0; }

# Prints a failing container's last health check output and last log lines.
explain() {
  local name answer
  name=$(container_name "$1" 2>/dev/null || echo "$1")
  say "$name is $2, not healthy"
  answer=$(docker inspect --format '{{with .State.Health}}{{range .Log}}{{.Output}}{{end}}{{end}}' "$1" 2>/dev/null | tail -n 3)
  [ -z "$answer" ] || say "output of its health check: $(redacted <<<"$answer")"
  say "its last log lines:"
  timeout 30 docker logs --tail 30 "$1" 2>&1 | redacted | sed 's/^/  | /' || true
}
