# shellcheck shell=bash
# Verifies the site as a visitor sees it: through nginx, and at its public address. Once per deploy: it is no health check. A
# project with /checks is asked for that page, of another the parts are checked one by one (see check_site.py).

verify_tries=6
verify_patience=60 # seconds for one try; the page itself takes at most 20
page_checker=(/usr/local/bin/python3 /opt/docker/check_page.py)
site_checker=(/opt/docker/entrypoint python /opt/docker/check_site.py)
checker=("${page_checker[@]}")

verify() {
  local slot container url host checks site=http://nginx
  slot=$(setting "$1" APP_SLOT)
  container=$(slot_containers "$slot" status=running | head -n 1)
  url=$(setting "$1" STACKLINE_URL)
  [ -z "$(setting "$1" TLS_CERTIFICATE)" ] || site=https://nginx
  ! in_maintenance || site=http://nginx:8082
  if has_checks "$container"; then
    checks=/checks host=$(setting "$1" STACKLINE_CHECK_HOST localhost) checker=("${page_checker[@]}")
  else
    checks="the site" host=${url#*://} checker=("${site_checker[@]}")
  fi
  read_checks "$container" "$site" ${host:+--host "$host"} --any-certificate ||
    { is_limited $? && read_checks "$container" http://nginx:8082 ${host:+--host "$host"}; } ||
    { explain_red; fail "$checks is not green through nginx"; }
  # During maintenance the public address shows the maintenance page, as it should.
  [ -n "$url" ] && ! in_maintenance || return 0
  read_checks "$container" "$url" --host "${url#*://}" || is_limited $? ||
    fail "$checks is not green at $url, but green through nginx on this machine: check the name's DNS record, the port and the certificate (\"url\": \"\" in the environment skips this check)"
}

# Whether the project has the page /checks. An image of an earlier version is one of the contract, which has it.
has_checks() { ! docker exec "$1" grep -q '"hasChecks": false' /opt/docker/django.json 2>/dev/null; }

# Others can use up the limit that nginx has for this page, but must not make a deploy fail by that. Port 8082 has no limit.
limited=42
is_limited() { [ "$1" = "$limited" ] && say "/checks is requested by too many others at the moment"; }

# Retries, because the worker may still be starting, and says after each try which items are red. Fails with $limited if nginx refused because of its limits.
read_checks() {
  local container=$1 said try
  shift
  for try in $(seq "$verify_tries"); do
    if said=$(timeout "$verify_patience" docker exec "$container" "${checker[@]}" "$@" 2>&1); then
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
      timeout 30 docker logs --tail 10 "$id" 2>&1 | redacted | sed 's/^/  | /' || true
    done
  done
}
