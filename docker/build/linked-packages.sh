#!/bin/sh
# Prints the Debian packages of the libraries that the programs and libraries named load.
set -eu
if [ $# = 0 ] || [ "$1" = --help ]; then
  echo "usage: linked-packages.sh FILE..." >&2
  exit 2
fi
ldd "$@" | awk '/=> not found/ { print "missing: " $1 > "/dev/stderr"; bad = 1 }
  $2 == "=>" && $3 ~ /^\// { print $3 }
  $1 ~ /^\/.*ld-linux/ { print $1 }
  END { exit bad }' >/tmp/libraries
# Debian's packages name their files as they were before /lib became a link to /usr/lib, or after.
sort -u /tmp/libraries | while read -r library; do
  file=$(readlink -f "$library")
  dpkg -S "$file" 2>/dev/null || dpkg -S "${file#/usr}"
done >/tmp/owners
rm /tmp/libraries
cut -d: -f1 /tmp/owners | sort -u
rm /tmp/owners
