// What the client makes of the bytes of a response, each fed whole and cut in two at every place.
// Expected: RFC 9112, and what geventhttpclient answered to the same bytes.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "http/test_server.h"

namespace locust::http {
namespace {

struct Exchanged {
  std::string name;
  std::string bytes;  // what the server sends
  int status;         // 0: a failure
  std::string body;   // or the failure; its beginning, where it ends in "("
  bool kept = false;  // whether the connection serves a second request
  bool closes = false;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> trailers = {};
};
void PrintTo(const Exchanged& exchanged, std::ostream* out) { *out << exchanged.name; }

constexpr const char* kGarbage = "HTTPParseError(";
constexpr const char* kIncomplete = "HTTPParseError('Incomplete response.')";
constexpr const char* kCutHead = "HTTPParseError('Invalid EOF state', 14)";

class RawExchange : public testing::TestWithParam<Exchanged> {
 protected:
  // Sends the request and gets the server's end of the connection.
  Peer start(Client& client, TestExchange& exchange) {
    client.start(request_, exchange);
    return server_.accept_request();
  }

  void expect_outcome(const TestExchange& exchange) {
    const Response& response = exchange.response;
    ASSERT_EQ(exchange.calls, 1);
    EXPECT_EQ(response.status, GetParam().status) << response.error;
    EXPECT_LE(response.started, response.ended);
    if (GetParam().status != 0) {
      EXPECT_EQ(response.error, "");
      EXPECT_EQ(response.body, GetParam().body);
      EXPECT_EQ(response.body_size, GetParam().body.size());
      EXPECT_TRUE(response.head().starts_with("HTTP/1."));
      EXPECT_TRUE(response.head().ends_with("\r\n\r\n"));
      EXPECT_EQ(response.header("X-None"), std::nullopt);
      EXPECT_EQ(response.trailers, GetParam().trailers);
      EXPECT_FALSE(response.sets_cookies);
      if (GetParam().bytes.find("X-Mark") != std::string::npos) {
        EXPECT_EQ(response.header("x-mark"), "here");
      }
    } else {
      EXPECT_EQ(response.error.substr(
                    0, GetParam().body.ends_with('(') ? GetParam().body.size() : std::string::npos),
                GetParam().body);
      EXPECT_EQ(response.body_size, 0U);  // Locust's response_length of a failed request
      EXPECT_EQ(response.body, "");
      EXPECT_TRUE(response.trailers.empty());
    }
  }

  static Request request_to(const TestServer& server, bool streamed) {
    RequestParts parts = server.parts(GetParam().method);
    parts.keep_trailers = true;
    parts.stream_response = streamed;
    return Request(std::move(parts));
  }

  TestServer server_;
  ClientContext context_{server_.loop};
  const ClientSettings settings_{.network_timeout = seconds(8)};
  const Request request_ = request_to(server_, false);
};

TEST_P(RawExchange, Whole) {
  Client client(context_, settings_);
  TestExchange exchange;
  Peer peer = start(client, exchange);
  server_.send(peer, GetParam().bytes);
  if (GetParam().closes) peer.close();
  ASSERT_TRUE(server_.run_until_done(exchange));
  expect_outcome(exchange);

  TestExchange next;
  client.start(request_, next);
  if (GetParam().kept) {
    EXPECT_TRUE(server_.request(peer).starts_with(GetParam().method));
    EXPECT_FALSE(server_.connection_waits());
  } else {
    EXPECT_TRUE(server_.accept_request());
    EXPECT_TRUE(!peer || server_.closed_by_client(peer));
  }
}

// An exchange whose body goes to a sink as well, which asks for a pause after every piece.
class SinkExchange final : public Exchange, public BodySink {
 public:
  std::string taken;
  int heads = 0;
  int status = 0;
  int calls = 0;
  bool paused = false;

  void resume() {
    paused = false;
    resume_body();
  }

