#!/usr/bin/env bash
# Installs what the project needs: Debian packages, and Python environments with Locust under
# build/venvs. demo.sh and test.sh do this themselves.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
source "$ROOT/scripts/lib/setup.sh"

usage() {
  cat <<END
usage: scripts/setup.sh [--tests] [LOCUST_VERSION...]

Installs the Debian packages of the build (as root; else prints the command to run) and makes
build/venvs/VERSION for each version named, by default ${locust_versions[-1]}.
  --tests   also what scripts/test.sh needs: clang's tools, and all of ${locust_versions[*]}
END
}

packages=("${build_packages[@]}")
versions=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --tests)
      packages+=("${test_packages[@]}")
      versions+=("${locust_versions[@]}")
      ;;
    -h | --help) usage && exit 0 ;;
    -*) die "unknown option $1 (see --help)" ;;
    *) versions+=("$1") ;;
  esac
  shift
done
[[ ${#versions[@]} -gt 0 ]] || versions=("${locust_versions[-1]}")

ensure_packages "${packages[@]}"
start_venvs "${versions[@]}"
finish_venvs
say "ready: packages, and build/venvs/{$(IFS=,; echo "${versions[*]}")}"
