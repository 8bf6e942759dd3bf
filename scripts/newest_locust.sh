#!/usr/bin/env bash
# Tests against whatever Locust is newest today: the cases with real masters and the tests of the
# Python package. Says which version it was, and which the packages beside it were.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
source "$ROOT/scripts/lib/setup.sh"
# shellcheck source=scripts/lib/checks.sh
source "$ROOT/scripts/lib/checks.sh"
# shellcheck source=scripts/lib/python_package.sh
source "$ROOT/scripts/lib/python_package.sh"
cd "$ROOT"

usage() {
  cat <<'END'
usage: scripts/newest_locust.sh [--all] [--pre] [--no-build]

  --all       also the newest of all that Locust brings along, not what the newest known Locust is
              tested with
  --pre       release candidates and other pre-releases too
  --no-build  with the release build as it is
END
}

pip_options=() build=1 all=''
for option in "$@"; do
  case $option in
    --all) all=1 ;;
    --pre) pip_options+=(--pre) ;;
    --no-build) build='' ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown option $option (see --help)" ;;
  esac
done

log=$ROOT/build/newest
venvs=$log/venvs
# The newest that the tests know; the newest there is takes its place.
known=${locust_versions[-1]}

install_newest() (
  set -e
  rm -rf "$venvs"
  "$(find_python)" -m venv "$venvs/$known"
  requirements_of "$known" | sed '/^locust==/d; s/\[.*\]//' >"$venvs/beside.txt"
  # Locust may ask for others than these: pip's own choice is then the right one.
  [[ $all ]] || pip_install -c "$venvs/beside.txt" || all=1
  [[ ! $all ]] || pip_install
  "$venvs/$known/bin/python" -m pip freeze --disable-pip-version-check >"$venvs/installed.txt"
)

# Locust, and what the tests need that it does not bring along.
pip_install() {
  "$venvs/$known/bin/python" -m pip install --disable-pip-version-check --no-input --quiet \
    --prefer-binary "${pip_options[@]}" "$@" locust pytest pytest-rerunfailures brotli 'psycopg[binary]'
}

if [[ $build ]]; then
  ensure_packages "${build_packages[@]}" "${test_packages[@]}"
  build_preset release
fi
run_logged "installing the newest Locust" "$log/install.log" install_newest
version=$("$venvs/$known/bin/python" -c 'import importlib.metadata as m; print(m.version("locust"))')
say "the newest Locust is $version; the newest that is known here is $known"
say "packages beside it that $known is not tested with:"
grep -vxFf "$venvs/beside.txt" "$venvs/installed.txt" | grep -v '^locust==' | sed 's/^/  /' || true
failed=0
LOCUSTPP_VENVS=$venvs run_shown "$log/ctest.log" ctest --test-dir build/release -L '^compat$' \
  -R "/v${known//./_}" --no-tests=error --output-on-failure --repeat until-pass:2 -j 4 || failed=1
run_python_tests newest "$ROOT/build/release" "$venvs/$known/bin/python" --reruns 1 -rfER \
  worker/python/tests || failed=1
[[ $failed == 0 ]] || die "something does not work with Locust $version"
say "all works with Locust $version"
