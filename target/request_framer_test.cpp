// Where requests end and which are refused (RFC 9112), each cut at every byte.
#include "target/request_framer.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace hello {
namespace {

using Verdict = RequestFramer::Verdict;

constexpr FramingLimits limits{.head_bytes = 1000, .body_bytes = 100};

struct Outcome {
  Verdict verdict = Verdict::need_more;
  int status = 0;
  std::size_t size = 0;
  bool keep_alive = false;

  bool operator==(const Outcome&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << "verdict " << static_cast<int>(outcome.verdict) << ", status " << outcome.status
             << ", size " << outcome.size << ", keep alive " << outcome.keep_alive;
}

// Gives the framer the bytes up to each of these ends in turn.
Outcome frame(std::string_view bytes, const std::vector<std::size_t>& ends) {
  RequestFramer framer(limits);
  for (const std::size_t end : ends) {
    const Verdict verdict = framer.advance(bytes.substr(0, end));
    if (verdict == Verdict::whole) {
      return {verdict, 0, framer.size(), framer.keep_alive()};
    }
    if (verdict == Verdict::refused) {
      return {verdict, framer.status()};
    }
  }
  return {};
}

// The one outcome, however the bytes arrive.
Outcome frame(std::string_view bytes) {
  const Outcome at_once = frame(bytes, {bytes.size()});
  std::vector<std::size_t> each;
  for (std::size_t end = 1; end <= bytes.size(); ++end) {
    each.push_back(end);
    EXPECT_EQ(frame(bytes, {end, bytes.size()}), at_once) << "cut at " << end << ": " << bytes;
  }
  EXPECT_EQ(frame(bytes, each), at_once) << "byte by byte: " << bytes;
  return at_once;
}

Outcome whole(std::size_t size) { return {Verdict::whole, 0, size, true}; }
Outcome last(std::size_t size) { return {Verdict::whole, 0, size, false}; }
Outcome refused(int status) { return {Verdict::refused, status}; }

std::string get(const std::string& headers) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n";
}
std::string post(const std::string& headers, const std::string& body) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}

void expect_whole(const std::string& request) {
  EXPECT_EQ(frame(request), whole(request.size()));
  EXPECT_EQ(frame(request + "GET /next"), whole(request.size()));
  EXPECT_EQ(frame(request.substr(0, request.size() - 1)).verdict, Verdict::need_more);
}

