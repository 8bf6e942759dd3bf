// Header lookup (RFC 9110, 5.1 and 5.5) and the pool that a response's head lives in.
#include "http/response.h"

#include <gtest/gtest.h>

#include <cstring>

namespace locust::http {
namespace {

const std::string kHead =
    "HTTP/1.1 200 Looks: like a header\r\nContent-Type: text/html\r\nX-Empty:\r\nX-Space: \t a b "
    "\t\r\nX-Two: first\r\nX-Two: second\r\nX-Colons:a:b: c\r\nX-Latin: caf\xe9\r\n\r\n";

// In the pool's buffer, or in the string for large ones, with a body behind the head.
Response response_in(BufferPool& pool, bool large) {
  const std::string bytes = kHead + "X-Body: not a header\r\nX-B: no\r\n\r\n";
  Response response;
  response.buffer = pool.lend();
  std::memcpy(response.buffer.data(), bytes.data(), bytes.size());
  if (large) response.large_head = bytes;
  response.head_size = kHead.size();
  return response;
}

class Header : public testing::TestWithParam<bool> {
 protected:
  BufferPool pool_;
  Response response_ = response_in(pool_, GetParam());
};

TEST_P(Header, IsFoundInAnyCase) {
  for (const char* name : {"Content-Type", "content-type", "CONTENT-TYPE"}) {
    EXPECT_EQ(response_.header(name), "text/html") << name;
  }
}

TEST_P(Header, HasNoSpacesAroundIt) {
  EXPECT_EQ(response_.header("X-Space"), "a b");
  EXPECT_EQ(response_.header("X-Empty"), "");
  EXPECT_EQ(response_.header("X-Colons"), "a:b: c");
  EXPECT_EQ(response_.header("X-Latin"), "caf\xe9");
}

TEST_P(Header, IsTheFirstOfItsName) { EXPECT_EQ(response_.header("X-Two"), "first"); }

TEST_P(Header, IsNoneWhereThereIsNone) {
  for (const char* name : {"", "X", "X-Tw", "X-Two ", "Content-Type:", "HTTP/1.1 200 Looks",
                           "first", "X-Body", "X-B", "\r\n"}) {
    EXPECT_EQ(response_.header(name), std::nullopt) << name;
  }
}

TEST_P(Header, TheHeadEndsBeforeTheBody) { EXPECT_EQ(response_.head(), kHead); }

TEST_P(Header, SurvivesAMove) {
  const Response moved = std::move(response_);
  EXPECT_EQ(moved.header("X-Two"), "first");
}

INSTANTIATE_TEST_SUITE_P(SmallAndLarge, Header, testing::Bool());

TEST(Response, WithoutAHeadHasNoHeaders) {
  const Response response;
  EXPECT_EQ(response.header("X"), std::nullopt);
  EXPECT_EQ(response.head(), "");
  EXPECT_TRUE(response.ok());
}

TEST(BufferPool, LendsTheLastOneGivenBack) {
  BufferPool pool;
  Buffer first = pool.lend();
  Buffer second = pool.lend();
  char* const bytes = first.data();
  EXPECT_NE(bytes, second.data());
  first = {};
  EXPECT_FALSE(first);
  EXPECT_EQ(pool.lend().data(), bytes);
}

TEST(BufferPool, ABufferIsGivenBackOnceHoweverItIsMoved) {
  BufferPool pool;
  char* bytes = nullptr;
  {
    Buffer first = pool.lend();
    bytes = first.data();
    Buffer second(std::move(first));
    Buffer third;
    third = std::move(second);
    EXPECT_EQ(third.data(), bytes);
    EXPECT_FALSE(first);
    EXPECT_FALSE(second);
  }
  const Buffer one = pool.lend();
  const Buffer two = pool.lend();
  EXPECT_EQ(one.data(), bytes);
  EXPECT_NE(two.data(), bytes);
}

TEST(BufferPool, AnAssignmentGivesTheOldOneBack) {
  BufferPool pool;
  Buffer first = pool.lend();
  char* const bytes = first.data();
  first = pool.lend();
  EXPECT_NE(first.data(), bytes);
  EXPECT_EQ(pool.lend().data(), bytes);
}

TEST(ResponseTrailer, IsFoundInAnyCaseAndApartFromTheHead) {
  Response response;
  EXPECT_EQ(response.trailer("X"), std::nullopt);
  response.trailers = {{"X-Sum", "1"}, {"x-sum", "2"}, {"Y", ""}};
  EXPECT_EQ(response.trailer("x-SUM"), "1");
  EXPECT_EQ(response.trailer("y"), "");
  EXPECT_EQ(response.trailer("X-Su"), std::nullopt);
  EXPECT_EQ(response.header("X-Sum"), std::nullopt);
}

}  // namespace
}  // namespace locust::http
