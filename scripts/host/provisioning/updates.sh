# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# Automatic security updates and time synchronisation. Never reboots for a new kernel: that is left to the operator.

provide_updates() {
  install_packages unattended-upgrades
  put_file /etc/apt/apt.conf.d/20auto-upgrades 644 <<'CONF' || true
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
CONF
  put_file /etc/apt/apt.conf.d/52stackline 644 <<'CONF' || true
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";
CONF
  enable unattended-upgrades.service
  is_installed chrony || is_installed ntpsec || install_packages systemd-timesyncd
}
