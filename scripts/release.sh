#!/usr/bin/env bash
# Makes everything that a release consists of, from the last commit and nothing else, twice: source
# distribution, wheels, Debian packages and the bill of materials, in build/dist. Uploads nothing.
set -euo pipefail
# shellcheck source=scripts/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=scripts/lib/setup.sh
source "$ROOT/scripts/lib/setup.sh"
# shellcheck source=scripts/lib/python_package.sh
source "$ROOT/scripts/lib/python_package.sh"
cd "$ROOT"

out=$ROOT/build/dist work=$ROOT/build/release-work log=$ROOT/build/release-log
usage() {
  cat <<END
usage: scripts/release.sh [--dry-run] [--once] [VERSION]

Builds the release of the version that CMakeLists.txt states (VERSION, if given, must be the same) into
build/dist: a source distribution, a wheel for each CPython at hand, two Debian packages, a bill of
materials, and SHA256SUMS. Refuses a tree with uncommitted changes, a CHANGELOG.md without the version,
and a tag v… of it that is not the last commit. What was built is built once more, elsewhere and
without a cache, and must be the same byte for byte.

  --dry-run  only check, and say what would be built
  --once     not a second time
END
}

dry_run='' once='' wanted=''
for option in "$@"; do
  case $option in
    --dry-run) dry_run=1 ;;
    --once) once=1 ;;
    -h | --help) usage && exit 0 ;;
    -*) die "unknown option $option (see --help)" ;;
    *) wanted=$option ;;
  esac
done

# ---- may it be released? ----

version=$(sed -nE 's/^project\(locustpp VERSION ([0-9.]+).*/\1/p' CMakeLists.txt)
[[ $version ]] || die "CMakeLists.txt states no version"
[[ ! $wanted || $wanted == "$version" ]] ||
  die "CMakeLists.txt says $version, not $wanted: change it there, that is the only place"
[[ -z $(git status --porcelain) ]] || die "there are uncommitted changes: commit them first (see git status)"
grep -qE "^## \[?${version//./\\.}\]?( |\$)" CHANGELOG.md ||
  die "CHANGELOG.md has no entry for $version: make \"## Unreleased\" one, \"## $version - $(date -u +%F)\""
commit=$(git rev-parse HEAD)
if tagged=$(git rev-parse -q --verify "v$version^{commit}") && [[ $tagged != "$commit" ]]; then
  die "v$version is tagged already, and is not the last commit: count up the version in CMakeLists.txt"
fi
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
mapfile -t pythons < <(find_cpythons)
[[ ${#pythons[@]} -gt 0 ]] || die "no CPython with headers was found (Debian: python3-dev and python3-venv)"
say "locustpp $version of commit ${commit:0:12}, wheels for CPython ${pythons[*]##*/python}"
if [[ $dry_run ]]; then
  say "would be built into $out; nothing was"
  exit 0
fi

# ---- building ----

ensure_packages "${build_packages[@]}" ca-certificates dpkg-dev file git patchelf

# build_debs SOURCE BUILD FOLDER
build_debs() (
  set -e
  cmake -S "$1" -B "$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLOCUSTPP_TESTS=OFF \
    -DLOCUSTPP_PYTHON=OFF
  cmake --build "$2" --target locust-worker hello-target locustpp-health man_pages completions
  cpack --config "$2/CPackConfig.cmake" -B "$2/cpack"
  cp "$2"/cpack/*.deb "$3/"
)

# write_sbom BUILD FILE: of the programs and all that they load.
write_sbom() (
  set -e
  rm -rf "$1/rootfs"
  mkdir -p "$1/rootfs/usr/local/share/locustpp"
  docker/build/compiled-in.sh "$1" >"$1/rootfs/usr/local/share/locustpp/compiled-in.txt"
  docker/build/rootfs.sh "$1/rootfs" "$1"/bin/{locust-worker,hello-target,locustpp-health}
  "$packager" scripts/sbom "$1/rootfs" --name locustpp --version "$version" -o "$2"
)

# build_all FOLDER RESULT PYTHON...: sources, builds and results below two folders of its own.
build_all() {
  local here=$1 result=$2 python
  rm -rf "$here" "$result"
  mkdir -p "$here/tree" "$here/python" "$result"
  git archive "$commit" | tar -x -C "$here/tree"
  # Wherever it is built, that is where it says it was.
  export CXXFLAGS="-ffile-prefix-map=$here/tree=/usr/src/locustpp -ffile-prefix-map=$here/python/source=/usr/src/locustpp"
  run_logged "making the source distribution" "$log/sdist.log" \
    make_sdist "$here/python" "$here/tree"
  cp "$here"/python/*.tar.gz "$result/"
  run_logged "building the Debian packages" "$log/deb.log" build_debs "$here/tree" "$here/build" "$result"
  run_logged "writing the bill of materials" "$log/sbom.log" \
    write_sbom "$here/build" "$result/locustpp-$version.cdx.json"
  for python in "${@:3}"; do
    run_logged "building the wheel for ${python##*/}" "$log/wheel-${python##*/}.log" \
      make_wheel "$python" "$here/python/source" "$here/python/${python##*/}"
    run_logged "repairing the wheel for ${python##*/}" "$log/repair-${python##*/}.log" \
      repair_wheel "$(only_file "$here/python/${python##*/}"/*.whl)" "$result"
  done
  (cd "$result" && sha256sum -- *) >"$here/SHA256SUMS"
}

run_logged "installing the packager" "$log/packager.log" make_packager
build_all "$work/first" "$out" "${pythons[@]}"
if [[ ! $once ]]; then
  say "built; now once more, to compare"
  # One wheel stands for all: they differ in what they were compiled against.
  CCACHE_DISABLE=1 build_all "$work/the-second" "$work/result" "${pythons[0]}"
  while read -r sum name; do
    grep -qxF "$sum  $name" "$work/first/SHA256SUMS" ||
      die "not the same bytes twice: $name (compare those in $out and $work/result)"
  done <"$work/the-second/SHA256SUMS"
fi
cp "$work/first/SHA256SUMS" "$out/"
say "in $out:"
sed 's/^/  /' "$out/SHA256SUMS"
