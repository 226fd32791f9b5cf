# shellcheck shell=bash
# Switches from one release to another, and back if that fails.

# Services with a step of their own.
principals='app|nginx|postgres|redis|kafka|migrate|static'

# The services without a step of their own.
followers() {
  active_services "$1" | awk -v principals="^($principals)\$" '$1 !~ principals { print $1 }'
}

# From here on users are affected. The old containers run until the new release is verified. Nothing waits for what has not to
# be waited for: application and worker start side by side, and beat is replaced while the page is verified.
roll_out() {
  local release=$1 slot
  slot=app-$(date +%s)
  change_setting "$release" APP_SLOT "$slot"
  note_workers
  rolling=$release

  step start "the new containers beside the old, and publish the static files"
  start_beside "$release"
  step health
  wait_app "$release"
  wait_worker "$release"
  wait_static

  step switch "nginx to the new release"
  nginx_as_before || apply_nginx "$release"
  # Before the first request to the new release: the old worker would drop a task that it does not know.
  followers_untouched=
  dismiss "${old_workers[@]}"
  switch_to "$slot"

  step background "replace beat and other services"
  beside replace_others
  step verify
  # What it waits for ends meanwhile. If the release has to be put back, the old containers still run.
  mapfile -t old_apps < <(other_slots "$slot")
  # Without the lock, which a run that is killed must release.
  [ "${#old_apps[@]}" = 0 ] || { drain "${old_apps[@]}" 9>&- & }
  draining=${old_apps:+$!}
  verify "$release"
  finish replace_others
}

# start_beside RELEASE: application, worker and the container that publishes the static files, in one call of compose, because
# each takes about a second.
start_beside() {
  local services=(static)
  ! has_worker "$1" || services+=(worker)
  start_app "$1" "${services[@]}"
  note_new_workers
}

# After the release is recorded: it serves, whatever happens here.
retire() {
  [ -z "${draining:-}" ] || { wait "$draining"; remove_apps "${old_apps[@]}"; } || say "not all old containers could be removed: see above"
  finish_tasks || say "the old worker could not be removed: see above"
}

# Whether nginx runs and has this release's configuration already, which is the previous one's.
nginx_as_before() {
  [ -n "$previous" ] && diff -rq --exclude=switch --exclude=on "$previous/nginx" "$release/nginx" >/dev/null &&
    [ "$(setting "$previous" ALLOWED_HOSTS)" = "$(setting "$release" ALLOWED_HOSTS)" ] && same_definition nginx && runs_well nginx
}

# Likewise the data services.
services_as_before() {
  local services
  mapfile -t services < <(data_services "$release")
  [ -n "$previous" ] && same_definition "${services[@]}" && runs_well "${services[@]}"
}

# runs_well SERVICE...: whether each has a healthy container.
runs_well() {
  local service container
  for service in "$@"; do
    container=$(containers "$service")
    [ -n "$container" ] && [ "$(health_of "$container")" = healthy ] || return 1
  done
}

follower_patience=120 # seconds

# Whether this run knows that worker and beat are still those of the previous release.
followers_untouched=

# replace_followers RELEASE: from any state.
replace_followers() {
  note_workers
  beside replace_others
  new_workers=()
  ! has_worker "$1" || start_worker "$1"
  wait_worker "$1"
  dismiss "${old_workers[@]}"
  finish replace_others
}

has_worker() { followers "$1" | grep -qx worker; }

# replace_others RELEASE: all but the worker. Compose replaces each of them, so that there is never more than one beat.
replace_others() {
  local service others ids=()
  mapfile -t others < <(followers "$1" | grep -vx worker)
  remove_dropped "$1"
  [ "${#others[@]}" = 0 ] || bring_up "$1" "${others[@]}" || fail "${others[*]} cannot be started: see compose's output above"
  for service in "${others[@]}"; do mapfile -t -O "${#ids[@]}" ids < <(containers "$service"); done
  wait_healthy "$follower_patience" "${ids[@]}" || fail "a service is not healthy after $follower_patience s: see its output above"
}

# remove_dropped RELEASE: services that it does not have: gone from the compose file, or their profile is not enabled. Their
# volumes stay. Containers of app and worker are removed elsewhere, once their requests and tasks have ended.
remove_dropped() {
  local id service names
  names=$(active_services "$1" | awk '{ print $1 }')
  docker ps --all --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.oneoff=False" \
    --format '{{.ID}} {{.Label "com.docker.compose.service"}}' | while read -r id service; do
    [[ ! $service =~ ^(app|worker)$ ]] && ! grep -qxF "$service" <<<"$names" || continue
    say "$service is not part of this release: removing it"
    { docker stop "$id" && docker rm --force --volumes "$id"; } >/dev/null || say "$service could not be removed: see above"
  done
}

# put_back RELEASE: restores a release from any state: image, compose file, nginx configuration and settings together.
# Idempotent, so an interrupted one can be repeated.
put_back() {
  local release=$1 slot
  slot=$(setting "$release" APP_SLOT)
  say "restoring release ${release##*/}"
  start_services "$release"
  start_app "$release"
  wait_app "$release"
  apply_nginx "$release"
  switch_to "$slot"
  sync_services "$release"
  if [ -z "$followers_untouched" ]; then
    replace_followers "$release"
  elif [ -n "${rolling:-}" ]; then
    note_new_workers
    dismiss "${new_workers[@]}"
  fi
  # shellcheck disable=SC2046
  stop_apps $(other_slots "$slot")
  finish_tasks
}
