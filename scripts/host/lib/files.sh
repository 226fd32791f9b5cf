# shellcheck shell=bash
# The files that containers mount. A mount stays with the file or folder that it was made from, so these are written over,
# never replaced.

# sync_folder FROM TO [EXCEPT]: makes TO like FROM, for every container's user to read; returns 0 when that changed anything,
# 1 when not.
sync_folder() {
  local from=$1 to=$2 except=${3:-//} file changed=1
  umask 022
  mkdir -p "$to"
  while IFS= read -r -d '' file; do
    cmp -s "$from/$file" "$to/$file" && continue
    mkdir -p "$(dirname "$to/$file")"
    cp --preserve=mode "$from/$file" "$to/$file"
    changed=0
  done < <(cd "$from" && find . -type f -printf '%P\0')
  while IFS= read -r -d '' file; do
    [[ -e $from/$file || $file == "$except"* ]] && continue
    rm -f "$to/$file"
    changed=0
  done < <(cd "$to" && find . -type f -printf '%P\0')
  umask 077
  return $changed
}

# What everything but nginx mounts. PostgreSQL reads its files when it starts.
sync_services() {
  local folder
  ! sync_folder "$1/scripts/postgres" "$live/scripts/postgres" || [ -z "$(containers postgres)" ] ||
    say "PostgreSQL's configuration has changed: it holds from its next start on ('stackline compose restart postgres': some seconds without it)"
  [ ! -d "$1/logs" ] || ! sync_folder "$1/logs" "$live/logs" || restart_log_services
}

# They read their files when they start.
restart_log_services() {
  local service
  for service in collector loki grafana; do
    # shellcheck disable=SC2046
    [ -z "$(containers "$service" status=running)" ] || docker restart $(containers "$service" status=running) >/dev/null
  done
}

# What of a release's settings tells it from another.
settings_of() { grep -vE '^(APP_SLOT|STACKLINE_(SENT|BACKUP|KEEP_[A-Z]*|URL))=' "$1/release.env" | sort; }

# What a release is, whenever and by whomever it was sent: equal sums mean that there is nothing to do.
release_sum() {
  (
    cd "$1" || exit
    find docker-compose.prod.yml nginx scripts logs -type f 2>/dev/null | sort | xargs sha256sum
    settings_of .
  ) | sha256sum | cut -c1-16
}
