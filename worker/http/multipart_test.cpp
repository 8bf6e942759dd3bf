// Expected bodies: what requests 2.34 (with urllib3 2.8) and geventhttpclient 2.6 make of the same
// fields and files.
#include "http/multipart.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace locust::http {
namespace {

TEST(Multipart, IsWhatRequestsSends) {
  const auto encoded = encode_multipart({{"k\"", "v\xc3\xbc", {}, "", {}},
                                         {"f", "data", "a\"b\r\n\\\xc3\xbc.txt", "text/plain", {}},
                                         {"g", std::string("\0\1", 2), "x.bin", "", {}}},
                                        "d1cb08a16453d004175cae404b78921f");
  EXPECT_EQ(encoded.content_type, "multipart/form-data; boundary=d1cb08a16453d004175cae404b78921f");
  const std::string separator = "--d1cb08a16453d004175cae404b78921f";
  EXPECT_EQ(
      encoded.body,
      separator + "\r\nContent-Disposition: form-data; name=\"k%22\"\r\n\r\nv\xc3\xbc\r\n" +
          separator +
          "\r\nContent-Disposition: form-data; name=\"f\"; "
          "filename=\"a%22b%0D%0A\\\xc3\xbc.txt\"\r\nContent-Type: text/plain\r\n\r\ndata\r\n" +
          separator + "\r\nContent-Disposition: form-data; name=\"g\"; filename=\"x.bin\"\r\n\r\n" +
          std::string("\0\1", 2) + "\r\n" + separator + "--\r\n");
  EXPECT_EQ(encoded.body.size(), 371U);
}

TEST(Multipart, PartsMayHaveHeaders) {
  EXPECT_EQ(
      encode_multipart({{"h", "q", "y", "a/b", {{"X-Y", "z"}}}, {"i", "", "n", "", {}}}, "BOUND")
          .body,
      "--BOUND\r\nContent-Disposition: form-data; name=\"h\"; filename=\"y\"\r\n"
      "Content-Type: a/b\r\nX-Y: z\r\n\r\nq\r\n"
      "--BOUND\r\nContent-Disposition: form-data; name=\"i\"; filename=\"n\"\r\n\r\n\r\n"
      "--BOUND--\r\n");
}

TEST(Multipart, BoundaryIsRandom) {
  const auto a = encode_multipart({});
  const auto b = encode_multipart({});
  EXPECT_NE(a.content_type, b.content_type);
  EXPECT_EQ(a.content_type.size(), std::string("multipart/form-data; boundary=").size() + 32);
  EXPECT_EQ(a.body, "--" + a.content_type.substr(30) + "--\r\n");
}

TEST(Multipart, RefusesWhatWouldBreakItApart) {
  EXPECT_THROW(encode_multipart({}, "a b"), std::invalid_argument);
  EXPECT_THROW(encode_multipart({}, "a\r\nb"), std::invalid_argument);
  EXPECT_THROW(encode_multipart({}, std::string(71, 'x')), std::invalid_argument);
  EXPECT_THROW(encode_multipart({{"a", "", {}, "a/b\r\nX: y", {}}}), std::invalid_argument);
  EXPECT_THROW(encode_multipart({{"a", "", {}, "", {{"X: y", "z"}}}}), std::invalid_argument);
  EXPECT_THROW(encode_multipart({{"a", "", {}, "", {{"X", "z\nY: z"}}}}), std::invalid_argument);
}

}  // namespace
}  // namespace locust::http
