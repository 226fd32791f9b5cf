# shellcheck shell=bash
# Secrets: one file (0400) each, owned by the user of the container that reads it. New values for the application or the
# collector go to a new folder, so that an earlier release still has its own. Those of PostgreSQL and Redis belong to their data.

# Users in the images. These scripts read those of `backup`.
secret_users=(app:10001 own:10001 postgres:999 redis:999 collector:0 hidden:0 grafana:472 "backup:$(id -u)")

# folder_of OWNER: the folder of its uploaded secrets, named by their fingerprint if they may change.
folder_of() {
  case $1 in
    app | own | collector | hidden | backup) echo "$1-$(fingerprint "$payload/secrets/$1")" ;;
    *) echo "$1" ;;
  esac
}

# Salted, so that a short value cannot be guessed from it.
fingerprint() {
  (
    umask 077
    mkdir -p "$secrets"
    [ -s "$secrets/.salt" ] || od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$secrets/.salt"
    cat "$secrets/.salt"
    cd "$1" || exit
    for file in *; do [ ! -e "$file" ] || { printf '%s\0' "$file" && cat "$file" && printf '\0'; }; done
  ) | sha256sum | cut -c1-12
}

# Checks that the secrets are complete and still match those of the data services.
check_secrets() {
  local owner name
  if [ ! -d "$payload/secrets" ]; then
    [ -n "$(setting "$1" SECRETS_OF_APP)" ] || fail "no secrets were sent and this machine has none: give --secrets"
    check_backup_key "$secrets$(setting "$1" SECRETS_OF_BACKUP)/BACKUP_KEY"
    return 0
  fi
  check_backup_key "$payload/secrets/backup/BACKUP_KEY"
  for name in POSTGRES_DB POSTGRES_USER POSTGRES_PASSWORD; do
    [ -s "$payload/secrets/app/$name" ] || fail "the secrets are incomplete: $name is missing or empty"
  done
  name=$(fault_of_names "$(cat "$payload/secrets/app/POSTGRES_DB")" "$(cat "$payload/secrets/app/POSTGRES_USER")" | head -n 1)
  [ -z "$name" ] || fail "the secrets cannot be used: $name"
  for owner in postgres redis; do
    [ ! -e "$secrets/$owner/.fingerprint" ] || [ "$(fingerprint "$payload/secrets/$owner")" = "$(cat "$secrets/$owner/.fingerprint")" ] ||
      fail "the secrets for $owner differ from those its data was created with: restore the old values, or change them as docs/operations.md describes under Secrets$([ -n "$(current_release)" ] || echo "; or, if its data was never used, $(new_volume "$owner")")"
  done
}

# Copies in an object store are signed, so that nobody can put in a backup who has access to the store only.
check_backup_key() {
  local key
  [ -e "$directory/s3.env" ] || return 0
  key=$(cat "$1" 2>/dev/null) || key=
  [ "${#key}" -ge 32 ] || fail "backups are copied to an object store ($directory/s3.env), so the secrets need BACKUP_KEY, of at least 32 characters, which signs the copies: add one (openssl rand -hex 32) and keep it outside of this machine and the store"
}

# Moves the uploaded secrets to their folders and notes these in the release's settings. Needs the application's image.
install_secrets() {
  local entry owner folder
  [ -d "$payload/secrets" ] || return 0
  for entry in "${secret_users[@]}"; do
    owner=${entry%%:*}
    folder=$(folder_of "$owner")
    if [ ! -e "$secrets/$folder/.fingerprint" ]; then
      rm -rf "${secrets:?}/$folder"
      # Readable by the users of containers that mount the whole folder; on this machine $secrets is closed.
      case $owner in own | hidden) mkdir -m 0755 "$secrets/$folder" ;; *) mkdir -m 0700 "$secrets/$folder" ;; esac
      (umask 077 && fingerprint "$payload/secrets/$owner" >"$secrets/$folder.fingerprint")
      find "$payload/secrets/$owner" -mindepth 1 -exec mv -t "$secrets/$folder" {} +
      own_files "${entry##*:}" "$secrets/$folder" "$1"
      mv "$secrets/$folder.fingerprint" "$secrets/$folder/$(fingerprint_file "$owner")"
    fi
    change_setting "$1" "SECRETS_OF_${owner^^}" "/$folder"
  done
  rm -rf "$payload/secrets"
}

# Those of PostgreSQL and Redis count only once their data is initialised: until then corrected ones replace them.
fingerprint_file() { case $1 in postgres | redis) echo .unused ;; *) echo .fingerprint ;; esac; }

are_secrets_unused() { [ -e "$secrets/postgres/.unused" ] || [ -e "$secrets/redis/.unused" ]; }

# Their data is initialised with them.
pin_secrets() {
  local owner
  for owner in postgres redis; do
    [ ! -e "$secrets/$owner/.unused" ] || mv "$secrets/$owner/.unused" "$secrets/$owner/.fingerprint"
  done
}

# own_files USER FOLDER RELEASE: changes the owner in a container, because the deploying user may not.
own_files() {
  [ -n "$(ls "$2")" ] || return 0
  chmod 0400 "$2"/*
  if [ "$(id -u)" = 0 ]; then
    chown "$1" "$2"/*
  else
    quietly timeout 120 docker run --rm --network none --user 0:0 --cap-drop ALL --cap-add CHOWN --cap-add DAC_OVERRIDE --security-opt no-new-privileges \
      --volume "$2:/files" --entrypoint sh "$(setting "$3" APP_IMAGE)" -c "chown $1 /files/*" || fail "the files in $2 cannot be given to user $1"
  fi
}

# Removes the folders that no release uses.
prune_secrets() {
  local owner folder release
  for owner in app own collector hidden backup; do
    for folder in "$secrets/$owner"-*; do
      for release in "$releases"/*; do
        [ "$(setting "$release" "SECRETS_OF_${owner^^}")" != "/${folder##*/}" ] || continue 2
      done
      rm -rf "$folder"
    done
  done
}

# hide_secrets RELEASE: the names of the application's further secrets go into the collector's configuration, which finds the
# values in the files that it mounts.
hide_secrets() {
  local file=$1/logs/records.yaml folder=$payload/secrets/hidden lines
  [ -f "$file" ] || return 0
  [ -d "$payload/secrets" ] || folder=$secrets$(setting "$1" SECRETS_OF_HIDDEN)
  lines=$(awk -v names="$(ls "$folder" 2>/dev/null | tr '\n' ' ')" '
    { print }
    /"=\$\{file:\/run\/secrets\/API_TOKEN\}"$/ {
      for (at = 1; at <= split(names, list, " "); at++) { line = $0; sub(/secrets\/API_TOKEN/, "hidden/" list[at], line); print line }
    }' "$file")
  # In place: the collector is neither its owner nor in its group.
  printf '%s\n' "$lines" >"$file"
}
