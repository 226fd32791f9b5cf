# shellcheck shell=bash
# Requests /checks as a visitor does: through nginx, and at the site's public address. Once per deploy: it is no health check.

verify_tries=6
verify_patience=60 # seconds for one try; the page itself takes at most 20

verify() {
  local slot container url site=http://nginx
  slot=$(setting "$1" APP_SLOT)
  container=$(slot_containers "$slot" status=running | head -n 1)
  url=$(setting "$1" STACKLINE_URL)
  [ -z "$(setting "$1" TLS_CERTIFICATE)" ] || site=https://nginx
  ! in_maintenance || site=http://nginx:8082
  read_checks "$container" "$site" --host "$(setting "$1" STACKLINE_CHECK_HOST localhost)" --any-certificate ||
    { is_limited $? && read_checks "$container" http://nginx:8082 --host "$(setting "$1" STACKLINE_CHECK_HOST localhost)"; } ||
    { explain_red; fail "/checks is not green through nginx"; }
  # During maintenance the public address shows the maintenance page, as it should.
  [ -n "$url" ] && ! in_maintenance || return 0
  local host=${url#*://}
  read_checks "$container" "$url" --host "$host" || is_limited $? ||
    fail "/checks is not green at $url, but green through nginx on this machine: check the name's DNS record, the port and the certificate (\"url\": \"\" in the environment skips this check)"
}

# Others can use up the limit that nginx has for this page, but must not make a deploy fail by that. Port 8082 has no limit.
limited=42
is_limited() { [ "$1" = "$limited" ] && say "/checks is requested by too many others at the moment"; }

# Retries, because the worker may still be starting, and says after each try which items are red. Fails with $limited if nginx refused because of its limits.
read_checks() {
  local container=$1 said try
  shift
  for try in $(seq "$verify_tries"); do
    if said=$(timeout "$verify_patience" docker exec "$container" /usr/local/bin/python3 /opt/docker/check_page.py "$@" 2>&1); then
      sed 's/^/  /' <<<"$said"
      return 0
    fi
    [ "$try" != "$verify_tries" ] || break
    say "  try $try of $verify_tries: $(red_items <<<"$said")"
    sleep 1
  done
  sed 's/^/  /' <<<"$said"
  ! grep -q '(status 429' <<<"$said" || return "$limited"
  return 1
}

# The items that are red with their reasons, in one line; without any, the last line, or that there was none.
red_items() {
  awk '/^FAIL / { sub(/^FAIL */, ""); red = red (red ? "; " : "") $0 } NF { last = $0 } END { print red ? red : last ? last : "no answer" }'
}

# Prints the last log lines of the services that can make an item red.
explain_red() {
  local service id
  for service in app worker kafka; do
    for id in $(containers "$service"); do
      say "last lines of $(container_name "$id"):"
      docker logs --tail 10 "$id" 2>&1 | redacted | sed 's/^/  | /' || true
    done
  done
}
