# shellcheck shell=bash disable=SC2154 # set by provision and its other parts
# The deploying user: logs in by key only, is in the group docker, owns the stack's folder.

provide_user() {
  if ! id "$user" >/dev/null 2>&1; then
    # '*', not '!': no password matches, but the account is not locked. sshd refuses locked accounts.
    useradd --create-home --shell /bin/bash --password '*' "$user"
    changed "user $user"
  fi
  if ! id -nG "$user" | grep -w docker >/dev/null; then
    usermod --append --groups docker "$user"
    changed "$user is in the group docker"
  fi
  authorise
  if [ "$(stat -c %U "$directory" 2>/dev/null)" != "$user" ]; then
    install -d -o "$user" -g "$(id -gn "$user")" -m 755 "$directory"
    changed "$directory belongs to $user"
  fi
}

# Adds keys and removes none: others may have been added by hand.
authorise() {
  local home file key group
  home=$(getent passwd "$user" | cut -d: -f6)
  group=$(id -gn "$user")
  file=$home/.ssh/authorized_keys
  [ -d "$home/.ssh" ] || install -d -o "$user" -g "$group" -m 700 "$home/.ssh"
  [ -f "$file" ] || install -o "$user" -g "$group" -m 600 /dev/null "$file"
  for key in ${keys[@]+"${keys[@]}"}; do
    ! grep -qxF -- "$key" "$file" || continue
    # A last line without a newline would run into the new one.
    [ -z "$(tail -c 1 "$file")" ] || echo >>"$file"
    printf '%s\n' "$key" >>"$file"
    changed "$user may log in with ${key%% *} ...${key: -12}"
  done
  [ -s "$file" ] || say "nobody can log in as $user yet: give --authorized-key"
}
