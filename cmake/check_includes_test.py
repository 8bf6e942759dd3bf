"""Tests of check_includes.py: python3 -B cmake/check_includes_test.py"""

import contextlib
import io
import os
import tempfile
import unittest

import check_includes

ARROWS = """base:
stats:base
http:base
protocol:base;stats
user:base
http
stats
target:
"""


class CheckIncludes(unittest.TestCase):
    def check(self, path, *includes):
        """The breaches that the program prints for one file with these includes."""
        with tempfile.TemporaryDirectory() as root:
            source = os.path.join(root, path)
            os.makedirs(os.path.dirname(source))
            with open(source, "w", encoding="utf-8") as out:
                out.write("// A file.\n" + "".join(f"#include {each}\n" for each in includes))
            arrows = os.path.join(root, "arrows.txt")
            with open(arrows, "w", encoding="utf-8") as out:
                out.write(ARROWS)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                code = check_includes.main([root, arrows])
        lines = printed.getvalue().splitlines()[:-1]
        self.assertEqual(code, 1 if lines else 0)
        return lines

    def assert_allowed(self, path, *includes):
        self.assertEqual(self.check(path, *includes), [])

    def assert_forbidden(self, path, include, words):
        (line,) = self.check(path, "<string>", include)
        self.assertTrue(line.startswith(f"{path}:3: "), line)
        self.assertIn(words, line)

    def test_a_module_may_use_itself_and_what_it_declares(self):
        self.assert_allowed("worker/protocol/codec.cpp", '"protocol/codec.h"', '"stats/report.h"')
        self.assert_allowed("worker/user/user.h", '"http/client.h"', '"stats/entry.h"')

    def test_undeclared_arrows_are_found(self):
        self.assert_forbidden("worker/stats/x.cpp", '"http/url.h"', "stats may not include http")
        self.assert_forbidden("worker/base/x.h", '"stats/entry.h"', "base may not include stats")
        self.assert_forbidden("target/main.cpp", '"base/log.h"', "target may not include base")

    def test_dependencies_are_not_handed_on(self):
        # http uses base, user uses http: base was not declared for a module that only has http.
        self.assert_forbidden("worker/protocol/x.cpp", '"http/url.h"', "may not include http")

    def test_tests_keep_to_the_arrows_too(self):
        self.assert_forbidden("worker/stats/x_test.cpp", '"http/url.h"', "may not include http")

    def test_unknown_modules_and_wrong_brackets_are_found(self):
        self.assert_forbidden("worker/base/x.cpp", '"runner/worker.h"', "no module")
        self.assert_forbidden("worker/user/x.cpp", "<http/url.h>", "with quotes")

    def test_spacing_does_not_hide_an_include(self):
        with tempfile.TemporaryDirectory() as root:
            os.makedirs(os.path.join(root, "worker/base"))
            path = os.path.join(root, "worker/base/x.h")
            with open(path, "w", encoding="utf-8") as out:
                out.write('  #  include   "http/url.h"  // why not\n// #include "stats/entry.h"\n')
            with open(path, encoding="utf-8") as text:
                found = list(
                    check_includes.breaches_in(
                        "worker/base/x.h", text.read(), {"base": set(), "http": set(), "stats": set()}
                    )
                )
        self.assertEqual([number for number, _ in found], [1])

    def test_each_library_has_its_place(self):
        places = {
            "<zmq.hpp>": ("worker/runner/master_link.cpp", "worker/runner/worker.cpp"),
            "<zmq.h>": ("worker/runner/master_link.h", "worker/protocol/codec.cpp"),
            "<msgpack.hpp>": ("worker/protocol/codec.cpp", "worker/protocol/session.cpp"),
            "<boost/beast/http.hpp>": ("worker/http/client.cpp", "worker/user/user.cpp"),
            "<boost/asio/post.hpp>": ("worker/base/event_loop.h", "worker/base/clock.h"),
            "<boost/asio.hpp>": ("worker/http/client.h", "worker/runner/shard.h"),
            "<openssl/evp.h>": ("worker/base/sha256.cpp", "worker/base/log.cpp"),
            "<libpsl.h>": ("worker/http/cookie_jar.cpp", "worker/user/user.cpp"),
            "<zlib.h>": ("worker/http/content_decoder.cpp", "worker/user/user.cpp"),
            "<brotli/decode.h>": ("worker/http/content_decoder.cpp", "target/main.cpp"),
            "<zstd.h>": ("worker/http/content_decoder.cpp", "worker/base/clock.h"),
            "<ares.h>": ("worker/http/resolver.cpp", "worker/http/resolver.h"),
            "<iconv.h>": ("worker/http/charset.cpp", "worker/base/utf8.cpp"),
            "<spdlog/spdlog.h>": ("worker/base/log.cpp", "worker/base/log.h"),
            "<CLI/CLI.hpp>": ("target/options.cpp", "target/main.cpp"),
            "<httplib.h>": ("compat-tests/harness/x.cpp", "worker/http/client.cpp"),
            "<Python.h>": ("worker/python/module.cpp", "worker/user/user.cpp"),
        }
        for include, (right, wrong) in places.items():
            with self.subTest(include):
                self.assert_allowed(right, include)
                self.assert_forbidden(wrong, include, "may be included only by")

    def test_test_libraries_are_for_tests(self):
        self.assert_allowed("worker/base/x_test.cpp", "<gtest/gtest.h>", "<gmock/gmock.h>")
        self.assert_forbidden("worker/base/x.cpp", "<gtest/gtest.h>", "tests only")

    def test_the_scenario_header_stands_on_user_and_base(self):
        self.assert_allowed("worker/locust.h", '"user/user.h"', '"base/task.h"')
        self.assert_forbidden("worker/locust.h", '"http/client.h"', "may not include http")
        self.assert_allowed("locustfiles/hello.cpp", '"locust.h"')
        self.assert_forbidden("worker/user/x.cpp", '"locust.h"', "for locustfiles")

    def test_no_sources_is_an_error(self):
        with tempfile.TemporaryDirectory() as root:
            arrows = os.path.join(root, "arrows.txt")
            with open(arrows, "w", encoding="utf-8") as out:
                out.write(ARROWS)
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(check_includes.main([root, arrows]), 2)


if __name__ == "__main__":
    unittest.main()
