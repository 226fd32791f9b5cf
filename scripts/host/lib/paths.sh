# shellcheck shell=bash
# Paths. DIRECTORY belongs to the deploying user, and only that user can read what is confidential.
#   releases/ID/   compose file, nginx, logs and PostgreSQL configuration, release.env, these scripts
#   current        symbolic link to the release that serves
#   live/          the files that containers mount: changed in place, because a mount keeps referring to the original file
#   secrets/       app-HASH/, backup-HASH/, postgres/, redis/: files (0400) owned by the user that reads them
#   backups/ runs/ history.tsv lock

: "${directory:?}"
# The files uploaded with this call.
payload=$(dirname "$here")
releases=$directory/releases
live=$directory/live
secrets=$directory/secrets
backups=$directory/backups
runs=$directory/runs
history_file=$directory/history.tsv

# The release that serves; empty before the first deploy.
current_release() { [ ! -L "$directory/current" ] || readlink -f "$directory/current"; }

# The releases that a rollback can lead to, oldest first: their names begin with their time.
deployed_releases() { find "$releases" -mindepth 2 -maxdepth 2 -name deployed -printf '%h\n' 2>/dev/null | sort; }

# predecessor RELEASE: the release that served before it was deployed, or if that was removed, the newest one before that.
# Releases that were rolled back in between do not count.
predecessor() {
  local last=$1
  [ ! -s "$1/predecessor" ] || last=$releases/$(cat "$1/predecessor")
  deployed_releases | awk -v release="$1" -v last="$last" '$0 < release && $0 <= last' | tail -n 1
}

require_release() {
  [ -n "$(current_release)" ] || fail "nothing is deployed in $directory yet: run deploy first"
}
