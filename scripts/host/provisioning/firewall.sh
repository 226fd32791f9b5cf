# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# Allows only SSH, 80 and 443 from outside. Containers reach 80 and 443 of this machine and the ports of --container-port, and
# no cloud metadata. Uses its own table and never flushes Docker's rules. It filters before Docker's NAT, so published ports
# do not bypass it, as they bypass ufw.

firewall_file=/etc/stackline/firewall.nft
firewall_unit=/etc/systemd/system/stackline-firewall.service

close_firewall() {
  install_packages nftables
  local new=
  put_file "$firewall_file" 644 < <(firewall_rules) && new=1
  nft -c -f "$firewall_file" || fail "the kernel does not accept $firewall_file: the firewall is unchanged"
  if [ -n "$new" ] || ! nft list table inet stackline >/dev/null 2>&1; then
    nft -f "$firewall_file"
    [ -n "$new" ] || changed "the firewall rules were missing and are loaded again"
  fi
  keep_firewall
}

# The ports that SSH uses now stay open as well, so that nobody is locked out.
ssh_ports() {
  local current
  read -r _ _ _ current <<<"${SSH_CONNECTION:-}"
  { printf '%s\n' "$ssh_port" "$current" && { sshd -T 2>/dev/null || true; } | sed -n 's/^port //p'; } | grep -E '^[0-9]+$' | sort -nu
}

# A bridge with the machine's own connection, if its name looks like one of Docker's: as a condition that excludes it.
exclude_uplinks() {
  local names
  names=$({ ip -o route show default || true; ip -o -6 route show default || true; } 2>/dev/null | sed -nE 's/.* dev ((docker|br-)[^ ]*).*/"\1"/p' | sort -u | paste -sd,)
  printf '%s' "${names:+iifname != { $names \} }"
}

list_ports() { sort -nu | paste -sd, | sed 's/,/, /g'; }

# Rules that limit the connections that one address has to the site, for IPv6 its network: nginx counts only requests whose head
# is complete. A proxy in front has one address for all clients.
connection_limits() {
  local most=$((client_connections * 2)) family=ip
  case $trusted_proxy in
    '' | 127.*) ;;
    *:*) family=ip6 ;&
    *) echo "    tcp dport { 80, 443 } $family saddr $trusted_proxy accept" ;;
  esac
  cat <<NFT
    tcp dport { 80, 443 } add @clients { ip saddr ct count over $most } drop
    tcp dport { 80, 443 } add @clients6 { ip6 saddr and ffff:ffff:ffff:ffff:: ct count over $most } drop
NFT
}

firewall_rules() {
  local ports open uplinks
  ports=$({ ssh_ports && printf '80\n443\n'; } | list_ports)
  open=$(printf '%s\n' 80 443 ${container_ports[@]+"${container_ports[@]}"} | list_ports)
  uplinks=$(exclude_uplinks)
  cat <<NFT
#!/usr/sbin/nft -f
# Written by provision. Creates the table before deleting it, because it may not exist yet.
table inet stackline
delete table inet stackline
table inet stackline {
  set clients { type ipv4_addr; size 65535; flags dynamic; }
  set clients6 { type ipv6_addr; size 65535; flags dynamic; }
  chain outside {
    type filter hook prerouting priority mangle; policy accept;
    iifname "lo" accept
    iifname "docker*" ${uplinks}goto containers
    iifname "br-*" ${uplinks}goto containers
    fib daddr type != local jump metadata
    fib daddr type != local accept
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    udp sport 67 udp dport 68 accept
    udp sport 547 udp dport 546 accept
$(connection_limits)
    tcp dport { $ports } accept
    counter drop
  }
  chain containers {
    ct state established,related accept
    jump metadata
    fib daddr type != local accept
    meta l4proto { icmp, ipv6-icmp } accept
    meta l4proto { tcp, udp } th dport { $open } accept
    counter goto refused
  }
  # It gives out the machine's credentials. Some clouds run their DNS at the same addresses.
  chain metadata {
    ip daddr 169.254.0.0/16 meta l4proto { tcp, udp } th dport != 53 counter goto refused
    ip6 daddr fd00:ec2::254 counter goto refused
  }
  # Not dropped silently: a client in a container fails at once instead of waiting.
  chain refused {
    meta l4proto tcp reject with tcp reset
    reject
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
