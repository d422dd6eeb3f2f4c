#!/bin/sh
# Checks what Grafana needs of its container, says what it was given, and answers at /api/health.
set -eu

fail() {
  echo "grafana: $*" >&2
  exit 1
}

is_writable() {
  touch "$1/.probe" && rm "$1/.probe" || fail "$1 is not writable"
}

# The value at the first line `KEY: VALUE` of the files.
value() {
  key=$1
  shift
  sed -n "s/^[- ]*$key: *//p" "$@" | head -n 1
}

[ "$(id -u)" = 472 ] || fail "the user is $(id -u)"
# The database, plugins and, for the sockets of plugins, /tmp.
is_writable "$GF_PATHS_DATA"
mkdir -p "$GF_PATHS_PLUGINS"
is_writable /tmp

for name in $(env | sed -n 's/^\(GF_[A-Z_]*\)__FILE=.*/\1/p'); do
  eval "file=\$${name}__FILE"
  eval "other=\${$name:-}"
  [ -z "$other" ] || fail "both $name and ${name}__FILE are set"
  [ -s "$file" ] && cat "$file" >/dev/null || fail "$file of ${name}__FILE cannot be read, or is empty"
done

providers=$(cat "$GF_PATHS_PROVISIONING"/dashboards/*.yaml) || fail 'there is no provider of dashboards'
folder=$(echo "$providers" | value path)
for board in "$folder"/*.json; do
  cat "$board" >/dev/null || fail "$board cannot be read"
done
home=${GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH:-$folder}
[ -r "$home" ] || fail "$home cannot be read"

url=$(cat "$GF_PATHS_PROVISIONING"/datasources/*.yaml | value url)
wget -q -T 5 -O /dev/null "$url/-/ready" || fail "the data source at $url does not answer"

echo "grafana: all is as it should be"
# The first process of a container ignores signals that it does not handle.
trap 'exit 0' TERM INT
httpd -f -p 3000 -h /www &
wait
