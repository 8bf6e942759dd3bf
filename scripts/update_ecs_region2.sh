#!/usr/bin/env bash
# Sets the application of region 2 to N tasks.
set -euo pipefail
# shellcheck source=scripts/lib/aws.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/aws.sh"
update_application 2 "$@"
