# shellcheck shell=bash disable=SC2154 # provision sets the options, and other parts the rest
# From outside: SSH, 80 and 443, and nothing else. A table of its own beside Docker's rules, which are never flushed. It looks at
# packets before Docker redirects them: a published port does not get around it, as it would around ufw.

firewall_file=/etc/stackline/firewall.nft
firewall_unit=/etc/systemd/system/stackline-firewall.service

close_firewall() {
  install_packages nftables
  local new=
  put_file "$firewall_file" 644 < <(firewall_rules) && new=1
  nft -c -f "$firewall_file" || fail "the kernel does not take $firewall_file: the firewall was left as it was"
  if [ -n "$new" ] || ! nft list table inet stackline >/dev/null 2>&1; then
    nft -f "$firewall_file"
    [ -n "$new" ] || changed "the firewall is closed again"
  fi
  keep_firewall
}

# Ports that SSH uses now stay open, whatever was asked for: nobody is to be locked out.
ssh_ports() {
  local current
  read -r _ _ _ current <<<"${SSH_CONNECTION:-}"
  { printf '%s\n' "$ssh_port" "$current" && { sshd -T 2>/dev/null || true; } | sed -n 's/^port //p'; } | grep -E '^[0-9]+$' | sort -nu
}

firewall_rules() {
  local ports
  ports=$({ ssh_ports && printf '80\n443\n'; } | sort -nu | paste -sd, | sed 's/,/, /g')
  cat <<NFT
#!/usr/sbin/nft -f
# Written by provision. Making the table before deleting it: it may not be there yet.
table inet stackline
delete table inet stackline
table inet stackline {
  chain outside {
    type filter hook prerouting priority mangle; policy accept;
    iifname { "lo", "docker0" } accept
    iifname "br-*" accept
    fib daddr type != local accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
    tcp dport { $ports } accept
    counter drop
  }
}
NFT
}

keep_firewall() {
  put_file "$firewall_unit" 644 <<UNIT && has_systemd && systemctl daemon-reload
[Unit]
Description=Firewall: SSH, 80 and 443 from outside
DefaultDependencies=no
Before=network-pre.target shutdown.target
Wants=network-pre.target
After=local-fs.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f $firewall_file

[Install]
WantedBy=multi-user.target
UNIT
  enable stackline-firewall.service
}
