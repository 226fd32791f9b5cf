# shellcheck shell=bash
# Where everything lies. The folder belongs to who deploys and keeps everybody else out of what is confidential.
#   releases/ID/   compose file, nginx, logs and PostgreSQL configuration, release.env, these scripts
#   current        symbolic link to the release that serves
#   live/          the files that containers mount: changed in place, because a mount stays with its file
#   secrets/       app-HASH/, postgres/, redis/: files (0400) of the user that reads them
#   backups/ runs/ history.tsv lock

: "${directory:?}"
# What was sent with this call.
payload=$(dirname "$here")
releases=$directory/releases
live=$directory/live
secrets=$directory/secrets
backups=$directory/backups
runs=$directory/runs
history_file=$directory/history.tsv

# The release that serves; empty before the first deploy.
current_release() { [ ! -L "$directory/current" ] || readlink -f "$directory/current"; }

# The releases that can be gone back to, oldest first: their names begin with their time.
deployed_releases() { find "$releases" -mindepth 2 -maxdepth 2 -name deployed -printf '%h\n' 2>/dev/null | sort; }

# predecessor RELEASE: the one that served before it was deployed, or where that is gone, the newest before that. What was
# deployed in between and gone back from does not count.
predecessor() {
  local last=$1
  [ ! -s "$1/predecessor" ] || last=$releases/$(cat "$1/predecessor")
  deployed_releases | awk -v release="$1" -v last="$last" '$0 < release && $0 <= last' | tail -n 1
}

require_release() {
  [ -n "$(current_release)" ] || fail "nothing is deployed in $directory yet: run deploy first"
}
