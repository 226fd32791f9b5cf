# shellcheck shell=bash
# nginx: its configuration, and the slot of the application that it sends requests to. It looks the slot up for each request
# (live/nginx/switch/active is a symbolic link to a folder with the slot's name), so a switch takes effect immediately, without
# a reload, and closes no connection.

nginx_patience=60 # seconds

# Tests the release's configuration in a temporary container.
test_nginx() {
  local said
  said=$(compose_limit=120 compose_from "$1" "$1" run --rm --no-deps -T nginx nginx -t 2>&1 </dev/null) || {
    grep -E 'nginx: |emerg|rror' <<<"$said" | tail -n 5 || tail -n 5 <<<"$said"
    fail "nginx does not accept the release's configuration: see its output above"
  }
}

# Applies the release's configuration to nginx. Replaces the container only if its definition or image changed.
apply_nginx() {
  local before changed=no
  settle_nginx
  before=$(containers nginx status=running)
  ! sync_folder "$1/nginx/templates" "$live/nginx/templates" || changed=yes
  ! sync_folder "$1/nginx/entrypoint" "$live/nginx/entrypoint" || changed=yes
  ! sync_main "$1" || changed=yes
  ! sync_hosts "$1" || changed=yes
  sync_folder "$1/nginx/maintenance" "$live/nginx/maintenance" on || true
  (umask 022 && mkdir -p "$live/nginx/switch")
  if [ -n "$before" ] && ! are_current "$1" nginx; then
    replace_nginx "$1"
    return
  fi
  bring_up "$1" nginx || fail "nginx cannot be started: see compose's output above"
  if [ "$before" != "$(containers nginx status=running)" ]; then
    [ -z "$before" ] || say "nginx was recreated because its definition changed"
  elif [ "$changed" = yes ]; then
    reload_nginx
  fi
  wait_healthy "$nginx_patience" "$(containers nginx)" || fail "nginx is not healthy"
}

# sync_main RELEASE: nginx.conf, in place because it is mounted. Returns 0 if it has changed.
sync_main() {
  [ -f "$1/nginx/nginx.conf" ] && ! cmp -s "$1/nginx/nginx.conf" "$live/nginx/nginx.conf" || return 1
  (umask 022 && cat "$1/nginx/nginx.conf" >"$live/nginx/nginx.conf")
}

# sync_hosts RELEASE: the names that the site answers to (see nginx/entrypoint). Returns 0 if they have changed.
sync_hosts() {
  local hosts file=$live/nginx/switch/allowed-hosts
  hosts=$(setting "$1" ALLOWED_HOSTS)
  [ "$hosts" != "$(cat "$file" 2>/dev/null || true)" ] || return 1
  (umask 022 && mkdir -p "${file%/*}" && printf '%s\n' "$hosts" >"$file")
}

# reload_nginx [CONTAINER]: renders the templates in the running container, as its entry point does, and reloads nginx.
reload_nginx() {
  quietly docker exec "${1:-$(containers nginx)}" sh -ec '
    rm -rf /etc/nginx/conf.d/*
    . /docker-entrypoint.d/15-site.envsh
    /docker-entrypoint.d/20-envsubst-on-templates.sh
    nginx -t
    nginx -s reload' || fail "nginx does not accept its configuration: see its output above"
  say "nginx reloaded"
}

active_slot() { readlink "$live/nginx/switch/active" 2>/dev/null || true; }

# switch_to SLOT: an atomic rename, so no request sees an intermediate state.
switch_to() {
  local switch=$live/nginx/switch
  (umask 022 && mkdir -p "$switch/$1")
  ln -sfn "$1" "$switch/.active" && mv -T "$switch/.active" "$switch/active"
  find "$switch" -mindepth 1 -maxdepth 1 -type d ! -name "$1" -mmin +60 -exec rmdir {} + 2>/dev/null || true
}

in_maintenance() { [ -e "$live/nginx/maintenance/on" ]; }

# An operator's call. A restore switches it as well, in a line of its own.
call_maintenance() {
  require_release
  [[ ${1:-} == on || ${1:-} == off ]] || fail "maintenance takes on or off"
  begin_call maintenance "$1"
  switch_maintenance "$1"
}

switch_maintenance() {
  case ${1:-} in
    on) (umask 022 && touch "$live/nginx/maintenance/on") && say "maintenance is on: all visitors see the maintenance page" ;;
    off) rm -f "$live/nginx/maintenance/on" && say "maintenance is off: the site is open" ;;
  esac
}
