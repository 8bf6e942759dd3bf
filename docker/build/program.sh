#!/bin/sh
# Builds one program from the sources in this folder, and fills /rootfs with an image that holds it
# and the other programs named.
set -eu
if [ $# = 0 ] || [ "$1" = --help ]; then
  echo "usage: program.sh TARGET [PROGRAM...]" >&2
  exit 2
fi
here=$(dirname "$0")
target=$1
shift
cmake -S . -B /tmp/build -G Ninja -DCMAKE_BUILD_TYPE=Release -DLOCUSTPP_TESTS=OFF -DLOCUSTPP_PYTHON=OFF
cmake --build /tmp/build --target "$target" --parallel "${JOBS:-$(nproc)}"
strip "/tmp/build/bin/$target"
mkdir -p /rootfs/usr/local/share/locustpp
"$here/compiled-in.sh" /tmp/build >/rootfs/usr/local/share/locustpp/compiled-in.txt
"$here/rootfs.sh" /rootfs "/tmp/build/bin/$target" "$@"
