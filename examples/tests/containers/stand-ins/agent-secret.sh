#!/bin/sh
# Prints the secret of a handle such as `file@/run/secrets/key`.
set -eu
cat "${1#file@}"
