// Expected texts: what urllib.parse.urlencode, requests 2.34 and geventhttpclient 2.6 make of the
// same.
#include "http/query.h"

#include <gtest/gtest.h>

namespace locust::http {
namespace {

TEST(Query, QuotesAsPython) {
  EXPECT_EQ(quote_plus("~-_.!*'()/&=+?"), "~-_.%21%2A%27%28%29%2F%26%3D%2B%3F");
  EXPECT_EQ(quote_plus("b c\xc3\xbc\x7f%"), "b+c%C3%BC%7F%25");
  EXPECT_EQ(quote_plus(""), "");
}

TEST(Query, EncodesPairs) {
  EXPECT_EQ(urlencode({{"a", "b c"}, {"\xc3\xbc", "&"}, {"n", "1"}, {"e", ""}}),
            "a=b+c&%C3%BC=%26&n=1&e=");
  EXPECT_EQ(urlencode({{"a", "1"}, {"a", "2"}}), "a=1&a=2");
  EXPECT_EQ(urlencode({{"", ""}, {"x", "y"}}), "=&x=y");
  EXPECT_EQ(urlencode({}), "");
}

TEST(Query, IsAppendedToTheOneOfTheUrl) {
  EXPECT_EQ(append_query("http://h/p", "a=1"), "http://h/p?a=1");
  EXPECT_EQ(append_query("http://h", "a=1"), "http://h?a=1");
  EXPECT_EQ(append_query("http://h/p?x=1", "a=1"), "http://h/p?x=1&a=1");
  EXPECT_EQ(append_query("http://h/p?x=1#frag", "a=1"), "http://h/p?x=1&a=1#frag");
  EXPECT_EQ(append_query("http://h/p#f?g", "a=1"), "http://h/p?a=1#f?g");
  EXPECT_EQ(append_query("http://h/p?", "a=1"), "http://h/p?a=1");
  EXPECT_EQ(append_query("http://h/p?x=1&", "a=1"), "http://h/p?x=1&&a=1");
  EXPECT_EQ(append_query("http://h/p?x#f", ""), "http://h/p?x#f");
}

}  // namespace
}  // namespace locust::http
