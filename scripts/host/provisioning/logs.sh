# shellcheck shell=bash disable=SC2154 # provision sets the options, and other parts the rest
# The machine's own log; containers' logs are limited by Docker.

limit_logs() {
  put_file /etc/systemd/journald.conf.d/stackline.conf 644 <<'CONF' || return 0
[Journal]
SystemMaxUse=500M
MaxRetentionSec=1month
CONF
  ! has_systemd || systemctl try-restart systemd-journald.service
}
