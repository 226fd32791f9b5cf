# shellcheck shell=bash disable=SC2154 # provision sets the options, and other parts the rest
# Swap for a machine that has none, and what Redis asks of the kernel.

provide_swap() {
  if [ "$swap" = 0 ] || [ -n "$(swapon --show --noheadings)" ]; then return; fi
  if systemd-detect-virt --quiet --container 2>/dev/null || [ -f /.dockerenv ]; then
    say "no swap: a container has its machine's"
    return
  fi
  local file=/swapfile free
  free=$(df -Pm / | awk 'NR == 2 { print $4 }')
  [ "$free" -gt $((swap * 2)) ] || fail "the disk has $free MB left, too little for a swap of $swap MB: give --swap 0 or a larger disk"
  [ -f "$file" ] || dd if=/dev/zero of="$file" bs=1M count="$swap" status=none
  chmod 600 "$file"
  mkswap --quiet "$file"
  swapon "$file"
  grep -q "^$file " /etc/fstab || printf '%s none swap sw 0 0\n' "$file" >>/etc/fstab
  changed "$swap MB of swap"
}

tune_kernel() {
  put_file /etc/sysctl.d/60-stackline.conf 644 <<'CONF' || return 0
# Swap is for what nobody uses, not for what waits.
vm.swappiness = 10
# Redis saves through a fork, which a stricter kernel refuses when memory is half full.
vm.overcommit_memory = 1
CONF
  sysctl --quiet --load /etc/sysctl.d/60-stackline.conf 2>/dev/null || say "the kernel's settings cannot be changed here: they count from the next start"
}