 private:
  BodySink* on_head() override {
    ++heads;
    status = response.status;
    EXPECT_TRUE(response.head().ends_with("\r\n\r\n"));
    EXPECT_EQ(response.body_size, 0U);
    return this;
  }
  Next take(std::string_view piece) override {
    EXPECT_FALSE(piece.empty());
    taken.append(piece);
    paused = true;
    return Next::pause;
  }
  void on_done() override { ++calls; }
};

// Every place in what is small; in large ones those around what is counted in powers of two.
bool is_worth_a_cut(std::size_t cut, std::size_t size) {
  const bool near_power = (cut & 8191U) < 3 || (cut & 8191U) > 8189;
  const bool near_edge = cut < 150 || cut + 150 > size;
  return size <= 1000 || near_edge || near_power || cut % 1009 == 0;
}

TEST_P(RawExchange, CutInTwo) {
  const std::string& bytes = GetParam().bytes;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    if (!is_worth_a_cut(cut, bytes.size())) continue;
    SCOPED_TRACE(cut);
    Client client(context_, settings_);
    TestExchange exchange;
    Peer peer = start(client, exchange);
    const auto turn = server_.loop.turn();
    server_.send(peer, std::string_view(bytes).substr(0, cut));
    // A read counts as a turn of the loop: the client has the first part now.
    ASSERT_TRUE(server_.run_until([&] { return server_.loop.turn() != turn || exchange.done(); }));
    server_.send(peer, std::string_view(bytes).substr(cut));
    if (GetParam().closes) peer.close();
    ASSERT_TRUE(server_.run_until_done(exchange));
    expect_outcome(exchange);
    if (HasFailure()) return;
  }
}

TEST_P(RawExchange, CutInTwoIntoASinkThatPauses) {
  const Request request = request_to(server_, true);
  const std::string& bytes = GetParam().bytes;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    if (!is_worth_a_cut(cut, bytes.size())) continue;
    SCOPED_TRACE(cut);
    Client client(context_, settings_);
    SinkExchange exchange;
    client.start(request, exchange);
    Peer peer = server_.accept_request();
    const auto turn = server_.loop.turn();
    server_.send(peer, std::string_view(bytes).substr(0, cut));
    const auto done = [&] { return exchange.calls > 0; };
    ASSERT_TRUE(server_.run_until([&] { return server_.loop.turn() != turn || done(); }));
    server_.send(peer, std::string_view(bytes).substr(cut));
    if (GetParam().closes) peer.close();
    ASSERT_TRUE(server_.run_until([&] {
      if (exchange.paused) exchange.resume();
      return done();
    }));
    EXPECT_EQ(exchange.response.status, GetParam().status) << exchange.response.error;
    if (GetParam().status != 0) {
      EXPECT_EQ(exchange.heads, 1);
      EXPECT_EQ(exchange.status, GetParam().status);
      EXPECT_EQ(exchange.taken, GetParam().body);
      EXPECT_EQ(exchange.response.body, GetParam().body);
      EXPECT_EQ(exchange.response.body_size, GetParam().body.size());
      EXPECT_EQ(exchange.response.trailers, GetParam().trailers);
    }
    if (HasFailure()) return;
  }
}

std::string ok(const std::string& headers, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nX-Mark: here\r\n" + headers + "\r\n" + body;
}
std::string chunked(const std::string& body) { return ok("Transfer-Encoding: chunked\r\n", body); }

std::string name_of(const testing::TestParamInfo<Exchanged>& info) { return info.param.name; }

const std::string kLong(10000, 'a');
const std::string kLarge = [] {
  std::string text;
  for (int i = 0; text.size() < 40000; ++i) text += std::to_string(i) + ",";
  return text;
}();
const std::string kOkText(kOk);
const std::string kLengthTwo = "Content-Length: 2\r\n";
constexpr const char* kTooManyHeaders = "HTTPException('got more than 256 headers')";

