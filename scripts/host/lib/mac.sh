# shellcheck shell=bash
# Message authentication codes of backups. Requires only sha256sum: the command lines of other tools take a key as an argument,
# which every user of the machine can read. Here it goes through builtins and pipes.

# hmac_sha256 KEY <MESSAGE: HMAC-SHA256 (RFC 2104), in hexadecimal.
hmac_sha256() {
  local key inner
  key=$(printf '%s' "$1" | hexadecimal)
  [ "${#key}" -le 128 ] || key=$(printf '%s' "$1" | sha256sum | cut -c1-64)
  while [ "${#key}" -lt 128 ]; do key+=00; done
  inner=$({ masked "$key" 0x36 && cat; } | sha256sum | cut -c1-64)
  { masked "$key" 0x5c && masked "$inner" 0; } | sha256sum | cut -c1-64
}

hexadecimal() { od -An -v -tx1 | tr -d ' \n'; }

# masked HEXADECIMAL MASK: the bytes, each combined with the mask.
masked() {
  local at bytes='' byte
  for ((at = 0; at < ${#1}; at += 2)); do
    printf -v byte '\\x%02x' "$((16#${1:at:2} ^ $2))"
    bytes+=$byte
  done
  printf '%b' "$bytes"
}
