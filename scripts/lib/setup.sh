# What the project needs on a machine: Debian packages, and one Python environment for each Locust
# version that is asked for, under build/venvs. Needs lib/common.sh.
# shellcheck shell=bash

# Of these, the ones that the Python package is tested with in depth.
python_package_versions=(2.13.0 2.32.10 2.47.0)
locust_versions=(2.13.0 2.20.1 2.32.10 2.43.4 2.46.3 2.47.0)

build_packages=(g++ cmake ninja-build pkg-config libboost-dev libmsgpack-cxx-dev libzmq3-dev
  cppzmq-dev libspdlog-dev libfmt-dev libcli11-dev nlohmann-json3-dev libtomlplusplus-dev
  libcpp-httplib-dev libssl-dev libpsl-dev zlib1g-dev libbrotli-dev libzstd-dev libre2-dev libc-ares-dev libgtest-dev
  libgmock-dev python3 python3-dev python3-venv)
test_packages=(clang-14 clang-tidy-14 clang-format-14 libclang-rt-14-dev shellcheck git openssl
  curl iproute2 jq patchelf postgresql util-linux
  nginx-light libnginx-mod-http-brotli-filter tinyproxy-bin knot knot-module-geoip
  wrk graphviz chromium chromium-driver tmux zsh fish bash-completion help2man man-db
  lintian file dpkg-dev)

# For test.sh --full, which also wants Go 1.24 or newer for helm.
full_packages=(buildah crun debootstrap)

# ensure_packages NAME...: installs what is missing when root, else says the command and ends.
ensure_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "no dpkg here: going on in the hope that the equivalents of these are installed: $*"
    return
  fi
  local installed missing=() name
  installed=$(dpkg-query -W -f='${Package} ${db:Status-Status}\n' "$@" 2>/dev/null) || true
  for name in "$@"; do
    grep -qxF "$name installed" <<<"$installed" || missing+=("$name")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if [[ $(id -u) != 0 ]]; then
    die "packages are missing; install them with: sudo apt-get install ${missing[*]}"
  fi
  say "installing packages: ${missing[*]}"
  run_logged "apt-get" "$ROOT/build/setup/apt.log" apt_install "${missing[@]}"
}

# In a subshell of its own. Debian starts a service where it installs one (nginx, on port 80),
# unless this policy says no.
apt_install() (
  set -e
  export DEBIAN_FRONTEND=noninteractive
  policy=/usr/sbin/policy-rc.d
  if [[ ! -e $policy ]]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  apt-get -o DPkg::Lock::Timeout=300 update -q
  apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "$@"
)

# Prints the interpreter to use: the newest Locust releases want Python 3.11.
find_python() {
  local name
  for name in python3.11 python3 python3.12 python3.13 python3.14; do
    command -v "$name" >/dev/null || continue
    "$name" -c 'import sys, venv, ensurepip
if sys.version_info < (3, 11): sys.exit(1)
print(sys.executable)' 2>/dev/null && return
  done
  die "no Python 3.11 or newer with the venv module was found (Debian: python3 and python3-venv)"
}

requirements_of() {
  local file=$ROOT/compat-tests/requirements/locust-$1.txt
  if [[ -f $file ]]; then cat "$file"; else printf 'locust==%s\n' "$1"; fi
}

# What build/venvs/VERSION was made from. The path belongs to it: an environment cannot be moved.
venv_stamp() {
  { requirements_of "$1" && "$2" --version && printf '%s\n' "$ROOT"; } | sha256sum | cut -d' ' -f1
}

venv_is_complete() {
  [[ -f $ROOT/build/venvs/$1/.complete &&
    $(<"$ROOT/build/venvs/$1/.complete") == "$(venv_stamp "$1" "$2")" ]]
}

# make_venv VERSION PYTHON. Two scripts that want the same one wait for each other.
make_venv() (
  set -e
  venv=$ROOT/build/venvs/$1
  exec 9>"$ROOT/build/venvs/.$1.lock"
  flock 9
  if venv_is_complete "$1" "$2"; then exit 0; fi
  rm -rf "$venv"
  "$2" -m venv "$venv"
  requirements_of "$1" >"$venv/requirements.txt"
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --quiet \
    --prefer-binary -r "$venv/requirements.txt"
  "$venv/bin/locust" --version
  venv_stamp "$1" "$2" >"$venv/.complete"
)

# make_tool_venv NAME REQUIREMENTS: build/venvs/NAME for tests that need no Locust of their own.
make_tool_venv() (
  set -e
  venv=$ROOT/build/venvs/$1
  python=$(find_python)
  stamp=$({ cat "$2" && "$python" --version && printf '%s\n' "$ROOT"; } | sha256sum | cut -d' ' -f1)
  mkdir -p "$ROOT/build/venvs"
  exec 9>"$ROOT/build/venvs/.$1.lock"
  flock 9
  if [[ -f $venv/.complete && $(<"$venv/.complete") == "$stamp" ]]; then exit 0; fi
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --quiet \
    --prefer-binary -r "$2"
  printf '%s\n' "$stamp" >"$venv/.complete"
)

# start_venvs VERSION...: makes all that are missing at the same time; finish_venvs waits for them.
declare -A venv_jobs=()
start_venvs() {
  local python version
  python=$(find_python) || exit 1
  mkdir -p "$ROOT/build/venvs"
  for version in "$@"; do
    if venv_is_complete "$version" "$python"; then continue; fi
    say "installing Locust $version in build/venvs/$version"
    start_job "$ROOT/build/setup/locust-$version.log" make_venv "$version" "$python"
    venv_jobs[$version]=$job
  done
}

finish_venvs() {
  local version
  for version in "${!venv_jobs[@]}"; do
    finish_job "${venv_jobs[$version]}" ||
      die_with_log "Locust $version could not be installed" \
        "$ROOT/build/setup/locust-$version.log"
  done
  venv_jobs=()
}
