# The single checks of test.sh. Each says what is wrong and returns or exits non-zero.
# Needs lib/common.sh; $log and $cores are test.sh's.
# shellcheck shell=bash

# run_shown LOG COMMAND...: its output is shown while it runs, and kept in LOG.
run_shown() {
  local file=$1 code=0 shown
  start_job "$@"
  tail -n +1 -s 0.2 --pid="$job" -f "$file" &
  shown=$!
  finish_job "$job" || code=$?
  wait "$shown" || true
  return "$code"
}

# Files of git's, new ones included, that exist: list_files PATTERN...
list_files() {
  git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r file; do
    if [[ -f $file ]]; then printf '%s\n' "$file"; fi
  done
}

check_format() {
  list_files '*.h' '*.cpp' | xargs -r clang-format-14 --dry-run -Werror 2>"$log/format.log" || {
    grep -oE '^[^ :]+:[0-9]+' "$log/format.log" | cut -d: -f1 | sort -u >&2
    die "these files are not formatted: run clang-format-14 -i on them"
  }
}

check_scripts() {
  local scripts python
  mapfile -t scripts < <(list_files '*.sh' .ci/run)
  bash -n "${scripts[@]}"
  # The files under lib/ are checked where they are read in.
  mapfile -t scripts < <(list_files '*.sh' .ci/run | grep -v '/lib/')
  shellcheck -x "${scripts[@]}"
  mapfile -t python < <(list_files '*.py' scripts/sbom docker/locust)
  python3 - "${python[@]}" <<'END'
import ast, sys
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as text:
        ast.parse(text.read(), path)
END
}

# build_preset PRESET [TARGET...]
build_preset() {
  local options=()
  # The extension is for the Python of the environments that it is tested in.
  if [[ $1 == release ]]; then
    options=(-DLOCUSTPP_PYTHON=ON "-DPython3_EXECUTABLE=$(find_python)")
  fi
  run_logged "configuring $1" "$log/configure-$1.log" cmake --preset "$1" "${options[@]}"
  run_logged "building $1" "$log/build-$1.log" cmake --build --preset "$1" ${2:+--target "${@:2}"}
}

# run_ctest PRESET LABEL JOBS
# What fails is tried once more, and named: real masters have races of their own (up to 2.46.3 they die
# of a late answer), and another load on the machine can outlast any patience. What fails twice fails.
run_ctest() {
  local file=$log/ctest-$1-$2.log
  LOCUSTPP_VENVS=$ROOT/build/venvs run_shown "$file" ctest --test-dir "build/$1" -L "^$2\$" \
    --no-tests=error --output-on-failure --repeat until-pass:2 -j "$3"
  sed -nE 's/^.*Test +#[0-9]+: ([^ ]+) .*\*\*\*(Failed|Timeout|Exception).*/passed at the second try: \1/p' \
    "$file"
}

# The Python package as it was built, in the oldest, a middle and the newest Locust; one after the
# other, since the tests of whole processes run side by side themselves.
run_python_matrix() {
  local version failed=0
  run_logged "installing shtab" "$log/venv-completion.log" \
    make_tool_venv completion packaging/requirements/completion.txt
  for version in "${python_package_versions[@]}"; do
    start_job "$log/pytest-$version.log" env PYTHONPATH="$ROOT/build/release/python" \
      PYTHONDONTWRITEBYTECODE=1 "build/venvs/$version/bin/python" -m pytest -q -p no:cacheprovider \
      --reruns 1 -rfER worker/python/tests
    finish_job "$job" || failed=1
    grep -E '^(FAILED|ERROR|RERUN) ' "$log/pytest-$version.log" | head -n 40 || true
    say "Locust $version: $(tail -n 1 "$log/pytest-$version.log")"
  done
  [[ $failed == 0 ]] || die "the tests of the Python package failed (all of it: build/test/pytest-*.log)"
}

# pytest_folder FOLDER [ARGUMENT...]: the tests in FOLDER/tests, or in FOLDER, in an environment made of
# the requirements.txt beside them; shown is what failed, and the last line.
pytest_folder() {
  local folder=$1 name tests=$1 code=0
  shift
  name=${folder%-tests}
  if [[ -d $folder/tests ]]; then tests=$folder/tests; fi
  run_logged "installing what the tests of $name need" "$log/venv-$name.log" \
    make_tool_venv "$name" "$tests/requirements.txt"
  start_job "$log/pytest-$name.log" env PYTHONDONTWRITEBYTECODE=1 LOCUSTPP_VENVS="$ROOT/build/venvs" \
    "build/venvs/$name/bin/python" -m pytest -q -p no:cacheprovider "$@" "$tests"
  finish_job "$job" || code=$?
  grep -E '^(FAILED|ERROR|RERUN) ' "$log/pytest-$name.log" | head -n 40 || true
  say "$folder: $(tail -n 1 "$log/pytest-$name.log")"
  return "$code"
}

run_folder_tests() { pytest_folder "$@" || die "its tests failed (all of it: build/test/pytest-*.log)"; }

# Templates, manifests, images' files and the scripts of the deploy flow: what takes seconds. The
# chart is rendered by helm, which takes minutes to build (k8s/tests/make_helm.sh).
run_deploy_tests() {
  local part failed=0
  for part in cloudformation docker k8s; do
    pytest_folder "$part" -m 'not slow' -k 'not helm and not chart' || failed=1
  done
  [[ $failed == 0 ]] || die "tests of the deploy flow failed (all of it: build/test/pytest-*.log)"
}

