#!/bin/sh
# Checks what the Datadog agent needs of its container, and scrapes as its OpenMetrics check would:
# agent run | agent health | agent check openmetrics
set -eu

configuration=/etc/datadog-agent/conf.d/openmetrics.d/conf.yaml

fail() {
  echo "agent: $*" >&2
  exit 1
}

# The value at the first line `KEY: VALUE` of the configuration.
value() {
  sed -n "s/^[- ]*$1: *//p" "$configuration" | head -n 1
}

# Scrapes once and prints the samples.
check() {
  [ -r "$configuration" ] || fail "$configuration cannot be read"
  token=$(cat "$(value path)") || fail "$(value path) cannot be read"
  samples=$(wget -q -T 5 -O - --header "Authorization: Bearer $token" "$(value openmetrics_endpoint)") ||
    fail "$(value openmetrics_endpoint) does not answer"
  echo "$samples" | grep '^scout_stream_vulnerabilities{' || fail 'no samples of Docker Scout'
}

run() {
  [ "$(id -u)" = 100 ] || fail "the user is $(id -u)"
  # The configuration, state, sockets, logs, scripts of the init and, for what Python makes, /tmp.
  for directory in /etc/datadog-agent /opt/datadog-agent/run /var/run/datadog /var/log/datadog /var/run/s6 /tmp; do
    touch "$directory/.probe" && rm "$directory/.probe" || fail "$directory is not writable"
  done
  # The init runs the scripts that it copies there.
  printf '#!/bin/sh\n' >/var/run/s6/probe && chmod 755 /var/run/s6/probe && /var/run/s6/probe || fail '/var/run/s6 is not executable'
  find -L /conf.d -name '*.yaml' | while read -r file; do
    mkdir -p "/etc/datadog-agent${file%/*}" && cp "$file" "/etc/datadog-agent$file"
  done

  # The key, or where the key is.
  handle=$(echo "${DD_API_KEY:-}" | sed -n 's/^ENC\[\(.*\)\]$/\1/p')
  [ -z "$handle" ] || DD_API_KEY=$("${DD_SECRET_BACKEND_COMMAND:-/no-backend}" "$handle") || fail "$handle cannot be read"
  [ -n "${DD_API_KEY:-}" ] || fail 'there is no key'
  check >/dev/null
  echo "agent: all is as it should be"
  # The first process of a container ignores signals that it does not handle.
  trap 'exit 0' TERM INT
  sleep 2147483647 &
  wait
}

case ${1:-} in
  run) run ;;
  health | check) check ;;
  *) fail "unknown command: $*" ;;
esac
