// HTTP/1.1 on the wire, as clients and load balancers speak it, and as they should not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "target/raw_client.h"
#include "target/test_server.h"

namespace hello {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

const std::string hello_request = "GET /hello/ HTTP/1.1\r\nHost: a\r\n\r\n";

// With a route that gives back what it is sent.
class Protocol : public testing::Test {
 protected:
  Protocol() {
    target_.server().routes().Post("/echo", [](const auto& request, auto& response) {
      response.set_content(request.body, "text/plain");
    });
  }
  int port() { return target_.server().port(); }
  // The whole conversation: all that comes back until the server closes.
  std::string talk(std::string_view bytes) {
    RawClient client(port());
    client.send(bytes);
    client.shut_down_sending();
    return client.read_all();
  }

  TestServer target_{{}, {.framing = {.head_bytes = 1000, .body_bytes = 100}}};
};

TEST_F(Protocol, APipelineOfThousandIsAnsweredInOrder) {
  std::string requests;
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    requests +=
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(number.size()) +
        "\r\n\r\n" + number;
  }
  RawClient client(port());
  client.send(requests);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
    ASSERT_EQ(client.read(std::to_string(i).size()), std::to_string(i));
  }
}

TEST_F(Protocol, APipelineCutAtAnyByteIsAnswered) {
  const std::string requests =
      hello_request +
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      "2\r\nab\r\n1;x\r\nc\r\n0\r\nA: b\r\n\r\n"
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ndef"
      "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n";
  RawClient client(port());
  for (std::size_t cut = 1; cut < requests.size(); ++cut) {
    client.send(requests.substr(0, cut));
    client.send(requests.substr(cut));
    ASSERT_THAT(client.read_head(), StartsWith("HTTP/1.1 200")) << cut;
    ASSERT_THAT(client.read_head(), StartsWith("HTTP/1.1 200")) << cut;
    ASSERT_EQ(client.read(3), "abc") << cut;
    ASSERT_THAT(client.read_head(), StartsWith("HTTP/1.1 200")) << cut;
    ASSERT_EQ(client.read(3), "def") << cut;
    ASSERT_THAT(client.read_head(), StartsWith("HTTP/1.1 200")) << cut;
    ASSERT_EQ(client.read(2), "OK") << cut;
  }
}

TEST_F(Protocol, ContinueIsSaidToAClientThatWaitsForIt) {
  RawClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(client.read_head(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(client.read(3), "abc");
}

TEST_F(Protocol, ContinueIsNotSaidWhereTheBodyIsThere) {
  EXPECT_THAT(talk("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                   "Content-Length: 3\r\n\r\nabc"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(Protocol, HeadHasNoBody) {
  EXPECT_THAT(talk("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"),
              testing::AllOf(HasSubstr("Content-Length: 2\r\n"), EndsWith("\r\n\r\n")));
}

TEST_F(Protocol, Http10ClosesUnlessAskedNotTo) {
  RawClient once(port());
  once.send("GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(once.read_head(), HasSubstr("Connection: close\r\n"));
  EXPECT_EQ(once.read(2), "OK");
  EXPECT_TRUE(once.read_end());
  RawClient more(port());
  for (int i = 0; i < 2; ++i) {
    more.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_THAT(more.read_head(), HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_EQ(more.read(2), "OK");
  }
}

TEST_F(Protocol, AbsoluteFormIsAnsweredAsOriginForm) {
  EXPECT_THAT(talk("GET http://example.org/ HTTP/1.1\r\nHost: a\r\n\r\n"), EndsWith("\r\n\r\nOK"));
}

TEST_F(Protocol, ABodyThatNobodyReadsIsNotTakenForARequest) {
  const std::string answers =
      talk("GET /hello/ HTTP/1.1\r\nHost: a\r\nContent-Length: 17\r\n\r\nGET / HTTP/1.1\r\n\r" +
           hello_request);
  EXPECT_EQ(target_.stats()["requests"], (json{{"GET /hello/", 2}})) << answers;
}

TEST_F(Protocol, RefusesAndClosesWithTheStatusThatSaysWhy) {
  const auto body = [](const char* headers) {
    return std::string("POST /echo HTTP/1.1\r\nHost: a\r\n") + headers + "\r\n\r\n";
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"what is this?\r\n\r\n", "400 Bad Request"},
      {body("Content-Length: 1\r\nContent-Length: 2"), "400 Bad Request"},
      {body("Content-Length: 1\r\nTransfer-Encoding: chunked"), "400 Bad Request"},
      {body("Content-Length: 101"), "413 Content Too Large"},
      {"GET /" + std::string(2000, 'a') + " HTTP/1.1\r\n", "414 URI Too Long"},
      {body("Content-Length: 1\r\nContent-Encoding: gzip"), "415 Unsupported Media Type"},
      {body("Expect: cake"), "417 Expectation Failed"},
      {body(("X: " + std::string(1000, 'x')).c_str()), "431 Request Header Fields Too Large"},
      {"BREW / HTTP/1.1\r\n", "501 Not Implemented"},
      {"GET / HTTP/3.0\r\n", "505 HTTP Version Not Supported"},
  };
  for (const auto& [bytes, status] : cases) {
    EXPECT_EQ(talk(bytes + hello_request),
              "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        << bytes;
  }
  EXPECT_EQ(target_.stats()["requests"], (json{{"other", cases.size()}}));
}

TEST_F(Protocol, AnswersWhatCameBeforeARefusedRequest) {
  const std::string answers = talk(hello_request + "nonsense\r\n\r\n");
  EXPECT_THAT(answers, StartsWith("HTTP/1.1 200 OK"));
  EXPECT_THAT(answers, HasSubstr("\r\n\r\nHTTP/1.1 400 Bad Request"));
}

// The answer would be lost if the connection were reset.
TEST_F(Protocol, ARefusalReachesAClientThatKeepsSending) {
  RawClient client(port());
  client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" +
              std::string(1'000'000, 'x'));
  EXPECT_THAT(client.read_head(), StartsWith("HTTP/1.1 413"));
  client.shut_down_sending();
  EXPECT_TRUE(client.read_end());
}

TEST_F(Protocol, OtherMethodsAreToldWhatIsAllowed) {
  for (const char* method : {"POST", "PUT", "DELETE", "PATCH", "OPTIONS"}) {
    const std::string answer =
        talk(std::string(method) + " /metadata/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 405 Method Not Allowed\r\n")) << method;
    EXPECT_THAT(answer, HasSubstr("\r\nAllow: GET, HEAD\r\n")) << method;
  }
}

TEST_F(Protocol, NothingIsCompressedOrCutIntoParts) {
  const std::string answer =
      talk("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nRange: bytes=0-0,1-1\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Encoding")));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nOK"));
}

TEST_F(Protocol, EncodedLineEndsForgeNoHeader) {
  EXPECT_THAT(talk("GET /hello?a=%0d%0aX:%20y HTTP/1.1\r\nHost: a%0d%0aX: y\r\n\r\n"),
              Not(HasSubstr("\nX:")));
}

}  // namespace
}  // namespace hello
