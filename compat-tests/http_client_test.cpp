// The HTTP client in this process against real servers: nginx, and openssl s_server for TLS that is
// broken. The texts of failures are what FastHttpUser of Locust 2.47.0 (Python 3.11, OpenSSL 3.0)
// reports of the same servers, but for the line in _ssl.c.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "harness/free_port.h"
#include "harness/nginx.h"
#include "harness/process.h"
#include "harness/temp_dir.h"
#include "harness/web.h"
#include "http/test_certificates.h"
#include "http/user_agent.h"

namespace compat {
namespace {

using locust::http::Headers;
using locust::http::Request;
using locust::http::RequestParts;
using locust::http::Response;
using locust::http::TestCertificate;
using locust::http::TestCertificates;
using locust::http::TlsSettings;
using locust::http::UserAgentSettings;
using testing::HasSubstr;
using testing::StartsWith;

TestCertificates& certificates() {
  static TestCertificates all;
  return all;
}

const TestCertificate& good() {
  static const TestCertificate one = certificates().make("good", "DNS:localhost,IP:127.0.0.1");
  return one;
}

// A user's client, on a loop and a thread of its own.
class Browser {
 public:
  explicit Browser(const TlsSettings& tls = {})
      : agent_(context_, UserAgentSettings{.client = {.tls = tls}}),
        thread_([this] { loop_.run(); }) {}
  ~Browser() {
    loop_.stop();
    thread_.join();
  }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  Response get(int port, const std::string& path) {
    return send("GET", "http://127.0.0.1:" + std::to_string(port) + path);
  }
  Response get_tls(int port, const std::string& path, const std::string& host = "localhost") {
    return send("GET", "https://" + host + ":" + std::to_string(port) + path);
  }
  Response send(const std::string& method, const std::string& url, Headers headers = {},
                const std::string& body = {}) {
    RequestParts parts;
    parts.method = method;
    parts.url = *locust::http::parse_url(url);
    parts.headers = std::move(headers);
    parts.body = body;
    parts.has_body = !body.empty();
    parts.keep_body = true;
    parts.timeout = std::chrono::seconds(20);
    auto* one = new One(Request(std::move(parts)));
    std::future<Response> response = one->promise.get_future();
    loop_.post([this, one] { one->begin(agent_, one->request); });
    return response.get();
  }

 private:
  // Lives on the loop's thread, and ends itself.
  struct One final : locust::http::Fetch {
    explicit One(Request asked) : request(std::move(asked)) {}
    using Fetch::begin;
    void on_fetched() override {
      // Its buffer belongs to the loop's thread.
      std::string head(response.head());
      response.buffer = {};
      response.large_head = std::move(head);
      std::promise<Response> waiting = std::move(promise);
      Response done = std::move(response);
      delete this;
      waiting.set_value(std::move(done));
    }
    Request request;
    std::promise<Response> promise;
  };

  locust::EventLoop loop_;
  locust::http::ClientContext context_{loop_};
  locust::http::UserAgent agent_;
  std::thread thread_;
};

std::string header(const Response& response, const char* name) {
  return std::string(response.header(name).value_or("none"));
}

class NginxTest : public testing::Test {
 protected:
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

// ---- TLS ----

TEST_F(NginxTest, BothVersionsOfTls) {
  for (const bool verify : {false, true}) {
    Browser browser(TlsSettings{.verify = verify, .ca_file = certificates().ca_file()});
    for (const auto& [port, version] :
         {std::pair(nginx_.tls12(), "TLSv1.2"), std::pair(nginx_.tls13(), "TLSv1.3")}) {
      std::string connection;
      for (const char* host : {"localhost", "127.0.0.1"}) {
        for (int i = 0; i < 3; ++i) {
          const Response response = browser.get_tls(port, "/", host);
          EXPECT_EQ(response.body, "hello\n") << response.error;
          EXPECT_EQ(header(response, "X-Protocol"), version);
          if (i > 0) {
            EXPECT_EQ(header(response, "X-Connection"), connection) << "kept";
          }
          connection = header(response, "X-Connection");
        }
      }
    }
  }
}

TEST_F(NginxTest, ANewConnectionResumesTheSession) {
  for (const int port : {nginx_.tls12(), nginx_.tls13()}) {
    Browser browser;
    EXPECT_EQ(header(browser.get_tls(port, "/one"), "X-Reused"), ".");
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(header(browser.get_tls(port, "/one"), "X-Reused"), "r") << i;
    }
  }
}

TEST_F(NginxTest, ClientCertificates) {
  const TestCertificate own = certificates().make("client", "DNS:client");
  Browser with(TlsSettings{.cert_file = own.cert_file, .key_file = own.key_file});
  const Response response = with.get_tls(nginx_.client_certificate(), "/");
  EXPECT_EQ(response.body, "hello\n") << response.error;
  EXPECT_EQ(header(response, "X-Client"), "CN=client");
  Browser without;
  const Response refused = without.get_tls(nginx_.client_certificate(), "/");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("No required SSL certificate was sent"));
}

TEST_F(NginxTest, SettingsThatCannotBeUsedFailEachRequest) {
  Browser browser(TlsSettings{.ca_file = "/none.pem"});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(browser.get_tls(nginx_.tls13(), "/").error,
              "ValueError('Cannot use the CA certificates in /none.pem: No such file or "
              "directory')");
  }
  EXPECT_EQ(browser.get(nginx_.plain(), "/").status, 200);
}

