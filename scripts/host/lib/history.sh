# shellcheck shell=bash
# history.tsv: one line for every call that changed the site, could have changed it, or tried to.

# record OUTCOME REASON
record() {
  local reason
  reason=$(printf '%s' "${2:-}" | tr '\t\n' '  ')
  [ -s "$history_file" ] || printf 'started\taction\trelease\timage\tby\tseconds\toutcome\tstep\treason\n' >"$history_file"
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "${started_at:-}" "${action:-}" "${subject:--}" "${image:--}" "${by:--}" \
    "$(($(date +%s) - ${started_seconds:-$(date +%s)}))" "$1" "${current_step:--}" "${reason:--}" >>"$history_file"
}

# begin ACTION SUBJECT: sets what record writes about this run.
begin() {
  action=$1 subject=$2 by=$(caller) image=-
  started_at=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  started_seconds=$(date +%s)
}

action='' call_words=()

# begin_call ACTION SUBJECT [WORD...]: for a call that is no run; end_call then records it, with these words.
begin_call() {
  begin "$1" "$2"
  call_words=("${@:3}")
}

# end_call CODE: records the call and removes its upload, however it ends.
end_call() {
  local outcome=ok said=''
  set +e
  trap '' TERM INT HUP PIPE
  if [ -n "${action:-}" ]; then
    [ "$1" = 0 ] || { outcome=failed said="exit code $1"; }
    [ "${#call_words[@]}" = 0 ] || said=${said:+$said: }$(without_secrets "${call_words[@]}")
    record "$outcome" "$said"
  fi
  remove_sent
  exit "$1"
}

# redact [--lines]: replaces secrets in standard input. In a container, because only root may read their files.
redact() {
  local image
  image=$(setting "${release:-$(current_release)}" APP_IMAGE)
  timeout 60 docker run --rm --interactive --network none --read-only --user 0:0 --cap-drop ALL --cap-add DAC_OVERRIDE \
    --security-opt no-new-privileges --volume "$secrets:/secrets:ro" --volume "$here/lib/redact.py:/redact.py:ro" \
    --entrypoint /usr/local/bin/python3 "$image" -IS /redact.py "$@" 2>/dev/null
}

# without_secrets WORD...: the words as one line, with *** for secrets.
without_secrets() {
  printf '%s\0' "$@" | redact ||
    echo "(its $# words are not recorded: the secrets that they may contain could not be read)"
}

# Copies lines of a container, with *** for secrets: the caller's engine masks only the values that this call sent.
redacted() { redact --lines || echo "(not shown: the secrets that these lines may contain could not be read)"; }

# privately COMMAND...: like quietly, for output of a container.
privately() {
  local said code=0
  said=$(quietly "$@") || code=$?
  [ -z "$said" ] || redacted <<<"$said"
  return $code
}

# Newest last. Does without `column`, which a minimal system may lack.
show_history() {
  [ -s "$history_file" ] || {
    say "nothing has been deployed in $directory yet"
    return
  }
  awk -F '\t' '
    { for (i = 1; i <= NF; i++) { cell[NR, i] = $i; if (i < NF && length($i) > width[i]) width[i] = length($i) }; fields[NR] = NF }
    END { for (line = 1; line <= NR; line++) { text = ""
      for (i = 1; i <= fields[line]; i++) text = text sprintf("%-" (width[i] + 0) "s  ", cell[line, i])
      sub(/ +$/, "", text); print text } }' "$history_file"
}

# The caller's name: the one sent along, otherwise the user and address of the connection.
caller() {
  [ ! -s "$payload/by" ] || {
    tr -d '\n\t' <"$payload/by"
    return
  }
  echo "${SUDO_USER:-${USER:-$(id -un)}}${SSH_CLIENT:+@${SSH_CLIENT%% *}}"
}