# The same with real processes: images built and run, the documented commands against a stand-in for
# the cloud, the manifests' pods in network namespaces. Needs root.
run_slow_deploy_tests() {
  local failed=0
  make_deploy_venv
  if [[ -z ${HELM:-} ]]; then run_logged "building helm" "$log/helm.log" k8s/tests/make_helm.sh; fi
  pytest_folder cloudformation -m slow || failed=1
  pytest_folder docker -m slow || failed=1
  pytest_folder k8s -m 'slow or not slow' "--locust-env=$ROOT/build/venvs/deploy" \
    "--programs=$ROOT/build/release/bin" || failed=1
  [[ $failed == 0 ]] || die "tests of the deploy flow failed (all of it: build/test/pytest-*.log)"
}

# build/venvs/deploy: the newest Locust with the package that check_python_package has built.
make_deploy_venv() {
  local tag wheel
  tag=$("$(find_python)" -c 'import sys; print("cp{}{}".format(*sys.version_info))')
  wheel=$(find "$log/package" -name "locustpp-*-$tag-*.whl" | head -n 1)
  [[ $wheel ]] || die "no wheel was built"
  run_logged "making build/venvs/deploy" "$log/venv-deploy.log" \
    install_package "$ROOT/build/venvs/deploy" 2.47.0 "$wheel"
}

# Each fuzz program starts from what lies beside its source: what golden/seeds.py makes of the
# recorded frames, and NAME_corpus/.
run_fuzzers() {
  local sources source name names failed=0
  mapfile -t sources < <(list_files '*_fuzz.cpp')
  [[ ${#sources[@]} -gt 0 ]] || die "no fuzz program found"
  mapfile -t names < <(basename -s .cpp -a "${sources[@]}")
  build_preset fuzz "${names[@]}"
  local jobs=()
  for source in "${sources[@]}"; do
    name=$(basename -s .cpp "$source")
    start_job "$log/$name.log" run_fuzzer "$source" "$name"
    jobs+=("$job")
    # As many at once as there are cores.
    if [[ ${#jobs[@]} -ge $cores ]]; then
      for job in "${jobs[@]}"; do finish_job "$job" || failed=1; done
      jobs=()
    fi
  done
  for job in "${jobs[@]}"; do finish_job "$job" || failed=1; done
  for name in "${names[@]}"; do
    say "$name: $(grep -E '^Done ' "$log/$name.log" || tail -n 30 "$log/$name.log")"
  done
  [[ $failed == 0 ]] || die "a fuzz program has found something (its input: build/fuzz/NAME-*)"
}

run_fuzzer() {
  local source=$1 name=$2 seeds=()
  if [[ -f $(dirname "$source")/golden/seeds.py ]]; then
    python3 "$(dirname "$source")/golden/seeds.py" "build/fuzz/seeds/$name"
    seeds+=("build/fuzz/seeds/$name")
  fi
  if [[ -d ${source%.cpp}_corpus ]]; then seeds+=("${source%.cpp}_corpus"); fi
  mkdir -p "build/fuzz/corpus/$name"
  "build/fuzz/bin/$name" -max_total_time=20 -timeout=10 -print_final_stats=1 \
    "-artifact_prefix=build/fuzz/$name-" "build/fuzz/corpus/$name" "${seeds[@]}"
}

# What differs from where origin/main left off, else from the last commit; new files included.
changed_files() {
  local base
  base=$(git merge-base origin/main HEAD 2>/dev/null) || base=''
  if [[ -z $base || $base == "$(git rev-parse HEAD)" ]]; then
    base=$(git rev-parse --verify -q HEAD~1) || base=''
  fi
  if [[ -z $base ]]; then
    list_files '*.h' '*.cpp'
  else
    { git diff --name-only --diff-filter=d "$base" -- '*.h' '*.cpp' &&
      git ls-files --others --exclude-standard -- '*.h' '*.cpp'; } | sort -u
  fi
}

# run_tidy all|changed. A changed header is seen through the file beside it and that one's test.
run_tidy() {
  local files
  if [[ $1 == all ]]; then list_files '*.cpp'; else changed_files; fi >"$log/tidy-candidates"
  mapfile -t files < <(python3 "$ROOT/scripts/lib/compiled_files.py" \
    build/release/compile_commands.json <"$log/tidy-candidates")
  say "${#files[@]} file(s)"
  [[ ${#files[@]} -gt 0 ]] || return 0
  printf '%s\n' "${files[@]}" >"$log/tidy-files"
  # clang 14 knows coroutines but does not announce them to libstdc++ and Boost.
  start_job "$log/tidy.log" xargs -a "$log/tidy-files" -P "$cores" -n 1 \
    clang-tidy-14 -p build/release --quiet '--warnings-as-errors=*' \
    --extra-arg=-D__cpp_impl_coroutine=201902L --extra-arg=-DBOOST_ASIO_HAS_CO_AWAIT=1 \
    --extra-arg=-DBOOST_ASIO_HAS_STD_COROUTINE=1 --extra-arg=-Wno-builtin-macro-redefined \
    --extra-arg=-Wno-macro-redefined --extra-arg=-Wno-unknown-warning-option
  finish_job "$job" || {
    grep -A 3 -E '(warning|error): ' "$log/tidy.log" | head -n 120 >&2
    die "clang-tidy has complaints (all of them: build/test/tidy.log)"
  }
}

free_ports() {
  python3 - <<'END'
import socket
sockets = [socket.socket() for _ in range(2)]
for each in sockets:
    each.bind(("", 0))
print(*(each.getsockname()[1] for each in sockets))
END
}

run_demo_check() {
  local ports
  read -r -a ports < <(free_ports)
  run_shown "$log/demo.log" scripts/demo.sh --headless 5 \
    --master-port "${ports[0]}" --target-port "${ports[1]}"
}
