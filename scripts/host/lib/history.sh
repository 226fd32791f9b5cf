# shellcheck shell=bash
# history.tsv: one line for every action that changed the stack, or tried to.

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
