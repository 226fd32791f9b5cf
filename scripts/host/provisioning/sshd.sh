# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# SSH with keys only. Its file is read before all others, because sshd uses the first value of a setting.

sshd_file=/etc/ssh/sshd_config.d/00-stackline.conf

harden_sshd() {
  install_packages openssh-server
  local operator=${SUDO_USER:-root}
  if ! has_key "$operator" && ! has_key "$user"; then
    say "SSH still accepts passwords, because neither $operator nor $user has a key in authorized_keys: add one, then run this again"
    return
  fi
  local before=
  [ ! -e "$sshd_file" ] || before=$(cat "$sshd_file")
  put_file "$sshd_file" 644 <<'CONF' || return 0
# Written by provision.
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitEmptyPasswords no
# With a key: the machine's creator may have no other access.
PermitRootLogin prohibit-password
X11Forwarding no
AllowAgentForwarding no
LoginGraceTime 30
MaxStartups 10:30:60
ClientAliveInterval 60
ClientAliveCountMax 3
CONF
  # sshd needs this folder even to test its configuration.
  mkdir -p /run/sshd
  sshd -t || undo_sshd "$before" "sshd does not accept $sshd_file"
  # Not grep -q: it exits early, and with pipefail the broken pipe counts as a failure.
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
  fail "SSH is unchanged: $2"
}

# A reload keeps connections open. With socket activation there may be no process to reload.
reload_sshd() {
  if has_systemd; then
    ! systemctl --quiet is-active ssh.service || systemctl reload ssh.service
  elif [ -f /run/sshd.pid ]; then
    kill -HUP "$(cat /run/sshd.pid)"
  fi
}
