#!/bin/sh
# As upstream: /etc/nginx/templates/NAME.template becomes /etc/nginx/conf.d/NAME with the environment's values. Only
# names that are in the environment (and match NGINX_ENVSUBST_FILTER) are replaced: nginx's own $variables stay.
set -e

templates="${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}"
suffix="${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template}"
output="${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}"

[ -d "$templates" ] || exit 0
if ! [ -w "$output" ]; then
  echo "$0: ERROR: $templates exists, but $output is not writable"
  exit 0
fi

names=$(awk -v filter="${NGINX_ENVSUBST_FILTER-}" \
  'BEGIN { for (name in ENVIRON) if (name ~ /^[A-Za-z_][A-Za-z0-9_]*$/ && name ~ filter) printf "${%s} ", name }')

find "$templates" -follow -type f -name "*$suffix" | while read -r template; do
  name="${template#"$templates"/}"
  target="$output/${name%"$suffix"}"
  mkdir -p "$(dirname "$target")"
  if [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS-}" ]; then echo "$0: Running envsubst on $template to $target"; fi
  envsubst "$names" <"$template" >"$target"
done
