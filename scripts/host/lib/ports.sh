# shellcheck shell=bash
# The ports that a release publishes: whether it can have them is tried before anything is touched.

# check_ports RELEASE
check_ports() {
  check_port "$1" nginx HTTP_PORT 80
  check_port "$1" nginx HTTPS_PORT 443
  [ "$(setting "$1" HTTP_PORT 80)" != "$(setting "$1" HTTPS_PORT 443)" ] || fail "HTTP_PORT and HTTPS_PORT are both $(setting "$1" HTTP_PORT 80): give each a port of its own"
  [[ ! ,$(setting "$1" COMPOSE_PROFILES), =~ ,loki, ]] || check_port "$1" grafana GRAFANA_PORT 3000 127.0.0.1
}

# check_port RELEASE SERVICE NAME DEFAULT [ADDRESS]: a setting can be PORT or, without ADDRESS, also ADDRESS:PORT.
check_port() {
  local service=$2 name=$3 value port address=${5:-}
  value=$(setting "$1" "$name" "$4")
  port=${value##*:}
  [ -n "$address" ] || { address=${value%"$port"} && address=${address%:}; }
  [[ $port =~ ^[0-9]{1,5}$ ]] && [ "$((10#$port))" -ge 1 ] && [ "$((10#$port))" -le 65535 ] ||
    fail "$name is '$value': give a port from 1 to 65535${5:-, or ADDRESS:PORT}"
  ! published_by "$service" | grep -qxF "${address:-any}:$port" || return 0
  ! listens "$address" "$((10#$port))" ||
    fail "port $port is already in use: 'ss -ltnp sport = :$port' shows by which process; stop it, or set $name in the environment's settings"
  try_port "$name" "${address:+$address:}$port"
}

# published_by SERVICE: ADDRESS:PORT of its running containers, a line each.
published_by() {
  local id
  for id in $(containers "$1" status=running); do
    docker inspect --format '{{range .HostConfig.PortBindings}}{{range .}}{{println (printf "%s:%s" .HostIp .HostPort)}}{{end}}{{end}}' "$id"
  done | sed 's/^0\.0\.0\.0:/any:/; s/^:/any:/'
}

# listens ADDRESS PORT: whether a process listens on a port of this address, or of any if it is empty.
listens() {
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v address="$1" -v port="$2" '
    BEGIN {
      port = sprintf("%04X", port)
      # The kernel writes an address as a number in the byte order of the machine.
      if (split(address, part, ".") == 4) wanted = sprintf("%02X%02X%02X%02X", part[4], part[3], part[2], part[1])
    }
    $4 == "0A" && split($2, local, ":") == 2 && local[2] == port && (address == "" || local[1] == wanted || local[1] ~ /^0+$/) { found = 1 }
    END { exit !found }'
}

# try_port NAME [ADDRESS:]PORT: as Docker will publish it. Without an image on the machine, before the first deploy, there is none to try.
try_port() {
  local image said
  image=$(containers nginx | head -n 1)
  [ -n "$image" ] || return 0
  image=$(docker inspect --format '{{.Image}}' "$image")
  said=$(timeout 60 docker run --rm --publish "$2:80" --read-only --cap-drop ALL --security-opt no-new-privileges --entrypoint /bin/true "$image" 2>&1) ||
    fail "$1: Docker cannot publish port $2: $(tail -n 1 <<<"${said:-no answer within 60 s}")"
}
