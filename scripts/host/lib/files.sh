# shellcheck shell=bash
# The files that containers mount. A mount keeps referring to the original file (its inode), so these files are overwritten in
# place, never replaced.

# sync_folder FROM TO [EXCEPT]: makes TO equal to FROM, readable by every container's user. Returns 0 if anything changed,
# otherwise 1.
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

# Updates the files that services other than nginx mount. PostgreSQL reads its files only when it starts.
sync_services() {
  local folder
  ! sync_folder "$1/scripts/postgres" "$live/scripts/postgres" || [ -z "$(containers postgres)" ] ||
    say "PostgreSQL's configuration has changed and takes effect at its next start ('stackline compose restart postgres': a few seconds of downtime)"
  [ ! -d "$1/logs" ] || ! sync_folder "$1/logs" "$live/logs" || restart_log_services
}

# These services read their configuration only when they start.
restart_log_services() {
  local service
  for service in collector loki grafana; do
    # shellcheck disable=SC2046
    [ -z "$(containers "$service" status=running)" ] || docker restart $(containers "$service" status=running) >/dev/null
  done
}

# The settings that distinguish releases: all but those of a single deploy.
settings_of() { grep -vE '^(APP_SLOT|STACKLINE_(SENT|BACKUP|KEEP_[A-Z]*|URL|APP_PATIENCE|DISK_LEAST|CHECK_HOST|LOCK_TIMEOUT|STATEMENT_TIMEOUT|MIGRATION_TRIES))=' "$1/release.env" | sort; }

# A checksum of a release's content. Equal sums mean that a deploy has nothing to do.
release_sum() {
  (
    cd "$1" || exit
    find docker-compose.prod.yml nginx scripts logs -type f 2>/dev/null | sort | xargs sha256sum
    settings_of .
  ) | sha256sum | cut -c1-16
}
