#!/usr/bin/env bash
# Sets up and runs the checks of the project: format, scripts, unit tests under sanitizers, and of the
# release build unit tests, the Python package, tests against real masters, the deploy flow, packages,
# the web page and the documents; fuzzing, clang-tidy, and the demo. The first that fails ends the run.
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
usage: scripts/test.sh [--fast | --full] [--all]

  --fast   format, scripts, and the unit tests of the release build only
  --full   also what takes long or needs root: images that are built and run, the stacks' commands
           against processes, the chart, Python 3.9 and 3.13, the extension under sanitizers, packages
           and documents in a fresh Debian
  --all    clang-tidy on every file, not only on what changed since origin/main or the last commit
END
}

fast='' full='' tidy_scope=changed
for option in "$@"; do
  case $option in
    --fast) fast=1 ;;
    --full) full=1 ;;
    --all) tidy_scope=all ;;
    -h | --help) usage && exit 0 ;;
    *) die "unknown option $option (see --help)" ;;
  esac
done

cores=$(nproc)
log=$ROOT/build/test
mkdir -p "$log"
step_names=() step_seconds=() current_step=''

# step NAME FUNCTION...: says what runs, keeps its time; a failure ends the script.
step() {
  local began=$SECONDS
  current_step=$1
  say "=== $1"
  "${@:2}"
  step_names+=("$1")
  step_seconds+=($((SECONDS - began)))
  current_step=''
}

summary() {
  local code=$? i
  stop_jobs
  say "=== times"
  for i in "${!step_names[@]}"; do printf '%6d s  %s\n' "${step_seconds[i]}" "${step_names[i]}"; done
  printf '%6d s  in all\n' "$SECONDS"
  if [[ $code != 0 ]]; then say "FAILED${current_step:+: $current_step}"; else say "all passed"; fi
  exit "$code"
}
trap summary EXIT

setup_packages() { ensure_packages "${build_packages[@]}" "${test_packages[@]}"; }

step "packages" setup_packages
if [[ $fast ]]; then
  step "format" check_format
  step "scripts" check_scripts
  step "release build" build_preset release
  step "unit tests" run_ctest release unit "$cores"
  exit 0
fi
# Downloads and installs while the first build keeps the compiler busy.
start_venvs "${locust_versions[@]}"
step "format" check_format
step "scripts" check_scripts
step "sanitizer build" build_preset asan unit_tests
step "unit tests under address and undefined behaviour sanitizers" run_ctest asan unit "$cores"
step "release build" build_preset release
step "unit tests" run_ctest release unit "$cores"
step "Python environments" finish_venvs
step "types of the Python package" check_python_types
step "tests of the Python package" run_python_matrix
step "tests against real masters" run_ctest release compat 6
step "deploy flow" run_deploy_tests
step "package" check_python_package
step "other packages" run_folder_tests packaging -m 'not slow'
step "the web page in a browser" run_folder_tests browser-tests --reruns 1
step "documents" run_folder_tests docs -m 'not slow' --reruns 1
step "fuzzing" run_fuzzers
step "clang-tidy" run_tidy "$tidy_scope"
step "demo" run_demo_check
if [[ $full ]]; then
  ensure_packages "${full_packages[@]}"
  step "Python 3.9" check_python39
  step "Python package under the address sanitizer" check_python_asan
  step "Python 3.13" check_newest_python
  step "wheels of every Python at hand" check_wheels
  step "packages in a fresh Debian" run_folder_tests packaging -m slow
  step "documents in a fresh Debian" run_folder_tests docs -m slow
  step "deploy flow with processes and images" run_slow_deploy_tests
fi
