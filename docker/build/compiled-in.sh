#!/bin/sh
# Prints the Debian packages whose headers the build in this folder has read, as lines of "package
# version source": libraries of headers are part of a program without a trace in what it links.
set -eu
if [ $# != 1 ] || [ "$1" = --help ]; then
  echo "usage: compiled-in.sh BUILD_FOLDER" >&2
  exit 2
fi
ninja -C "$1" -t deps | sed -n 's/^ *\(\/usr\/include\/.*\)/\1/p' | sort -u >/tmp/headers
test -s /tmp/headers
xargs -r -d '\n' dpkg -S </tmp/headers 2>/dev/null | cut -d: -f1 | sort -u >/tmp/owners || true
rm /tmp/headers
test -s /tmp/owners
# shellcheck disable=SC2016  # dpkg's own variables
xargs -r dpkg-query -W -f '${Package} ${Version} ${source:Package}\n' </tmp/owners |
  grep -vE '^(libc6-dev|linux-libc-dev|libstdc\+\+-[0-9]+-dev|libgcc-[0-9]+-dev|libcrypt-dev) '
rm /tmp/owners
