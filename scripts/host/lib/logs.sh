# shellcheck shell=bash
# Log lines for the pipeline's `logs`. The first line names the source: `store`, followed by the log store's response; or
# `files` with the reason, followed by SERVICE CONTAINER TIME TEXT lines from Docker's log files.

# query_logs LOGQL START END LIMIT DIRECTION [SERVICE]: times in nanoseconds since 1970.
query_logs() {
  local answer code reason
  require_release
  if [[ ,$(setting "$(current_release)" COMPOSE_PROFILES), =~ ,(logs|loki), ]]; then
    # Docker's own warnings do not belong to the answer.
    answer=$(ask_store "$@" 2>"$payload/said") || true
    [ -n "$answer" ] || answer=$(cat "$payload/said")
    rm -f "$payload/said"
    code=${answer##*$'\n'}
    answer=${answer%$'\n'*}
    case $code in
      200) printf 'store\n%s\n' "$answer" && return ;;
      400) fail "the log store rejects the query $1: $(one_line "$answer")" ;;
      [1-5]??) reason="the log store responds with status $code: $(one_line "$answer")" ;;
      *) reason="the log store does not respond: $(one_line "$answer")" ;;
    esac
  else
    reason="this environment's settings name no log store (COMPOSE_PROFILES)"
  fi
  printf 'files %s\n' "$reason"
  read_files "$2" "$3" "$4" "${6:-}"
}

one_line() { tr -s '\n' ' ' <<<"$1" | cut -c1-300 | sed 's/ *$//'; }

# Prints the store's response and, on a line of its own, the HTTP status. Uses the curl in nginx's image, which is always on
# the machine, and the network that the store shares with the collector.
ask_store() {
  local release endpoint authorization
  release=$(current_release)
  endpoint=$(setting "$release" LOGS_ENDPOINT http://loki:3100/otlp)
  authorization=$secrets$(setting "$release" SECRETS_OF_COLLECTOR)/LOGS_AUTHORIZATION
  # shellcheck disable=SC2016
  timeout 60 docker run --rm --network "${project}_logs" --user 0:0 --read-only --cap-drop ALL --security-opt no-new-privileges \
    --volume "$authorization:/authorization:ro" --entrypoint sh "$(docker inspect --format '{{.Image}}' "$(containers nginx | head -n 1)")" -c '
      printf "header = \"Authorization: %s\"\n" "$(sed "s/[\\\\\"]/\\\\&/g" /authorization)" |
        curl --config - --silent --show-error --max-time 20 --write-out "\n%{http_code}" --get "$1/loki/api/v1/query_range" \
          --data-urlencode "query=$2" --data-urlencode "start=$3" --data-urlencode "end=$4" \
          --data-urlencode "limit=$5" --data-urlencode "direction=$6" 2>&1' ask "${endpoint%/otlp}" "${@:1:5}"
}

# read_files START END LIMIT [SERVICE]: the newest lines of each container.
read_files() {
  local id service filters=(--filter "label=com.docker.compose.project=$project")
  [ -z "$4" ] || filters+=(--filter "label=com.docker.compose.service=$4")
  docker ps --all --no-trunc "${filters[@]}" --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | while read -r id service; do
    # A container that cannot be read, or is removed meanwhile, does not hide the others' lines.
    { timeout 60 docker logs --timestamps --since "${1%?????????}.${1: -9}" --until "${2%?????????}.${2: -9}" --tail "$3" "$id" 2>&1 </dev/null || true; } |
      sed "s/^/$service ${id:0:12} /"
  done
}
