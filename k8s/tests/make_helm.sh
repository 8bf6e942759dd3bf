#!/usr/bin/env bash
# Builds helm from its Go module into build/tools/helm, once; the chart's tests use it.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
version=v3.19.0
tools=$root/build/tools

usage() {
  cat <<END
usage: k8s/tests/make_helm.sh [--dry-run]

Builds helm $version into build/tools/helm with Go 1.24 or newer, unless it is there. Takes some
minutes, one compiler at a time, and downloads through Go's module proxy.
END
}

dry_run=''
for option in "$@"; do
  case $option in
    --dry-run) dry_run=1 ;;
    -h | --help) usage && exit 0 ;;
    *)
      echo "make_helm.sh: unknown option $option; see --help" >&2
      exit 2
      ;;
  esac
done

if [[ -x $tools/helm && $(cat "$tools/helm.version" 2>/dev/null) == "$version" ]]; then
  echo "build/tools/helm is there already ($version)"
  exit 0
fi
if ! go=$(command -v go); then
  echo "make_helm.sh: there is no Go here; install Go 1.24 or newer, or put a helm 3 on PATH" >&2
  exit 1
fi
have=$("$go" env GOVERSION)
if [[ $(printf 'go1.24\n%s\n' "$have" | sort -V | head -n 1) != go1.24 ]]; then
  echo "make_helm.sh: $have is too old for helm $version; install Go 1.24 or newer, or put a helm 3 on PATH" >&2
  exit 1
fi
if [[ $dry_run ]]; then
  echo "GOBIN=$tools $go install -p 1 helm.sh/helm/v3/cmd/helm@$version"
  exit 0
fi
mkdir -p "$tools"
GOBIN=$tools "$go" install -p 1 "helm.sh/helm/v3/cmd/helm@$version" || {
  echo "make_helm.sh: helm could not be built; see the lines above, and whether Go's module proxy is reachable" >&2
  exit 1
}
echo "$version" >"$tools/helm.version"
"$tools/helm" version --short