TEST(RequestFramer, FindsTheEndOfARequest) {
  expect_whole(get(""));
  expect_whole(get("X-Empty:\r\nX-Tab:\ta\tb\t\r\n"));
  expect_whole("HEAD /a?b=%20c HTTP/1.1\r\nHOST:a\r\n\r\n");
  expect_whole("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
  expect_whole(post("Content-Length: 0\r\n", ""));
  expect_whole(post("Content-Length: 5\r\n", "12345"));
  expect_whole(post("content-length:  0005 \r\n", "1\r\n\r\n"));
  expect_whole(post("Content-Length: 100\r\n", std::string(100, 'x')));
  expect_whole(chunked("0\r\n\r\n"));
  expect_whole(chunked("3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n"));
  expect_whole(chunked("00000000000003;name=\"v\"\r\nabc\r\n000\r\nX-Trailer: 1\r\nY: 2\r\n\r\n"));
  expect_whole("\r\n\r\n" + get(""));
}

TEST(RequestFramer, NeedsMoreOfWhatHasOnlyBegun) {
  for (const char* part : {"\r", "\r\n", "G", "GET / HTTP/1.1\r\nHost: a\r\n\r"}) {
    EXPECT_EQ(frame(part).verdict, Verdict::need_more) << part;
  }
}

TEST(RequestFramer, KnowsWhichRequestIsTheLast) {
  const auto one = [](const std::string& line, const std::string& headers) {
    return line + "Host: a\r\n" + headers + "\r\n";
  };
  const auto expect_last = [](const std::string& request) {
    EXPECT_EQ(frame(request), last(request.size()));
  };
  const std::string now = "GET / HTTP/1.1\r\n";
  const std::string old = "GET / HTTP/1.0\r\n";
  expect_last(one(now, "Connection: close\r\n"));
  expect_last(one(now, "Connection: x, CLOSE ,keep-alive\r\n"));
  expect_last(one(now, "Connection: keep-alive\r\nConnection: close\r\n"));
  expect_last(one(old, ""));
  expect_last(one(old, "Connection: close\r\n"));
  expect_last("GET / HTTP/1.0\r\n\r\n");
  expect_whole(one(now, "Connection: closed, upgrade\r\n"));
  expect_whole(one(old, "Connection: Keep-Alive\r\n"));
}

TEST(RequestFramer, RefusesWhatIsNotARequest) {
  const std::vector<std::pair<std::string, int>> cases = {
      {"\n", 400},
      {"\r\r\n", 400},
      {" GET / HTTP/1.1\r\n", 400},
      {"\x16\x03\x01\x02", 400},  // TLS
      {"what is this?\r\n", 400},
      {"GET\r\n", 400},
      {"GET /\r\n", 400},  // HTTP/0.9
      {"GET  / HTTP/1.1\r\n", 400},
      {"GET / HTTP/1.1 \r\n", 400},
      {"GET /a b HTTP/1.1\r\n", 400},
      {"GET /\x01 HTTP/1.1\r\n", 400},
      {"GET / HTTP/11\r\n", 400},
      {"GET / HTTP/1.x\r\n", 400},
      {"GET / http/1.1\r\n", 400},
      {"GET a HTTP/1.1\r\n", 400},
      {"GET * HTTP/1.1\r\n", 400},
      {"GET http:///a HTTP/1.1\r\n", 400},
      {"GET ftp://a/b HTTP/1.1\r\n", 400},
      {"GET / HTTP/1.1\n", 400},  // a bare line feed
      {"GET / HTTP/2.0\r\n", 505},
      {"PRI * HTTP/2.0\r\n", 501},
      {"CONNECT a:443 HTTP/1.1\r\n", 501},
      {"TRACE / HTTP/1.1\r\n", 501},
      {"get / HTTP/1.1\r\n", 501},
      {std::string(33, 'A'), 501},
      {"GET /" + std::string(985, 'a') + " HTTP/1.1\r\n", 414},
      {std::string("\r\n\r\n\r\n\r\n\r\n"), 400},
  };
  for (const auto& [bytes, status] : cases) {
    EXPECT_EQ(frame(bytes), refused(status)) << bytes;
  }
}

TEST(RequestFramer, RefusesHeadersThatTwoServersMayReadDifferently) {
  for (const char* header : {": x\r\n",
                             "X : 1\r\n",
                             " X: folded\r\n",
                             "\tX: folded\r\n",
                             "X\r\n",
                             "X: a\rb\r\n",
                             "X: a\nY: b\r\n",
                             "X: \x01\r\n",
                             "X: \x7f\r\n",
                             "X[: a\r\n",
                             "Host: b\r\n",
                             "Connection: clos%65\r\n",
                             "Content-Length: 1\r\nContent-Length: 1\r\n",
                             "Content-Length: 1, 1\r\n",
                             "Content-Length:\r\n",
                             "Content-Length: +1\r\n",
                             "Content-Length: 1 1\r\n",
                             "Content-Length: 0x1\r\n",
                             "Content-Length: -1\r\n",
                             "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
                             "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n",
                             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"}) {
    EXPECT_EQ(frame(get(header)), refused(400)) << header;
  }
  EXPECT_EQ(frame(get(std::string("X: a\0b\r\n", 8))), refused(400));
  EXPECT_EQ(frame("GET / HTTP/1.1\r\n\r\n"), refused(400));  // no host
  EXPECT_EQ(frame("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), refused(400));
}

TEST(RequestFramer, RefusesWhatItDoesNotDo) {
  EXPECT_EQ(frame(get("Transfer-Encoding: gzip, chunked\r\n")), refused(501));
  EXPECT_EQ(frame(get("Transfer-Encoding: identity\r\n")), refused(501));
  EXPECT_EQ(frame(get("Expect: 200-ok\r\n")), refused(417));
  EXPECT_EQ(frame(post("Content-Encoding: gzip\r\nContent-Length: 1\r\n", "x")), refused(415));
  expect_whole(post("Content-Encoding: identity\r\nContent-Length: 1\r\n", "x"));
}

TEST(RequestFramer, RefusesBodiesOverTheLimitBeforeTheyArrive) {
  EXPECT_EQ(frame(post("Content-Length: 101\r\n", "")), refused(413));
  EXPECT_EQ(frame(post("Content-Length: 18446744073709551617\r\n", "")), refused(413));
  EXPECT_EQ(frame(post("Content-Length: 999999999999999999\r\n", "")), refused(413));
  EXPECT_EQ(frame(chunked("65\r\n")), refused(413));
  EXPECT_EQ(frame(chunked("FFFFFFFFFFFFFFFFFFFF\r\n")), refused(413));
  const std::string half = "32\r\n" + std::string(50, 'x') + "\r\n";
  expect_whole(chunked(half + half + "0\r\n\r\n"));
  EXPECT_EQ(frame(chunked(half + half + "1\r\n")), refused(413));
  std::string bomb;  // hardly a body, but endless extensions
  for (int i = 0; i < 50; ++i) {
    bomb += "1;" + std::string(100, 'x') + "\r\nx\r\n";
  }
  EXPECT_EQ(frame(chunked(bomb)), refused(413));
}

TEST(RequestFramer, RefusesBrokenChunks) {
  for (const char* body :
       {"\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\nx\r\n", " 1\r\nx\r\n", "1 \r\nx\r\n",
        "1\nx\r\n", "1\r\nxy\r\n", "1\r\nx\n0\r\n\r\n", "1;\x01\r\nx\r\n", "0\r\nX\r\n\r\n",
        "0\r\n X: 1\r\n\r\n", "0\r\nX: 1\n\r\n"}) {
    EXPECT_EQ(frame(chunked(body)), refused(400)) << body;
  }
  EXPECT_EQ(frame(chunked("1;" + std::string(600, 'x'))), refused(400));
}

TEST(RequestFramer, RefusesHeadsOverTheLimit) {
  EXPECT_EQ(frame(get("X: " + std::string(990, 'x') + "\r\n")), refused(431));
  EXPECT_EQ(frame("GET / HTTP/1.1\r\nX: " + std::string(990, 'x')), refused(431));  // no line end
  EXPECT_EQ(frame("GET /" + std::string(1000, 'x')), refused(414));
  std::string many;
  for (int i = 0; i < 100; ++i) {
    many += "X:\r\n";
  }
  EXPECT_EQ(frame(get(many)), refused(431));  // 101 with the host
  EXPECT_EQ(frame(chunked("0\r\nX: " + std::string(1000, 'x'))), refused(431));
}

TEST(RequestFramer, TakesHeadsUpToTheLimit) {
  const std::size_t around = get("X: \r\n").size();
  expect_whole(get("X: " + std::string(limits.head_bytes - around, 'x') + "\r\n"));
  EXPECT_EQ(frame(get("X: " + std::string(limits.head_bytes - around + 1, 'x') + "\r\n")),
            refused(431));
  std::string many;
  for (int i = 0; i < 99; ++i) {
    many += "X:\r\n";
  }
  expect_whole(get(many));
}

TEST(RequestFramer, SaysOnceThatAClientWaitsForItsContinue) {
  const std::string head = post("Expect: 100-Continue\r\nContent-Length: 3\r\n", "");
  RequestFramer framer(limits);
  EXPECT_EQ(framer.advance(head.substr(0, head.size() - 1)), Verdict::need_more);
  EXPECT_FALSE(framer.take_continue());
  EXPECT_EQ(framer.advance(head), Verdict::need_more);
  EXPECT_TRUE(framer.take_continue());
  EXPECT_FALSE(framer.take_continue());
  EXPECT_EQ(framer.advance(head + "abc"), Verdict::whole);
  expect_whole(get("Expect: 100-continue\r\n"));  // nothing to wait for
}

TEST(RequestFramer, FramesTheNextRequestAfterAReset) {
  const std::string first = "GET / HTTP/1.0\r\n\r\n";
  const std::string second = post("Content-Length: 2\r\n", "ab");
  RequestFramer framer(limits);
  ASSERT_EQ(framer.advance(first + second), Verdict::whole);
  ASSERT_EQ(framer.size(), first.size());
  framer.reset();
  EXPECT_EQ(framer.advance(second), Verdict::whole);
  EXPECT_EQ(framer.size(), second.size());
  EXPECT_TRUE(framer.keep_alive());
}

struct Plain {
  std::string target;
  std::string request;
};

Plain plain(const std::string& bytes) {
  RequestFramer framer(limits);
  EXPECT_EQ(framer.advance(bytes), Verdict::whole);
  std::string storage;
  return {std::string(framer.target(bytes)), std::string(framer.plain(bytes, storage))};
}

TEST(RequestFramer, HandsOverInOriginForm) {
  const std::string rest = " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(plain("\r\nGET /a?b" + rest).request, "GET /a?b" + rest);
  EXPECT_EQ(plain("GET /a?b" + rest).target, "/a?b");
  EXPECT_EQ(plain("GET http://a:80/b/c?d" + rest).request, "GET /b/c?d" + rest);
  EXPECT_EQ(plain("GET http://a:80/b/c?d" + rest).target, "/b/c?d");
  EXPECT_EQ(plain("GET HTTPS://a" + rest).request, "GET /" + rest);
  EXPECT_EQ(plain("GET http://a?b" + rest).request, "GET /?b" + rest);
  EXPECT_EQ(plain("OPTIONS *" + rest).request, "OPTIONS *" + rest);
}

TEST(RequestFramer, HandsOverWithoutTrailers) {
  EXPECT_EQ(plain(chunked("1\r\nx\r\n0\r\nA: b\r\n\r\n")).request, chunked("1\r\nx\r\n0\r\n\r\n"));
  EXPECT_EQ(plain(chunked("1\r\nx\r\n0\r\n\r\n")).request, chunked("1\r\nx\r\n0\r\n\r\n"));
}

}  // namespace
}  // namespace hello
