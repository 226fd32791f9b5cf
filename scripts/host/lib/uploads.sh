# shellcheck shell=bash
# Uploads in backups. What a file contains is stored once, under its checksum, whatever number of backups has it:
#   backups/NAME.uploads       a line for each file: CHECKSUM SIZE TIME PATH
#   backups/uploads/CHECKSUM
# A file whose size and time are those of the last backup is not read again.

uploads=$backups/uploads

# Where this run writes what it compares.
new_lists() { lists=$runs/$id/uploads && rm -rf "$lists" && mkdir -p "$lists"; }

has_media() { docker volume inspect "${project}_media" >/dev/null 2>&1; }

# in_media MODE COMMAND [ARGUMENT...]: runs in a container of the application, as its user, in the folder of the uploads.
in_media() {
  docker run --rm --interactive --network none --read-only --cap-drop ALL --security-opt no-new-privileges --user 10001:10001 \
    --log-driver none --volume "${project}_media:/srv/media:$1" --workdir /srv/media --entrypoint "$2" \
    "$(setting "$(current_release)" APP_IMAGE)" "${@:3}"
}

# A line for each upload: SIZE TIME PATH. One whose name has a line break is left out, which is reported.
list_uploads() {
  local strange
  in_media ro find . -type f -printf '%s %T@ %P\0' </dev/null | tr '\n\0' '\1\n' | LC_ALL=C sort >"$lists/all" || return 1
  strange=$(grep -c $'\1' "$lists/all" || true)
  [ "$strange" = 0 ] || say "uploads that are in no backup, because their names have line breaks: $strange; rename them in the volume ${project}_media" >&2
  grep -v $'\1' "$lists/all" || true
}

# store_uploads NAME: writes NAME.uploads, if there are uploads.
store_uploads() {
  local listing sums staging=$uploads/.new size free
  has_media || return 0
  new_lists
  listing=$lists/listing sums=$lists/sums
  list_uploads >"$listing" || fail "the uploads cannot be listed: see above"
  [ -s "$listing" ] || return 0
  rm -rf "$staging"
  mkdir -p "$staging"
  known_uploads | join_sums "$listing" >"$sums"
  size=$(awk '$1 == "-" { size += $2 } END { printf "%d", size / 1048576 }' "$sums") free=$(df -Pm "$backups" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge $((size + disk_least)) ] ||
    fail "the new uploads have $size MB, and $free MB are free, of which $disk_least must stay free (diskLeast): 'docker system df' shows what uses the space"
  copy_uploads "$sums" "$staging" || fail "the uploads cannot be copied: see above"
  adopt_uploads "$staging" >"$sums.new"
  rm -rf "$staging"
  { awk '$1 != "-"' "$sums"; cat "$sums.new"; } | LC_ALL=C sort -k 4 >"$backups/$1.uploads.part"
  chmod 0400 "$backups/$1.uploads.part"
  mv "$backups/$1.uploads.part" "$backups/$1.uploads"
  say "uploads: $(wc -l <"$backups/$1.uploads"), of which new: $(wc -l <"$sums.new") ($size MB)"
  rm -rf "$lists"
}

# The lines of the last backup whose files are there.
known_uploads() {
  local last
  last=$(find "$backups" -maxdepth 1 -name '*.uploads' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2-)
  [ -z "$last" ] || while read -r sum rest; do [ ! -f "$uploads/$sum" ] || printf '%s %s\n' "$sum" "$rest"; done <"$last"
}

# join_sums LISTING: the lines of LISTING, each after the checksum of the same line on standard input, or "-".
join_sums() {
  awk -v listing="$1" '
    { sums[substr($0, 66)] = $1 }
    END { while ((getline line <listing) > 0) print (line in sums ? sums[line] : "-") " " line }'
}

# copy_uploads SUMS FOLDER: those without a checksum. One that changes or is removed meanwhile is no failure.
copy_uploads() {
  local code=0
  awk '$1 == "-"' "$1" | cut -d ' ' -f 4- | tr '\n' '\0' >"$lists/paths"
  [ -s "$lists/paths" ] || return 0
  in_media ro tar --create --format=posix --no-recursion --ignore-failed-read --null --verbatim-files-from --files-from=- \
    <"$lists/paths" | tar --extract --directory "$2" --no-same-owner || code=$?
  [ "$code" -le 1 ]
}

# adopt_uploads FOLDER: moves what it contains to its checksums; prints CHECKSUM SIZE TIME PATH.
adopt_uploads() {
  local listing=$lists/adopted line
  find "$1" -type f -printf '%s %T@ %P\n' | LC_ALL=C sort >"$listing"
  find "$1" -type f -exec chmod 0400 {} +
  cut -d ' ' -f 3- "$listing" | tr '\n' '\0' | (cd "$1" && xargs -0 -r sha256sum --zero --) | tr '\0' '\n' | cut -c 1-64 | paste -d ' ' - "$listing" |
    tee "$listing.sums"
  while IFS= read -r line; do mv -f "$1/${line#* * * }" "$uploads/${line%% *}"; done <"$listing.sums"
}

# check_uploads NAME: whether all files of a backup are there and intact.
check_uploads() {
  [ -f "$backups/$1.uploads" ] || return 0
  (cd "$uploads" && awk '{ print $1 "  " $1 }' "$backups/$1.uploads" | sort -u | sha256sum --check --quiet) ||
    fail "backup $1 is damaged: its uploads are not what they were, see above"
}

# restore_uploads NAME: puts back what is missing or differs. Newer uploads stay: nothing in the database refers to them.
restore_uploads() {
  local listing wanted staging=$uploads/.old line path
  [ -f "$backups/$1.uploads" ] || return 0
  new_lists
  listing=$lists/listing wanted=$lists/wanted
  list_uploads >"$listing" || fail "the uploads cannot be listed: see above"
  awk -v there="$listing" 'BEGIN { while ((getline line <there) > 0) same[line] } !(substr($0, 66) in same)' "$backups/$1.uploads" >"$wanted"
  [ -s "$wanted" ] || return 0
  rm -rf "$staging"
  while IFS= read -r line; do
    path=${line#* * * }
    [[ ! /$path/ =~ /\.\.?/ ]] || fail "backup $1 has an upload with the path '$path': it leads elsewhere"
    mkdir -p "$staging/$(dirname "$path")"
    ln -f "$uploads/${line%% *}" "$staging/$path"
  done <"$wanted"
  # Without the folders: the application's user may not change all of those that exist.
  (cd "$staging" && find . -type f -print0 | tar --create --format=posix --mode=u+w,a+rX --null --verbatim-files-from --files-from=-) |
    in_media rw tar --extract --no-same-owner --no-same-permissions ||
    fail "the uploads cannot be put back: see above"
  say "uploads that were put back: $(wc -l <"$wanted")"
  rm -rf "$staging" "$lists"
}

# Of backups that were removed.
prune_uploads() {
  local file
  for file in "$backups"/*.uploads; do [ -f "${file%.uploads}.dump" ] || rm -f "$file"; done
  [ ! -d "$uploads" ] || comm -23 <(cd "$uploads" && ls | sort) <(cat "$backups"/*.uploads 2>/dev/null | cut -c 1-64 | sort -u) |
    while read -r file; do rm -f "$uploads/$file"; done
}
