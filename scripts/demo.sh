#!/usr/bin/env bash
# The main job in one command: a stock Locust master drives the native worker against the native
# target. Installs and builds what is needed first; nothing is left running at the end.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
source "$ROOT/scripts/lib/setup.sh"

locust=${locust_versions[-1]}
headless='' users=6 threads='' web_port=8089 master_port=5557 target_port=8000

usage() {
  cat <<END
usage: scripts/demo.sh [OPTION...]

Starts the target, a stock Locust master with its web page, and one worker on all cores, and prints
the address to open. Ctrl-C stops all three.

  --headless SECONDS    no browser: run that long, print Locust's summary and what was used; exit
                        code 0 only if there were requests, no failures, and a clean stop
  --locust VERSION      the master's version (default $locust)
  --users N             users to run, ten connections each (default $users)
  --threads N           the worker's threads (default: one for each core)
  --web-port PORT       Locust's web page (default $web_port)
  --master-port PORT    where the worker finds the master (default $master_port)
  --target-port PORT    the target (default $target_port)
  --help                this text
END
}

number() {  # number OPTION VALUE HIGHEST
  [[ $2 =~ ^[1-9][0-9]{0,5}$ && $2 -le $3 ]] || die "$1 wants a number from 1 to $3, not '$2'"
}

while [[ $# -gt 0 ]]; do
  option=$1
  shift
  case $option in
    -h | --help) usage && exit 0 ;;
    --*=*)
      set -- "${option#*=}" "$@"
      option=${option%%=*}
      ;;
  esac
  case $option in
    --headless | --locust | --users | --threads | --web-port | --master-port | --target-port) ;;
    *) die "unknown option $option (see --help)" ;;
  esac
  [[ $# -gt 0 ]] || die "$option wants a value (see --help)"
  value=$1
  shift
  case $option in
    --headless) number "$option" "$value" 86400 && headless=$value ;;
    --users) number "$option" "$value" 100000 && users=$value ;;
    --threads) number "$option" "$value" 1024 && threads=$value ;;
    --web-port) number "$option" "$value" 65535 && web_port=$value ;;
    --master-port) number "$option" "$value" 65535 && master_port=$value ;;
    --target-port) number "$option" "$value" 65535 && target_port=$value ;;
    --locust)
      [[ $value =~ ^[0-9]+(\.[0-9]+){1,2}$ ]] || die "--locust wants a version like 2.47.0, not '$value'"
      locust=$value
      ;;
  esac
done

build() {
  cmake --preset release
  cmake --build --preset release --target locust-worker hello-target
}

build_locked() (
  set -e
  cd "$ROOT"
  exec 9>build/.release.lock
  flock 9
  build
)

ensure_packages "${build_packages[@]}"
run_dir=$ROOT/build/demo/$master_port
arguments=(--web-port "$web_port" --master-port "$master_port" --target-port "$target_port"
  --users "$users" ${headless:+--headless "$headless"} ${threads:+--threads "$threads"})
python=$(find_python)
runner=("$python" -B "$ROOT/scripts/lib/run_demo.py")
"${runner[@]}" "${arguments[@]}" --only-check-ports

mkdir -p "$run_dir"
start_venvs "$locust"
say "building the worker and the target (log: build/demo/build.log)"
run_logged "the build" "$ROOT/build/demo/build.log" build_locked
finish_venvs
say "starting target, master (Locust $locust) and worker"
exec "${runner[@]}" "${arguments[@]}" --root "$ROOT" --run-dir "$run_dir" \
  --locust "$ROOT/build/venvs/$locust/bin/locust" \
  --worker "$ROOT/build/release/bin/locust-worker" --target "$ROOT/build/release/bin/hello-target"