TEST_F(NginxTest, PlainAndTlsMistakenForEachOther) {
  Browser browser;
  EXPECT_EQ(browser.get_tls(nginx_.plain(), "/").error,
            "SSLError(1, '[SSL: WRONG_VERSION_NUMBER] wrong version number')");
  const Response plain = browser.get(nginx_.tls13(), "/");
  EXPECT_EQ(plain.status, 400);
  EXPECT_THAT(plain.body, HasSubstr("The plain HTTP request was sent to HTTPS port"));
}

TEST_F(NginxTest, AServerThatIsRestartedLosesNoIdempotentRequest) {
  Browser browser;
  EXPECT_EQ(browser.get_tls(nginx_.tls13(), "/").status, 200);
  nginx_.process().signal(SIGKILL);
  nginx_.process().wait_for_exit();
  const std::string error = browser.get_tls(nginx_.tls13(), "/").error;
  EXPECT_EQ(error, "ConnectionRefusedError(111, 'Connection refused')");
}

// ---- openssl s_server ----

class BrokenTls : public testing::Test {
 protected:
  // Starts it; -www answers as HTTP/1.0 does, to the end of the connection.
  int serve(const TestCertificate& certificate, const std::vector<std::string>& more = {}) {
    ports_.push_back(std::make_unique<FreePort>());
    const int port = ports_.back()->number();
    std::vector<std::string> command = {"/usr/bin/openssl",
                                        "s_server",
                                        "-accept",
                                        "127.0.0.1:" + std::to_string(port),
                                        "-cert",
                                        certificate.cert_file,
                                        "-key",
                                        certificate.key_file,
                                        "-www"};
    command.insert(command.end(), more.begin(), more.end());
    servers_.push_back(std::make_unique<Process>(dir_, "s_server", command));
    servers_.back()->wait_for_line("ACCEPT");
    return port;
  }
  static std::string verified(int port, const std::string& host = "localhost") {
    Browser browser(TlsSettings{.verify = true, .ca_file = certificates().ca_file()});
    const Response response = browser.get_tls(port, "/", host);
    return response.ok() ? std::to_string(response.status) : response.error;
  }
  static std::string unverified(int port, const std::string& min_version = {}) {
    Browser browser(TlsSettings{.min_version = min_version});
    const Response response = browser.get_tls(port, "/");
    return response.ok() ? std::to_string(response.status) : response.error;
  }

  TempDir dir_;
  std::vector<std::unique_ptr<FreePort>> ports_;
  std::vector<std::unique_ptr<Process>> servers_;
};

TEST_F(BrokenTls, AnHttp10ServerThatIsFineIsTaken) {
  const int port = serve(good());
  Browser browser;
  for (int i = 0; i < 2; ++i) {
    const Response response = browser.get_tls(port, "/");
    EXPECT_EQ(response.status, 200) << response.error;
    EXPECT_THAT(std::string(response.head()), StartsWith("HTTP/1.0 200 ok\r\n"));
    EXPECT_THAT(response.body, HasSubstr("</HTML>"));
  }
}

TEST_F(BrokenTls, Certificates) {
  const auto failure = [](const std::string& reason) {
    const char* quote = reason.find('\'') == std::string::npos ? "'" : "\"";
    return "SSLCertVerificationError(1, " + std::string(quote) +
           "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: " + reason + quote + ")";
  };
  EXPECT_EQ(verified(serve(good())), "200");
  const int expired = serve(certificates().make("expired", "DNS:localhost", -3600));
  EXPECT_EQ(verified(expired), failure("certificate has expired"));
  EXPECT_EQ(unverified(expired), "200");
  const int other = serve(certificates().make("other", "DNS:other.example,IP:127.0.0.9"));
  EXPECT_EQ(verified(other),
            failure("Hostname mismatch, certificate is not valid for 'localhost'."));
  EXPECT_EQ(verified(other, "127.0.0.1"),
            failure("IP address mismatch, certificate is not valid for '127.0.0.1'."));
  const int own = serve(certificates().make("own", "DNS:localhost", TestCertificates::kYear, true));
  EXPECT_EQ(verified(own), failure("self-signed certificate"));
  EXPECT_EQ(unverified(own), "200");
}

TEST_F(BrokenTls, Versions) {
  EXPECT_EQ(unverified(serve(good(), {"-tls1_2"}), "1.3"),
            "SSLError(1, '[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version')");
  const int old = serve(good(), {"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"});
  EXPECT_THAT(unverified(old), StartsWith("SSLError(1, '[SSL: "));
  EXPECT_EQ(unverified(old, "1.0"), "200");
}

TEST_F(BrokenTls, NoCommonCipher) {
  // For an RSA key, which it has not.
  const int port = serve(good(), {"-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"});
  EXPECT_EQ(unverified(port),
            "SSLError(1, '[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure')");
}

TEST_F(BrokenTls, AClientCertificateIsMissing) {
  EXPECT_EQ(unverified(serve(good(), {"-Verify", "1", "-verify_return_error", "-tls1_2"})),
            "SSLError(1, '[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure')");
  EXPECT_EQ(unverified(serve(good(), {"-Verify", "1", "-verify_return_error", "-tls1_3"})),
            "SSLError(1, '[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert certificate "
            "required')");
}

TEST_F(BrokenTls, TheNameThatIsAskedForIsNotServed) {
  const int port = serve(good(), {"-servername", "only.example", "-servername_fatal", "-cert2",
                                  good().cert_file, "-key2", good().key_file});
  EXPECT_EQ(unverified(port),
            "SSLError(1, '[SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name')");
}

}  // namespace
}  // namespace compat
