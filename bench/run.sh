#!/usr/bin/env bash
# Checks that what the measurements need is there, then runs them: bench/run.sh [row...] [options].
# bench/README.md says what each row means; bench/run.sh --help lists the options.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

missing=()
for program in python3 taskset setpriv wrk nginx; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || missing+=("$program")
done
if ((${#missing[@]})); then
  echo "bench: missing ${missing[*]}: run  apt-get install -y python3 util-linux wrk nginx-light" >&2
  exit 2
fi
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
  echo "bench: python3 is older than 3.9, which the measurements are written for" >&2
  exit 2
fi

# Thousands of connections need thousands of descriptors: take what the machine allows.
ulimit -n "$(ulimit -Hn)" 2>/dev/null || true

export PATH=$PATH:/usr/sbin PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$root
exec python3 -m bench.main "$@"
