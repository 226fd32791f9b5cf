# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# Limits the machine's journal; Docker limits containers' logs.

limit_logs() {
  put_file /etc/systemd/journald.conf.d/stackline.conf 644 <<'CONF' || return 0
[Journal]
SystemMaxUse=500M
MaxRetentionSec=1month
CONF
  ! has_systemd || systemctl try-restart systemd-journald.service
}
