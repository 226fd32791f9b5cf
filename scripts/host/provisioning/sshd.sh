# shellcheck shell=bash disable=SC2154 # provision sets the options, and other parts the rest
# SSH by key alone. A file of its own, read before all others: sshd keeps what it reads first.

sshd_file=/etc/ssh/sshd_config.d/00-stackline.conf

harden_sshd() {
  install_packages openssh-server
  local operator=${SUDO_USER:-root}
  if ! has_key "$operator" && ! has_key "$user"; then
    say "left passwords on for SSH: neither $operator nor $user has a key in authorized_keys. Add one, then run this again"
    return
  fi
  local before=
  [ ! -e "$sshd_file" ] || before=$(cat "$sshd_file")
  put_file "$sshd_file" 644 <<'CONF' || return 0
# Written by provision.
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
# With a key: whoever made the machine may have no other way in.
PermitRootLogin prohibit-password
X11Forwarding no
AllowAgentForwarding no
LoginGraceTime 30
MaxStartups 10:30:60
ClientAliveInterval 60
ClientAliveCountMax 3
CONF
  # Without its folder sshd refuses to judge its own configuration.
  mkdir -p /run/sshd
  sshd -t || undo_sshd "$before" "sshd does not take it"
  # Not grep -q: it would end sshd before its last word, and that counts as failed.
  sshd -T 2>/dev/null | grep -x 'passwordauthentication no' >/dev/null || undo_sshd "$before" "/etc/ssh/sshd_config does not include sshd_config.d, or sets passwords before it"
  reload_sshd
}

has_key() {
  local home
  home=$(getent passwd "$1" | cut -d: -f6)
  grep -qsE '^[^#]*(ssh-|ecdsa-|sk-)' "$home/.ssh/authorized_keys"
}

undo_sshd() {
  if [ -n "$1" ]; then printf '%s\n' "$1" >"$sshd_file"; else rm -f "$sshd_file"; fi
  fail "SSH was left as it was: $2"
}

# A reload keeps every connection. Where a socket starts sshd for each, there may be nothing to reload.
reload_sshd() {
  if has_systemd; then
    ! systemctl --quiet is-active ssh.service || systemctl reload ssh.service
  elif [ -f /run/sshd.pid ]; then
    kill -HUP "$(cat /run/sshd.pid)"
  fi
}
