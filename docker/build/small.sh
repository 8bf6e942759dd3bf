#!/bin/sh
# Compiles one of the small programs that images have besides the big ones.
set -eu
if [ $# != 2 ]; then
  echo "usage: small.sh SOURCE PROGRAM" >&2
  exit 2
fi
g++ -std=c++20 -O2 -Wall -Wextra -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -pie \
  -Wl,-z,relro,-z,now -s "$1" -o "$2"
