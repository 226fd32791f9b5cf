# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# Swap for a machine without any, and the kernel settings that Redis needs.

provide_swap() {
  if [ "$swap" = 0 ] || [ -n "$(swapon --show --noheadings)" ]; then return; fi
  if systemd-detect-virt --quiet --container 2>/dev/null || [ -f /.dockerenv ]; then
    say "no swap added: a container uses its host's"
    return
  fi
  local file=/swapfile free
  free=$(df -Pm / | awk 'NR == 2 { print $4 }')
  [ "$free" -gt $((swap * 2)) ] || fail "the disk has $free MB free, too little for $swap MB of swap: give --swap 0 or a larger disk"
  [ -f "$file" ] || dd if=/dev/zero of="$file" bs=1M count="$swap" status=none
  chmod 600 "$file"
  mkswap --quiet "$file"
  swapon "$file"
  grep -q "^$file " /etc/fstab || printf '%s none swap sw 0 0\n' "$file" >>/etc/fstab
  changed "$swap MB of swap"
}

tune_kernel() {
  put_file /etc/sysctl.d/60-stackline.conf 644 <<'CONF' || return 0
# Swap out only what is not in use.
vm.swappiness = 10
# Redis saves by forking, which the default refuses when memory is half full.
vm.overcommit_memory = 1
CONF
  sysctl --quiet --load /etc/sysctl.d/60-stackline.conf 2>/dev/null || say "the kernel settings cannot be changed now: they take effect at the next boot"
}