std::string lines(int count, const std::string& value) {
  std::string all;
  for (int i = 0; i < count; ++i) all += "X-Line: " + value + "\r\n";
  return all;
}

INSTANTIATE_TEST_SUITE_P(
    Good, RawExchange,
    testing::Values(
        Exchanged{"Length", ok("Content-Length: 5\r\n", "hello"), 200, "hello", true},
        Exchanged{"LengthZero", ok("Content-Length: 0\r\n", ""), 200, "", true},
        Exchanged{"LengthInAnyCase", ok("cONTENT-lENGTH:   5  \r\n", "hello"), 200, "hello", true},
        Exchanged{"ALineBreakInTheBody", ok("Content-Length: 6\r\n", "\r\n\r\n\r\n"), 200,
                  "\r\n\r\n\r\n", true},
        Exchanged{"NotFound", "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", 404, "no",
                  true},
        Exchanged{"AnyCode", "HTTP/1.1 999 ?\r\nContent-Length: 0\r\n\r\n", 999, "", true},
        Exchanged{"NoReason", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, "ok", true},
        // Wrong, and still a success for Locust's users.
        Exchanged{"NoReasonAndNoSpace", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, "ok",
                  true},
        Exchanged{"ReasonBeyondAscii", "HTTP/1.1 200 caf\xc3\xa9\r\nContent-Length: 0\r\n\r\n", 200,
                  "", true},
        Exchanged{"Chunked", chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), 200, "hello world",
                  true},
        Exchanged{"ChunkedEmpty", chunked("0\r\n\r\n"), 200, "", true},
        Exchanged{"ChunkedWithExtensions", chunked("5;a=b;c=\"d;e\"\r\nhello\r\n0;last\r\n\r\n"),
                  200, "hello", true},
        Exchanged{"ChunkedWithTrailers",
                  chunked("2\r\nok\r\n000\r\nX-None: trailer\r\nX-Other: b\r\n\r\n"),
                  200,
                  "ok",
                  true,
                  false,
                  "GET",
                  {{"X-None", "trailer"}, {"X-Other", "b"}}},
        Exchanged{"ChunkedEmptyWithTrailers",
                  chunked("0\r\nX-None:\r\nx-none: \t a b \t \r\n\r\n"),
                  200,
                  "",
                  true,
                  false,
                  "GET",
                  {{"X-None", ""}, {"x-none", "a b"}}},
        // What would mean something in a head means nothing here (RFC 9110, 6.5.1).
        Exchanged{"TrailersThatBelongInAHead",
                  chunked("2\r\nok\r\n0\r\nSet-Cookie: a=b\r\nContent-Encoding: gzip\r\n"
                          "X-Mark: there\r\n\r\n"),
                  200,
                  "ok",
                  true,
                  false,
                  "GET",
                  {{"Set-Cookie", "a=b"}, {"Content-Encoding", "gzip"}, {"X-Mark", "there"}}},
        Exchanged{"TrailersAndConnectionClose",
                  ok("Connection: close\r\nTransfer-Encoding: chunked\r\n",
                     "2\r\nok\r\n0\r\nX-None: a\r\n\r\n"),
                  200,
                  "ok",
                  false,
                  false,
                  "GET",
                  {{"X-None", "a"}}},
        Exchanged{"TrailersThenExtraBytes",
                  chunked("2\r\nok\r\n0\r\nX-None: a\r\n\r\nX-None: b\r\n\r\n"),
                  200,
                  "ok",
                  false,
                  false,
                  "GET",
                  {{"X-None", "a"}}},
        Exchanged{"ChunkedHexInAnyCase",
                  chunked("0A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"), 200,
                  "01234567890123456789", true},
        Exchanged{"ChunkedLookingLikeAnEnd", chunked("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), 200,
                  "0\r\n\r\n", true},
        Exchanged{"Head", ok("Content-Length: 500\r\n", ""), 200, "", true, false, "HEAD"},
        Exchanged{"HeadChunked", chunked(""), 200, "", true, false, "HEAD"},
        Exchanged{"HeadWithoutLength", ok("", ""), 200, "", true, false, "HEAD"},
        Exchanged{"NoContent", "HTTP/1.1 204 No Content\r\nX-Mark: here\r\n\r\n", 204, "", true},
        Exchanged{"NotModified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, "",
                  true},
        // Lengths that mean nothing (RFC 9112, 6.3).
        Exchanged{"NoContentWithLength",
                  "HTTP/1.1 204 No Content\r\nX-Mark: here\r\nContent-Length: 5\r\n\r\n", 204, "",
                  true},
        Exchanged{"NoContentChunked",
                  "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 204, "", true},
        Exchanged{"NotModifiedChunked",
                  "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, "", true},
        Exchanged{"NotModifiedWithoutLength", "HTTP/1.1 304 Not Modified\r\n\r\n", 304, "", true},
        Exchanged{"NoContentWithABody", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
                  204, "", false},
        Exchanged{"ResetContent", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", 205,
                  "", true},
        Exchanged{"HeadNotFound", "HTTP/1.1 404 Not Found\r\nContent-Length: 77\r\n\r\n", 404, "",
                  true, false, "HEAD"},
        Exchanged{"HeadWithABody", ok("Content-Length: 2\r\n", "ok"), 200, "", false, false,
                  "HEAD"},
        Exchanged{"HeadHttp10", "HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\n", 200, "", false,
                  false, "HEAD"},
        Exchanged{"InterimWithLength",
                  "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n" +
                      ok("Content-Length: 2\r\n", "ok"),
                  200, "ok", true},
        Exchanged{"InterimChunkedAndClose",
                  "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n"
                  "\r\n" +
                      ok("Content-Length: 2\r\n", "ok"),
                  200, "ok", true},
        Exchanged{"InterimThenTrailers",
                  "HTTP/1.1 103 Early Hints\r\nX-None: a\r\n\r\n" +
                      chunked("2\r\nok\r\n0\r\nX-None: b\r\n\r\n"),
                  200,
                  "ok",
                  true,
                  false,
                  "GET",
                  {{"X-None", "b"}}},
        Exchanged{"InterimThenNoContent",
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
        Exchanged{"InterimThenUntilClose", "HTTP/1.1 100 Continue\r\n\r\n" + ok("", "all of it"),
                  200, "all of it", false, true},
        Exchanged{"Continue", "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 2\r\n", "ok"),
                  200, "ok", true},
        Exchanged{"EarlyHints",
                  "HTTP/1.1 103 Early Hints\r\nX-None: a\r\nX-Mark: there\r\n\r\n" +
                      ok("Content-Length: 2\r\n", "ok"),
                  200, "ok", true},
        Exchanged{"ManyInterim",
                  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX-None: a\r\n\r\n"
                  "HTTP/1.1 103 Early Hints\r\n\r\n" +
                      chunked("2\r\nok\r\n0\r\n\r\n"),
                  200, "ok", true},
        Exchanged{"InterimToHead",
                  "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 9\r\n", ""), 200, "", true,
                  false, "HEAD"},
        Exchanged{"Http10", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false},
        Exchanged{"Http10KeepAlive",
                  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", 200,
                  "ok", true},
        Exchanged{"Http10UntilClose", "HTTP/1.0 200 OK\r\n\r\nall of it", 200, "all of it", false,
                  true},
        // Not of HTTP/1.0: read, and the connection not trusted (RFC 9112, 6.1).
        Exchanged{"Http10Chunked",
                  "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200,
                  "ok", false},
        Exchanged{"Http10KeepAliveChunked",
                  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "2\r\nok\r\n0\r\n\r\n",
                  200, "ok", false},
        Exchanged{"Http10KeepAliveUntilClose",
                  "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nall of it", 200, "all of it",
                  false, true},
        Exchanged{"UntilClose", ok("", "1\r\n\r\n2"), 200, "1\r\n\r\n2", false, true},
        Exchanged{"UntilCloseEmpty", ok("", ""), 200, "", false, true},
        Exchanged{"ConnectionClose", ok("Connection: close\r\nContent-Length: 2\r\n", "ok"), 200,
                  "ok", false},
        Exchanged{"ConnectionCloseInAList",
                  ok("connection: x, CLOSE\r\nContent-Length: 2\r\n", "ok"), 200, "ok", false},
        Exchanged{"ConnectionCloseChunked",
                  ok("Connection: close\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"),
                  200, "ok", false},
        Exchanged{"KeepAlive",
                  ok("Connection: Keep-Alive\r\nKeep-Alive: timeout=5\r\n"
                     "Content-Length: 2\r\n",
                     "ok"),
                  200, "ok", true},
        // What follows belongs to no request: the connection cannot be trusted.
        Exchanged{"ExtraBytes", ok("Content-Length: 2\r\n", "ok") + kOkText, 200, "ok", false},
        Exchanged{"SwitchingProtocols", "HTTP/1.1 101 Switching Protocols\r\nX-Mark: here\r\n\r\n",
                  101, "", false}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Large, RawExchange,
    testing::Values(
        Exchanged{"Body", ok("Content-Length: " + std::to_string(kLarge.size()) + "\r\n", kLarge),
                  200, kLarge, true},
        Exchanged{"Chunks",
                  chunked("1\r\n0\r\n" + fmt::format("{:x}", kLarge.size() - 1) + "\r\n" +
                          kLarge.substr(1) + "\r\n0\r\n\r\n"),
                  200, kLarge, true},
        Exchanged{"Head10KB", ok("X-Long: " + kLong + "\r\nContent-Length: 2\r\n", "ok"), 200, "ok",
                  true},
        // Not a header, though the head's buffer holds it.
        Exchanged{"Head10KBThenALookalike",
                  ok("X-Long: " + kLong + "\r\nContent-Length: 17\r\n", "\r\nX-None: none\r\n\r"),
                  200, "\r\nX-None: none\r\n\r", true},
        Exchanged{
            "Head10KBAndBody",
            ok("X-Long: " + kLong + "\r\nContent-Length: " + std::to_string(kLarge.size()) + "\r\n",
               kLarge),
            200, kLarge, true},
        Exchanged{"Head60KB",
                  ok("X-Long: " + std::string(60000, 'a') + "\r\nContent-Length: 2\r\n", "ok"), 200,
                  "ok", true},
        Exchanged{"Interim10KBThenBody",
                  "HTTP/1.1 103 Early Hints\r\nX-None: " + kLong + "\r\n\r\n" +
                      ok("Content-Length: " + std::to_string(kLarge.size()) + "\r\n", kLarge),
                  200, kLarge, true},
        Exchanged{"Interim10KBThenHead10KB",
                  "HTTP/1.1 103 Early Hints\r\nX-None: " + kLong + "\r\n\r\n" +
                      ok("X-Long: " + kLong + "\r\nContent-Length: 2\r\n", "ok"),
                  200, "ok", true},
        Exchanged{"NoSpaceHead10KB",
                  "HTTP/1.1 200\r\nX-Long: " + kLong + "\r\nContent-Length: 2\r\n\r\nok", 200, "ok",
                  true},
        Exchanged{"Head70KB",
                  ok("X-Long: " + std::string(70000, 'a') + "\r\nContent-Length: 2\r\n", "ok"), 0,
                  kGarbage},
        Exchanged{"Head70KBOf200Lines", ok(lines(200, std::string(350, 'a')) + kLengthTwo, "ok"), 0,
                  kGarbage},
        // With the two of each head.
        Exchanged{"Head256Lines", ok(lines(254, "a") + kLengthTwo, "ok"), 200, "ok", true},
        Exchanged{"Head257Lines", ok(lines(255, "a") + kLengthTwo, "ok"), 0, kTooManyHeaders},
        Exchanged{"Head1000Lines", ok(lines(1000, "0123456789") + kLengthTwo, "ok"), 0,
                  kTooManyHeaders},
        Exchanged{"InterimOf257Lines",
                  "HTTP/1.1 103 Early Hints\r\n" + lines(257, "a") + "\r\n" + kOkText, 0,
                  kTooManyHeaders},
        Exchanged{"HeadsOf256LinesInAll",
                  "HTTP/1.1 103 Early Hints\r\n" + lines(200, "a") + "\r\n" +
                      ok(lines(200, "a") + kLengthTwo, "ok"),
                  200, "ok", true},
        Exchanged{"Head256LinesAndTrailers256",
                  ok(lines(254, "a") + "Transfer-Encoding: chunked\r\n",
                     "2\r\nok\r\n0\r\n" + lines(256, "a") + "\r\n"),
                  200, "ok", true, false, "GET",
                  std::vector(256, std::pair<std::string, std::string>("X-Line", "a"))},
        Exchanged{"Trailers257", chunked("2\r\nok\r\n0\r\n" + lines(257, "a") + "\r\n"), 0,
                  "HTTPException('got more than 256 trailers')"},
        Exchanged{"Trailers10KB", chunked("2\r\nok\r\n0\r\nX: " + kLong + "\r\n\r\n"), 0, kGarbage},
        Exchanged{"TrailersEndless", chunked("2\r\nok\r\n0\r\n" + lines(3500, "0123456789")), 0,
                  kGarbage},
        Exchanged{"ChunkExtension", chunked("2;" + kLong + "\r\nok\r\n0\r\n\r\n"), 0, kGarbage},
        Exchanged{"StatusLine", "HTTP/1.1 200 " + std::string(70000, 'a'), 0, kGarbage}),
    name_of);

INSTANTIATE_TEST_SUITE_P(
    Bad, RawExchange,
    testing::Values(
        Exchanged{"Garbage", std::string("\0\1garbage\r\n\r\n", 13), 0, kGarbage},
        Exchanged{"Tls", std::string("\x15\x03\x01\0\x02\x02\x46 and so on", 17), 0, kGarbage},
        Exchanged{"NoStatusLine", "Content-Length: 5\r\n\r\nhello", 0, kGarbage},
        Exchanged{"OnlyHtml", "<html>Bad request</html>", 0, kGarbage, false, true},
        Exchanged{"EmptyLineFirst", "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 0, kGarbage},
        Exchanged{"Http37", "HTTP/3.7 200 OK\r\nContent-Length: 0\r\n\r\n", 0, kGarbage},
        Exchanged{"Http2", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", 0, kGarbage},
        Exchanged{"BareLineFeeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 0, kGarbage},
        Exchanged{"BareLineFeedInAHeader",
                  "HTTP/1.1 200 OK\r\nX: a\nY: b\r\nContent-Length: 2\r\n\r\nok", 0, kGarbage},
        Exchanged{"FourDigits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", 0, kGarbage},
        Exchanged{"TwoDigits", "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", 0, kGarbage},
        Exchanged{"NoDigits", "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", 0, kGarbage},
        Exchanged{"NoStatus", "HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 0, kGarbage},
        // No interim response, and nothing follows it (RFC 9110, 15).
        Exchanged{"CodeBelow100", "HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nok", 0, kGarbage},
        Exchanged{"CodeZero", "HTTP/1.1 000\r\n\r\n", 0, kGarbage},
        Exchanged{"HeaderWithoutColon", "HTTP/1.1 200 OK\r\nhello\r\n\r\n", 0, kGarbage},
        Exchanged{"HeaderWithoutName", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", 0, kGarbage},
        Exchanged{"SpaceInAName", "HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n", 0, kGarbage},
        Exchanged{"NulInAValue", std::string("HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", 27), 0,
                  kGarbage},
        Exchanged{"LengthNegative", ok("Content-Length: -1\r\n", "ok"), 0, kGarbage},
        Exchanged{"LengthWithPlus", ok("Content-Length: +2\r\n", "ok"), 0, kGarbage},
        Exchanged{"LengthEmpty", ok("Content-Length: \r\n", "ok"), 0, kGarbage},
        Exchanged{"LengthHex", ok("Content-Length: 0x2\r\n", "ok"), 0, kGarbage},
        Exchanged{"LengthOverflow", ok("Content-Length: 18446744073709551618\r\n", "ok"), 0,
                  kGarbage},
        Exchanged{"LengthTwice", ok("Content-Length: 2\r\nContent-Length: 3\r\n", "ok"), 0,
                  kGarbage},
        Exchanged{"LengthList", ok("Content-Length: 2, 3\r\n", "ok"), 0, kGarbage},
        Exchanged{"LengthAndChunked",
                  ok("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"),
                  0, kGarbage},
        Exchanged{"ChunkedAndLength",
                  ok("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "2\r\nok\r\n0\r\n\r\n"),
                  0, kGarbage},
        Exchanged{"ChunkOverflow", chunked("10000000000000002\r\nok\r\n0\r\n\r\n"), 0, kGarbage},
        Exchanged{"ChunkOverflowByFar", chunked("fffffffffffffffffffffffff\r\nok"), 0, kGarbage},
        Exchanged{"ChunkNegative", chunked("-2\r\nok\r\n0\r\n\r\n"), 0, kGarbage},
        Exchanged{"ChunkNotHex", chunked("xyz\r\nok\r\n0\r\n\r\n"), 0, kGarbage},
        Exchanged{"ChunkEmptySize", chunked("\r\nok\r\n0\r\n\r\n"), 0, kGarbage},
        Exchanged{"ChunkTooShort", chunked("2\r\nokay\r\n0\r\n\r\n"), 0, kGarbage},
        Exchanged{"ChunkBareLineFeed", chunked("2\nok\n0\n\n"), 0, kIncomplete, false, true},
        Exchanged{"CutHead", "HTTP/1.1 200 OK\r\nContent-Le", 0, kCutHead, false, true},
        Exchanged{"CutStatusLine", "HTTP/1.", 0, kCutHead, false, true},
        Exchanged{"CutBeforeEmptyLine", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", 0, kCutHead,
                  false, true},
        Exchanged{"CutBody", ok("Content-Length: 10\r\n", "abc"), 0, kIncomplete, false, true},
        Exchanged{"CutChunk", chunked("5\r\nab"), 0, kIncomplete, false, true},
        Exchanged{"CutBeforeLastChunk", chunked("2\r\nok\r\n"), 0, kIncomplete, false, true},
        Exchanged{"CutTrailers", chunked("2\r\nok\r\n0\r\n"), 0, kIncomplete, false, true},
        Exchanged{"CutInATrailer", chunked("2\r\nok\r\n0\r\nX-None: a"), 0, kIncomplete, false,
                  true},
        Exchanged{"TrailerWithoutColon", chunked("2\r\nok\r\n0\r\nhello\r\n\r\n"), 0, kGarbage},
        Exchanged{"TrailerWithoutName", chunked("2\r\nok\r\n0\r\n: a\r\n\r\n"), 0, kGarbage},
        Exchanged{"LengthInATrailer", chunked("2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n"), 0,
                  kGarbage},
        Exchanged{"OnlyInterim", "HTTP/1.1 103 Early Hints\r\n\r\n", 0, kIncomplete, false, true}),
    name_of);

}  // namespace
}  // namespace locust::http
