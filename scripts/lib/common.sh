# Shared by the scripts: where the project is, short progress lines, and jobs that a signal can stop
# (each long command runs in a process group of its own, so that nothing of it is left behind).
# shellcheck shell=bash

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
declare -A running_jobs=()

say() { printf '%s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# start_job LOG COMMAND...: runs it in the background, output to LOG; its number is then in $job.
start_job() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  : >"$log"
  set -m
  "$@" </dev/null >"$log" 2>&1 &
  job=$!
  set +m
  running_jobs[$job]=1
}

# Waits for one job and returns its exit code. A signal to this script ends the wait at once.
finish_job() {
  local code=0
  wait "$1" 2>/dev/null || code=$?
  unset "running_jobs[$1]"
  return "$code"
}

# run_logged WHAT LOG COMMAND...: silent when it succeeds; else one sentence and the end of LOG.
run_logged() {
  local what=$1 log=$2 code=0
  shift 2
  start_job "$log" "$@"
  finish_job "$job" || code=$?
  [[ $code == 0 ]] || die_with_log "$what failed (exit code $code)" "$log"
}

die_with_log() {
  printf '%s: %s; the last lines of %s:\n' "${0##*/}" "$1" "$2" >&2
  tail -n 40 "$2" | cut -c1-400 | sed 's/^/  | /' >&2
  exit 1
}

stop_jobs() {
  local pid tries
  for pid in "${!running_jobs[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done
  for pid in "${!running_jobs[@]}"; do
    for ((tries = 0; tries < 50; tries++)); do
      kill -0 -- "-$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  running_jobs=()
}

trap stop_jobs EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
