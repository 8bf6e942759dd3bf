#!/usr/bin/env bash
# Writes the manual page of the locustpp that is in PATH to stdout. Its options are those of the
# Locust that is installed beside it.
set -euo pipefail

version=$(locustpp --version | sed -n 's/^locustpp \([0-9.]*\) .*/\1/p')
# The width is what argparse breaks its lines by: nothing shall be broken before it is set.
COLUMNS=200 help2man --no-info --section 1 --name 'Locust with a native engine' \
  --version-string "$version" locustpp
