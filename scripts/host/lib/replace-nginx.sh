# shellcheck shell=bash
# Replaces nginx's container. Two containers cannot publish the same port, so there is a gap. It is short: the new container
# already runs, healthy, without the networks by which ports are published, and gets these as soon as the old one has stopped.

nginx_grace=1 # second; for the requests in progress, while nobody answers new ones
gap_file=$directory/nginx-gap

# Seconds: measured when nginx was last replaced.
expected_gap() { cat "$gap_file" 2>/dev/null || echo 1; }

# replace_nginx RELEASE
replace_nginx() {
  local old new began
  old=$(containers nginx)
  # Not the containers that exist: two of them, so that one is created.
  quietly compose_of "$1" up --no-start --no-deps --no-recreate --scale nginx=2 nginx || fail "nginx's new container cannot be created: see compose's output above"
  new=$(containers nginx | grep -vxF "$old")
  inner='' outer=''
  sort_networks "$1"
  if ! { [ -n "$inner" ] && detach "$new" && docker start "$new" >/dev/null && wait_healthy "$nginx_patience" "$new"; }; then
    docker rm --force --volumes "$new" >/dev/null
    fail "nginx's new container is not healthy: see above; the old one serves on"
  fi
  began=$(milliseconds)
  docker stop --time "$nginx_grace" "$old" >/dev/null
  if ! publish "$new"; then
    docker rm --force --volumes "$new" >/dev/null
    docker start "$old" >/dev/null
    fail "nginx's new container cannot have its ports: see above; the old one serves again"
  fi
  awk -v time="$(($(milliseconds) - began))" 'BEGIN { printf "%.1f\n", time / 1000 }' >"$gap_file"
  docker rm --force --volumes "$old" >/dev/null
  say "nginx was replaced: no answer for at most $(expected_gap) s"
}

# sort_networks RELEASE: nginx's networks, inner ones without a gateway and outer ones, by which ports are published.
sort_networks() {
  local name
  for name in $(definition "$1" nginx | awk '/^    [^ ]/ { inside = $1 == "networks:"; next } inside && /^      [^ ]/ { sub(/:.*/, "", $1); print $1 }'); do
    name=${project}_$name
    if [ "$(docker network inspect --format '{{.Internal}}' "$name")" = true ]; then inner+=" $name"; else outer+=" $name"; fi
  done
}

networks_of() { docker inspect --format '{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}' "$1"; }

# detach CONTAINER: leaves it the inner networks only. Compose 1.29 connects the others at the start.
detach() {
  local name has
  has=$(networks_of "$1")
  for name in $inner; do grep -qxF "$name" <<<"$has" || docker network connect --alias nginx "$name" "$1" || return 1; done
  for name in $outer; do ! grep -qxF "$name" <<<"$has" || docker network disconnect "$name" "$1" || return 1; done
}

# publish CONTAINER: connects it to the outer networks, which publishes its ports.
publish() {
  local name
  for name in $outer; do docker network connect --alias nginx "$name" "$1" || break; done
  # A start does it all again.
  is_published "$1" || { docker restart --time 0 "$1" >/dev/null && is_published "$1"; } || return 1
  for name in $outer; do
    # It looked for IPv6 when it started.
    [ "$(docker network inspect --format '{{.EnableIPv6}}' "$name")" != true ] || reload_nginx "$1"
  done
}

# is_published CONTAINER: whether all its ports are, and all its networks connected.
is_published() {
  local name
  for name in $outer; do grep -qxF "$name" <<<"$(networks_of "$1")" || return 1; done
  docker inspect --format '{{range $port, $_ := .HostConfig.PortBindings}}{{println (len (index $.NetworkSettings.Ports $port))}}{{end}}' "$1" 2>/dev/null |
    awk '$1 == "0" { missing = 1 } END { exit missing }'
}

# Removes what a killed replacement left: containers that publish nothing, beside the one that serves or was about to.
settle_nginx() {
  local id ids
  mapfile -t ids < <(containers nginx)
  [ "${#ids[@]}" -gt 1 ] || return 0
  outer=''
  for id in "${ids[@]}"; do is_published "$id" || docker rm --force --volumes "$id" >/dev/null; done
}
