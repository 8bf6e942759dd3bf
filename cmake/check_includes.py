"""Compares the real #includes with the design's arrows: which folder may use which, and which
library may be named where.

usage: check_includes.py SOURCE_DIR ARROWS_FILE
Each line of the arrows file is `module:dependency;dependency`; a line without a colon is a further
dependency of the module above it. A dependency is direct: it is not handed on. Every breach is printed as file:line: sentence; the exit code is then 1.
"""

import fnmatch
import os
import re
import sys

# The tests' own master speaks to the worker without the worker's code.
FAKE_MASTER = "compat-tests/harness/fake_master.*"
# Includes of these libraries are allowed only in files that match one of the patterns.
LIBRARIES = [
    (r"zmq\.hpp|zmq\.h|zmq_addon\.hpp", "ZeroMQ",
     ["worker/runner/master_link.*", "worker/runner/master_link_test.cpp", FAKE_MASTER]),
    (r"msgpack(\.hpp|\.h|/.*)", "msgpack",
     ["worker/protocol/codec.*", "worker/protocol/codec_test.cpp", FAKE_MASTER]),
    (r"boost/beast(\.hpp|/.*)", "Boost.Beast", ["worker/http/*"]),
    (r"boost/asio(\.hpp|/.*)", "Boost.Asio",
     ["worker/http/*", "worker/base/event_loop*", "target/connection*", "target/acceptor*"]),
    (r"openssl/.*", "OpenSSL", ["worker/http/*", "worker/base/sha256*"]),
    (r"libpsl\.h", "libpsl", ["worker/http/*"]),
    (r"zlib\.h|brotli/.*|zstd\.h", "decompression", ["worker/http/*"]),
    (r"iconv\.h", "iconv", ["worker/http/*"]),
    (r"ares(_\w+)?\.h", "c-ares", ["worker/http/resolver.cpp"]),
    (r"spdlog/.*", "spdlog", ["worker/base/log.cpp"]),
    (r"CLI/.*", "CLI11", ["worker/cli/*", "target/options*"]),
    (r"httplib\.h", "cpp-httplib", ["target/*", "compat-tests/*", "bench/*"]),
    (r"toml\+\+/.*|toml\.hpp", "toml++", ["worker/cli/*"]),
    (r"Python\.h|pybind11/.*|nanobind/.*", "Python", ["worker/python/*"]),
]
TEST_FILES = ["*_test.cpp", "compat-tests/*"]
# What only tests, and headers named as theirs beside them, may include.
ONLY_TESTS = ["gtest/*", "gmock/*"]
# Headers that lie directly in worker/, and the modules they may use.
TOP_HEADERS = {"locust.h": {"user", "base"}}
FOLDERS = ["worker", "target", "compat-tests", "locustfiles", "bench"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def read_arrows(path):
    arrows = {}
    module = None
    with open(path, encoding="utf-8") as text:
        for line in filter(None, map(str.strip, text)):
            name, colon, uses = line.partition(":")
            if colon:
                module = name
            else:
                uses = line
            arrows.setdefault(module, set()).update(use for use in uses.split(";") if use)
    return arrows


def matches(path, patterns):
    return any(fnmatch.fnmatch(path, pattern) for pattern in patterns)


def module_of(path):
    """The module that a source file (path relative to the source folder) belongs to, or None."""
    parts = path.split("/")
    if parts[0] == "worker" and len(parts) > 2:
        return parts[1]
    return "target" if parts[0] == "target" else None


def module_breach(path, kind, name, arrows):
    """What is wrong with including NAME as one of the project's own headers, or None."""
    owner, slash, _ = name.partition("/")
    if not slash and name in TOP_HEADERS:
        owner = name
    elif not slash or owner not in arrows:
        if kind == '"' and slash and module_of(path):
            return f'"{name}": no module "{owner}" is declared'
        return None
    if kind == "<":
        return f"<{name}> is one of our own headers: include it with quotes"
    module = module_of(path)
    if module is None:
        if path.startswith("worker/"):
            allowed = TOP_HEADERS.get(os.path.basename(path), set())
            if owner not in allowed:
                return f'"{name}": {path} may not include {owner}'
        return None
    if owner == module:
        return None
    if owner in TOP_HEADERS:  # the scenario author's header serves no module
        return f'"{name}": it is for locustfiles; {module} includes what it needs itself'
    if owner not in arrows.get(module, set()):
        return f'"{name}": {module} may not include {owner} (see its CMakeLists.txt)'
    return None


def library_breach(path, name):
    is_test = matches(path, TEST_FILES)
    is_test_header = matches(os.path.basename(path), ["test_*.h", "*_test.h", "*_test_*.h"])
    if matches(name, ONLY_TESTS) and not is_test and not is_test_header:
        return f"<{name}> belongs into tests only"
    for pattern, library, places in LIBRARIES:
        if re.fullmatch(pattern, name) and not matches(path, places):
            return f"<{name}>: {library} may be included only by {' '.join(places)}"
    return None


def breaches_in(path, text, arrows):
    """Yields (line number, sentence) for one file; PATH is relative to the source folder."""
    for number, line in enumerate(text.splitlines(), start=1):
        found = INCLUDE.match(line)
        if not found:
            continue
        kind, name = found.groups()
        breach = module_breach(path, kind, name, arrows) or library_breach(path, name)
        if breach:
            yield number, breach


def source_files(root):
    for folder in FOLDERS:
        for place, folders, names in os.walk(os.path.join(root, folder)):
            folders.sort()
            for name in sorted(names):
                if name.endswith((".h", ".hpp", ".cpp", ".cc")):
                    yield os.path.relpath(os.path.join(place, name), root).replace(os.sep, "/")


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    root, arrows_file = arguments
    arrows = read_arrows(arrows_file)
    files = breaches = 0
    for path in source_files(root):
        files += 1
        with open(os.path.join(root, path), encoding="utf-8") as text:
            for number, breach in breaches_in(path, text.read(), arrows):
                print(f"{path}:{number}: {breach}")
                breaches += 1
    if not files:
        print(f"no source file found in {root}", file=sys.stderr)
        return 2
    print(f"{files} files, {breaches} breach(es)")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
