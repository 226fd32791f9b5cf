# shellcheck shell=sh
# SSH from the pipeline's container to the machine. Sourced by send and send-provision, which that container runs with plain sh.

config=/etc/stackline/ssh_config
work=/run/stackline

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# A key from an environment variable may lack the final newline, without which SSH rejects it.
take_key() { (umask 077 && { tr -d '\r' </run/secrets/ssh-key && echo; } >"$work/key"); }

# Who calls, from public parts of the key: its comment, e.g. alice@laptop, or else its fingerprint. Empty if there is neither.
caller_of_key() {
  line=$(ssh-keygen -l -f "$work/key" </dev/null 2>/dev/null) || return 0
  # "256 SHA256:... COMMENT (ED25519)"
  rest=${line#* }
  fingerprint=${rest%% *}
  comment=$(printf '%s' "${rest#* }" | sed 's/ *([A-Za-z0-9-]*)$//' | tr -cd '[:print:]' | cut -c 1-80)
  case $comment in '' | 'no comment') echo "$fingerprint" ;; *) echo "$comment" ;; esac
}

quote() {
  for word in "$@"; do printf " '%s'" "$(printf '%s' "$word" | sed "s/'/'\\\\''/g")"; done
}

# What is known of the other side is only that it starts a login shell. That can be any shell, and its start-up files can print
# anything, or read standard input. So the script comes on standard input, a mark precedes its output, and its exit code
# follows the mark on standard error.
mark=stackline-$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
start_patience=90 # seconds, for the login

# converse SCRIPT: runs a script on the machine, with the rest of standard input as its own. Returns its exit code, or 255 if
# the connection was lost before its end. The script's standard error goes to the file ssh-said, together with SSH's.
converse() {
  script=": begin
unset BASH_ENV ENV
printf '\n%s\n' $mark
($1
)
printf '\n%s %s\n' $mark \$? >&2"
  size=$(printf '%s' "$script" | wc -c | tr -d ' ')
  rm -f "$work/begun" "$work/late" "$work/noise"
  watch_start &
  watch=$!
  { printf '%s' "$script"; cat; } | {
    # Single quotes mean the same to every shell.
    connect "exec sh -c 's=\$(dd bs=1 count=$size 2>/dev/null); case \$s in \": begin\"*) eval \"\$s\" ;; *) echo its start-up files read standard input ;; esac'"
    echo $? >"$work/code"
  } | after_mark
  kill "$watch" 2>/dev/null
}

# Of the last conversation; empty if the connection was lost before its end.
exit_code() { sed -n "s/^$mark \([0-9]*\)\$/\1/p" "$work/ssh-said" | tail -n 1; }

# The script's own standard error, after what the login may have printed there.
said_apart() { grep -v -e '^$' -e "^$mark" "$work/ssh-said"; }

connect() { sh -c 'echo $$ >"$0" && exec ssh "$@"' "$work/ssh-pid" -F "$config" machine "$@" 2>"$work/ssh-said"; }

# Ends a connection on which the script does not start.
watch_start() {
  exec >/dev/null 2>&1 </dev/null
  sleep "$start_patience"
  [ -e "$work/begun" ] || { : >"$work/late" && kill "$(cat "$work/ssh-pid")"; }
}

# Copies what follows the mark, byte by byte as it comes.
after_mark() {
  while IFS= read -r line; do
    [ "$line" != "$mark" ] || { : >"$work/begun" && exec cat; }
    printf '%s\n' "$line" >>"$work/noise"
  done
  printf '%s\n' "$line" >>"$work/noise"
}

# explain: turns what was said on a connection that failed into an error that names the fix.
explain() {
  said=$(said_apart | tail -n 3 | tr '\r\n' '  ')
  where=$(awk '$1 == "HostName" { print $2 }' "$config")
  [ ! -e "$work/begun" ] || fail "the connection to $where was lost before the call ended${said:+: $said}"
  [ ! -e "$work/late" ] || fail "$where accepts connections, but its login takes more than $start_patience s: is it overloaded, or do the start-up files of the user's shell wait for something?"
  [ "$(cat "$work/code" 2>/dev/null || echo 255)" = 255 ] ||
    fail "the login shell on $where does not run commands: it printed '$(cat "$work/noise" "$work/ssh-said" 2>/dev/null | grep -v '^$' | tail -n 3 | tr '\r\n' '  ')': check the user's shell and its start-up files"
  case $said in
    *'Host key verification failed'* | *'REMOTE HOST IDENTIFICATION HAS CHANGED'* | *'host key'*)
      fail "$where shows another host key than the environment's hostKey: nothing was sent. If the machine was recreated, set hostKey to its new key; otherwise another machine answers at this address" ;;
    *'Permission denied'*) fail "$where does not accept this SSH key: is it in the user's authorized_keys? ($said)" ;;
    *'invalid format'* | *'error in libcrypto'* | *passphrase*) fail "--ssh-key is not a usable private key: give an OpenSSH or PEM key without a passphrase" ;;
    *) fail "$where cannot be reached by SSH: $said" ;;
  esac
}
