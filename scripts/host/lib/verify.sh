# shellcheck shell=bash
# Reads /checks as a visitor would: through nginx, and by the site's public address. Once a deploy; the page is no health check.

verify_tries=6

verify() {
  local slot container url site=http://nginx
  slot=$(setting "$1" APP_SLOT)
  container=$(slot_containers "$slot" status=running | head -n 1)
  url=$(setting "$1" STACKLINE_URL)
  [ -z "$(setting "$1" TLS_CERTIFICATE)" ] || site=https://nginx
  ! in_maintenance || site=http://nginx:8082
  read_checks "$container" "$site" --host "$(setting "$1" STACKLINE_CHECK_HOST localhost)" --any-certificate ||
    { explain_red; fail "/checks is not green through nginx"; }
  # Who comes by the public address sees the maintenance page, as they should.
  [ -n "$url" ] && ! in_maintenance || return 0
  local host=${url#*://}
  read_checks "$container" "$url" --host "$host" ||
    fail "/checks is not green at $url, while it is through nginx here: does the name lead to this machine, are port and certificate right? (\"url\": \"\" in the environment leaves this out)"
}

# Some tries: the worker may still be on its way.
read_checks() {
  local container=$1 said try
  shift
  for try in $(seq "$verify_tries"); do
    if said=$(docker exec "$container" /usr/local/bin/python3 /opt/docker/check_page.py "$@" 2>&1); then
      sed 's/^/  /' <<<"$said"
      return 0
    fi
    [ "$try" = "$verify_tries" ] || sleep 1
  done
  sed 's/^/  /' <<<"$said"
  return 1
}

# Last words of those that an item may be red for.
explain_red() {
  local service id
  for service in app worker kafka; do
    for id in $(containers "$service"); do
      say "last lines of $(container_name "$id"):"
      docker logs --tail 10 "$id" 2>&1 | sed 's/^/  | /' || true
    done
  done
}
