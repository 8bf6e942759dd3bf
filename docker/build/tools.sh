#!/bin/sh
# Installs what all of the images are built with: one list, in a layer that the Dockerfiles share.
set -eu
if [ $# != 0 ]; then
  echo "usage: tools.sh" >&2
  exit 2
fi
# An image that brings a Python of its own is built for that one.
command -v python3 >/dev/null || set -- python3-dev python3-venv
apt-get update
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
  ca-certificates ccache cmake cppzmq-dev g++ libboost-dev libbrotli-dev libc-ares-dev libcli11-dev \
  libcpp-httplib-dev libfmt-dev libmsgpack-cxx-dev libpsl-dev libre2-dev libspdlog-dev libssl-dev \
  libtomlplusplus-dev libzmq3-dev libzstd-dev ninja-build nlohmann-json3-dev pkg-config zlib1g-dev "$@"
rm -rf /var/lib/apt/lists/*
