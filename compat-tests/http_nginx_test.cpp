// The HTTP client in this process against nginx and other real servers of plain HTTP. The texts of
// failures are what FastHttpUser of Locust 2.47.0 (Python 3.11) reports of the same servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "harness/browser.h"
#include "harness/free_port.h"
#include "harness/nginx.h"
#include "harness/process.h"
#include "harness/relay.h"
#include "harness/temp_dir.h"
#include "harness/web.h"

namespace compat {
namespace {

using locust::http::RequestParts;
using locust::http::Response;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StartsWith;

class NginxTest : public testing::Test {
 protected:
  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(nginx_.plain()) + path;
  }

  TempDir dir_;
  Nginx nginx_{dir_, {good().cert_file, good().key_file, certificates().ca_file()}};
};

TEST_F(NginxTest, KeptConnectionsAreUsedAgain) {
  Browser browser;
  const std::string connection = header(browser.get(nginx_.plain(), "/"), "X-Connection");
  for (int i = 0; i < 5; ++i) {
    const Response response = browser.get(nginx_.plain(), "/");
    EXPECT_EQ(response.body, "hello\n");
    EXPECT_EQ(header(response, "X-Connection"), connection);
  }
}

TEST_F(NginxTest, AServerThatEndsConnectionsLosesNoRequest) {
  Browser browser;
  for (const char* path : {"/one", "/two"}) {
    for (int i = 0; i < 10; ++i) {
      const Response response = browser.get(nginx_.plain(), path);
      EXPECT_EQ(response.status, 200) << path << i << response.error;
    }
  }
}

TEST_F(NginxTest, BodiesAreDecoded) {
  const std::string text = web_get(nginx_.plain(), "/plain-text").body;
  ASSERT_EQ(text.size(), Nginx::text_size);
  Browser browser;
  for (const int port : {nginx_.plain(), nginx_.tls12(), nginx_.tls13()}) {
    const std::string base = (port == nginx_.plain() ? "http" : "https") +
                             std::string("://localhost:") + std::to_string(port);
    for (const auto& [path, accept, coding] :
         {std::tuple("/text", "gzip", "gzip"), std::tuple("/brotli", "br", "br"),
          std::tuple("/text", "identity", "none"), std::tuple("/plain-text", "gzip, br", "none")}) {
      const Response response = browser.send("GET", base + path, {{"Accept-Encoding", accept}});
      EXPECT_EQ(response.status, 200) << response.error;
      EXPECT_EQ(header(response, "Content-Encoding"), coding);
      EXPECT_EQ(response.body_size, text.size());
      EXPECT_TRUE(response.body == text) << base << path;
      const bool encoded = std::string(coding) != "none";
      EXPECT_EQ(header(response, "Transfer-Encoding"), encoded ? "chunked" : "none");
    }
  }
}

TEST_F(NginxTest, ResponsesWithoutABody) {
  Browser browser;
  EXPECT_EQ(browser.get(nginx_.plain(), "/empty").status, 204);
  EXPECT_EQ(browser.get(nginx_.plain(), "/not-modified").status, 304);
  const Response head =
      browser.send("HEAD", "http://127.0.0.1:" + std::to_string(nginx_.plain()) + "/text",
                   {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(head.status, 200) << head.error;
  EXPECT_EQ(head.body_size, 0U);
  EXPECT_EQ(browser.get(nginx_.plain(), "/").body, "hello\n");
}

TEST_F(NginxTest, AConnectionThatIsDroppedIsAFailure) {
  Browser browser;
  EXPECT_EQ(browser.get(nginx_.plain(), "/drop").error,
            "HTTPConnectionClosed('connection closed.')");
  EXPECT_EQ(browser.get_tls(nginx_.tls13(), "/drop").error,
            "HTTPConnectionClosed('connection closed.')");
  EXPECT_EQ(browser.get(nginx_.plain(), "/error").body, "sorry");
}

TEST_F(NginxTest, AConnectionThatIsResetIsAFailure) {
  Browser browser;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(browser.get(nginx_.plain(), "/reset").error,
              "ConnectionResetError(104, 'Connection reset by peer')");
    EXPECT_EQ(browser.get(nginx_.plain(), "/").status, 200);
  }
}

TEST_F(NginxTest, AServerThatDiesInTheMiddleOfAResponse) {
  Browser browser;
  Relay relay(nginx_.plain());
  auto response =
      browser.start(parts_for("http://127.0.0.1:" + std::to_string(relay.port()) + "/crawl"));
  relay.wait_until_passed(1000);
  nginx_.process().kill();
  EXPECT_EQ(response.get().error, "HTTPParseError('Incomplete response.')");
}

TEST_F(NginxTest, ASlowResponseIsWholeAndOneThatIsTooSlowTimesOut) {
  Browser browser;
  const Response slow = browser.get(url("/slow"));
  EXPECT_EQ(slow.body_size, Nginx::text_size) << slow.error;
  RequestParts parts = parts_for(url("/crawl"));
  parts.timeout = 200ms;
  EXPECT_EQ(browser.start(std::move(parts)).get().error,
            "RetriesExceeded('" + url("/crawl") + "', 0, original=timed out)");
  EXPECT_EQ(browser.get(url("/")).status, 200);
}

TEST_F(NginxTest, ManyAtOnceWaitForTheirTurn) {
  Browser browser;
  std::vector<std::future<Response>> responses;
  for (int i = 0; i < 200; ++i) responses.push_back(browser.start(parts_for(url("/text"))));
  std::set<std::string> connections;
  for (auto& one : responses) {
    const Response response = one.get();
    EXPECT_EQ(response.body_size, Nginx::text_size) << response.error;
    connections.insert(header(response, "X-Connection"));
  }
  EXPECT_EQ(connections.size(), locust::http::ClientSettings().concurrency);
}

TEST_F(NginxTest, TrailersComeAfterAChunkedBody) {
  Browser browser;
  RequestParts parts = parts_for(url("/trailers"));
  parts.headers = {{"Accept-Encoding", "gzip"}};
  parts.keep_trailers = true;
  const Response response = browser.start(std::move(parts)).get();
  EXPECT_EQ(response.body_size, Nginx::text_size) << response.error;
  EXPECT_EQ(header(response, "Transfer-Encoding"), "chunked");
  EXPECT_EQ(response.trailer("x-sum"), "7");
  EXPECT_EQ(header(response, "X-Sum"), "none");
}

TEST_F(NginxTest, UploadsOfEveryKindArrive) {
  Browser browser;
  const std::string body(5'000'000, 'x');
  EXPECT_EQ(browser.send("PUT", url("/upload"), {}, body).body, "5000000");
  EXPECT_EQ(browser.send("PUT", url("/upload"), {{"Transfer-Encoding", "chunked"}}, body).body,
            "5000000");
  // Answered by "100 Continue" and then, when the body is there, by the response.
  EXPECT_EQ(browser.send("POST", url("/upload"), {{"Expect", "100-continue"}}, body).body,
            "5000000");
}

// The answer comes while the body is being sent, and the server closes the connection then.
TEST_F(NginxTest, AnUploadThatIsRefusedHasAnAnswer) {
  Browser browser;
  const std::string body(5'000'000, 'x');
  for (int i = 0; i < 5; ++i) {
    const Response refused = browser.send("POST", url("/small"), {}, body);
    EXPECT_EQ(refused.status, 413) << refused.error;
    EXPECT_THAT(refused.body, HasSubstr("413 Request Entity Too Large"));
  }
  // This one resets it at once: the answer may be lost.
  for (int i = 0; i < 5; ++i) {
    const Response refused = browser.send("POST", url("/small-at-once"), {}, body);
    if (refused.status == 413) continue;
    EXPECT_THAT(refused.error, AnyOf("ConnectionResetError(104, 'Connection reset by peer')",
                                     "BrokenPipeError(32, 'Broken pipe')"));
  }
  EXPECT_EQ(browser.get(url("/")).status, 200);
}

TEST_F(NginxTest, AUnixSocket) {
  Browser browser({.unix_socket = nginx_.socket()});
  for (int i = 0; i < 3; ++i) {
    const Response response = browser.get("http://any.example/");
    EXPECT_EQ(response.body, "hello\n") << response.error;
    EXPECT_EQ(header(response, "X-Address"), "unix:" + nginx_.socket());
  }
}

TEST_F(NginxTest, SourceAndTargetAddressesShareTheLoad) {
  const std::string port = ":" + std::to_string(nginx_.plain());
  Browser browser({.source_addresses = {"127.0.0.1", "127.0.0.7"},
                   .target_addresses = {"127.0.0.2", "127.0.0.3" + port}});
  EXPECT_THAT(tally(browser, "http://any.example" + port + "/one", "X-Address", 12),
              ElementsAre(Pair("127.0.0.2", 6), Pair("127.0.0.3", 6)));
  EXPECT_THAT(tally(browser, "http://any.example" + port + "/one", "X-Peer", 12),
              ElementsAre(Pair("127.0.0.1", 6), Pair("127.0.0.7", 6)));
}

TEST_F(NginxTest, RedirectsAreFollowed) {
  Browser browser;
  const Response text = browser.get(nginx_.plain(), "/found");
  EXPECT_EQ(text.body_size, Nginx::text_size);
  EXPECT_EQ(text.history.size(), 1U);
  EXPECT_EQ(text.final_url, "http://127.0.0.1:" + std::to_string(nginx_.plain()) + "/text");
  EXPECT_EQ(browser.get(nginx_.plain(), "/permanent").body, "hello\n");
  const std::string base = "http://127.0.0.1:" + std::to_string(nginx_.plain());
  EXPECT_EQ(browser.send("POST", base + "/again", {{"Authorization", "Basic eA=="}}, "x").body,
            "POST Basic eA==");
  EXPECT_EQ(browser.send("POST", base + "/login", {}, "x").body, "id=7");
  EXPECT_EQ(browser.get(nginx_.plain(), "/cookie").body, "id=7");
  EXPECT_EQ(browser.get(nginx_.plain(), "/loop").error,
            "RetriesExceeded('" + base + "/loop', 'Redirection limit reached (30)')");
}

TEST_F(NginxTest, RedirectsLeadFromPlainToTlsAndBack) {
  Browser browser;
  const Response there = browser.get(nginx_.plain(), "/to-tls");
  EXPECT_EQ(header(there, "X-Protocol"), "TLSv1.3") << there.error;
  EXPECT_EQ(there.final_url, "https://127.0.0.1:" + std::to_string(nginx_.tls13()) + "/");
  const Response back = browser.get_tls(nginx_.tls12(), "/to-plain");
  EXPECT_EQ(header(back, "X-Protocol"), "none") << back.error;
  EXPECT_EQ(back.body, "hello\n");
}

// ---- Python's http.server, which speaks HTTP/1.0 ----

TEST(Http10, EachResponseEndsItsConnection) {
  TempDir dir;
  const FreePort port;
  std::ofstream(dir.path() / "page.txt") << std::string(100'000, 'x');
  Process server(dir, "http.server",
                 {"/usr/bin/python3", "-m", "http.server", "--bind", "127.0.0.1",
                  std::to_string(port.number())});
  server.wait_for_line("Serving HTTP");
  Browser browser;
  for (int i = 0; i < 5; ++i) {
    const Response response = browser.get(port.number(), "/page.txt");
    EXPECT_THAT(std::string(response.head()), StartsWith("HTTP/1.0 200 OK\r\n"));
    EXPECT_EQ(response.body_size, 100'000U) << response.error;
    EXPECT_EQ(browser.get(port.number(), "/none").status, 404);
  }
}

}  // namespace
}  // namespace compat
