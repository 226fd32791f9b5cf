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

# Keeps SSH's messages in a file; explain turns them into an error that names the fix.
connect() { ssh -F "$config" machine "$@" 2>"$work/ssh-said"; }

explain() {
  said=$(grep -v '^$' "$work/ssh-said" | tail -n 3 | tr '\r\n' '  ')
  where=$(awk '$1 == "HostName" { print $2 }' "$config")
  case $said in
    *'Host key verification failed'* | *'REMOTE HOST IDENTIFICATION HAS CHANGED'* | *'host key'*)
      fail "$where shows another host key than the environment's hostKey: nothing was sent. If the machine was recreated, set hostKey to its new key; otherwise another machine answers at this address" ;;
    *'Permission denied'*) fail "$where does not accept this SSH key: is it in the user's authorized_keys? ($said)" ;;
    *'invalid format'* | *'error in libcrypto'* | *passphrase*) fail "--ssh-key is not a usable private key: give an OpenSSH or PEM key without a passphrase" ;;
    *) fail "$where cannot be reached by SSH: $said" ;;
  esac
}
