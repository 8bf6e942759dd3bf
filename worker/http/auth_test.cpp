// Expected values: the RFCs' own examples, and what requests 2.34 answers to the same challenges
// with the same client nonce.
#include "http/auth.h"

#include <gtest/gtest.h>

#include <string>

namespace locust::http {
namespace {

TEST(Auth, Base64) {  // RFC 4648, 10
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foob"), "Zm9vYg==");
  EXPECT_EQ(base64("\xff\xfe"), "//4=");
}

TEST(Auth, Basic) {  // RFC 7617, 2 and 2.1
  EXPECT_EQ(basic_authorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  EXPECT_EQ(basic_authorization("test", "123\xc2\xa3"), "Basic dGVzdDoxMjPCow==");
  EXPECT_EQ(basic_authorization("\xe9", "\xfc"), "Basic 6Tr8");  // Latin-1, as requests
}

TEST(Auth, Bearer) { EXPECT_EQ(bearer_authorization("mF_9.B5f"), "Bearer mF_9.B5f"); }

constexpr auto kRfc2617 =
    R"(Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41")";

TEST(DigestAuth, Rfc2617) {
  DigestAuth auth("Mufasa", "Circle Of Life");
  EXPECT_FALSE(auth.ready());
  ASSERT_TRUE(auth.challenge(kRfc2617));
  EXPECT_TRUE(auth.ready());
  const auto header = auth.authorization("GET", "/dir/index.html", "0a4f113b");
  EXPECT_NE(header.find(R"(response="6629fae49393a05397450978507c4ef1")"), std::string::npos)
      << header;
}

TEST(DigestAuth, Rfc7616WithBothAlgorithms) {
  const std::string rest =
      R"( realm="http-auth@example.org", qop="auth, auth-int", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS")";
  const std::string cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
  DigestAuth auth("Mufasa", "Circle of Life");
  ASSERT_TRUE(
      auth.challenge("Digest algorithm=SHA-256," + rest + ", Digest algorithm=MD5," + rest));
  EXPECT_NE(auth.authorization("GET", "/dir/index.html", cnonce)
                .find("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            std::string::npos);
  ASSERT_TRUE(
      auth.challenge("Digest algorithm=MD5, nonce=\"\", realm=x, Digest algorithm=MD5," + rest));
  DigestAuth md5("Mufasa", "Circle of Life");
  ASSERT_TRUE(md5.challenge("Digest algorithm=MD5," + rest));
  EXPECT_NE(md5.authorization("GET", "/dir/index.html", cnonce)
                .find("\"8ca523f5e9506fed4657c9700eebdbec\""),
            std::string::npos);
}

TEST(DigestAuth, CountsTheUsesOfANonceAsRequests) {
  DigestAuth auth("Mufasa", "Circle Of Life");
  ASSERT_TRUE(auth.challenge(kRfc2617));
  const std::string start =
      R"(Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html?x=1", response=)";
  const std::string middle = R"(, opaque="5ccc069c403ebaf9f0171e9517f40e41", qop="auth", nc=)";
  EXPECT_EQ(auth.authorization("GET", "/dir/index.html?x=1", "edbf39d5431fe848"),
            start + "\"1890ca80157cf8040e7ceec2dd96f609\"" + middle +
                R"(00000001, cnonce="edbf39d5431fe848")");
  ASSERT_TRUE(auth.challenge(kRfc2617));  // the same nonce
  EXPECT_EQ(auth.authorization("GET", "/dir/index.html?x=1", "0685f816aa656f6b"),
            start + "\"72f3b7531f23622c18a0c982548ddc67\"" + middle +
                R"(00000002, cnonce="0685f816aa656f6b")");
  ASSERT_TRUE(auth.challenge(R"(Digest realm="r", nonce="new", qop=auth)"));
  EXPECT_NE(auth.authorization("GET", "/").find("nc=00000001"), std::string::npos);
}

TEST(DigestAuth, OtherFormsAsRequests) {
  DigestAuth auth("u", "p");
  ASSERT_TRUE(auth.challenge(R"(Digest realm="r", nonce="n", algorithm=MD5-sess, qop="auth")"));
  EXPECT_EQ(auth.authorization("POST", "/x", "c0c17aa50b98a39b"),
            R"(Digest username="u", realm="r", nonce="n", uri="/x", )"
            R"(response="09cc5fe4848ce9cd2146938ad9f9dc2a", algorithm="MD5-sess", qop="auth", )"
            R"(nc=00000001, cnonce="c0c17aa50b98a39b")");
  DigestAuth old("u", "p");
  ASSERT_TRUE(old.challenge(R"(Basic realm="x", digest realm="r", nonce="n")"));
  EXPECT_EQ(old.authorization("GET", "/"), R"(Digest username="u", realm="r", nonce="n", uri="/", )"
                                           R"(response="f23121ca97143c6b358da620220c83b4")");
}

TEST(DigestAuth, RefusesWhatItCannotAnswer) {
  DigestAuth auth("u", "p");
  EXPECT_FALSE(auth.challenge(""));
  EXPECT_FALSE(auth.challenge(R"(Basic realm="x")"));
  EXPECT_FALSE(auth.challenge(R"(Digest nonce="n")"));
  EXPECT_FALSE(auth.challenge(R"(Digest realm="r")"));
  EXPECT_FALSE(auth.challenge(R"(Digest realm="r", nonce="n", qop="auth-int")"));
  EXPECT_FALSE(auth.challenge(R"(Digest realm="r", nonce="n", algorithm=SHA3)"));
  EXPECT_FALSE(auth.ready());
}

TEST(DigestAuth, MakesItsOwnClientNonce) {
  DigestAuth auth("u", "p");
  ASSERT_TRUE(auth.challenge(R"(Digest realm="r", nonce="n", qop="auth")"));
  EXPECT_NE(auth.authorization("GET", "/"), auth.authorization("GET", "/"));
  const auto header = auth.authorization("GET", "/");
  const auto at = header.find("cnonce=\"");
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(header.size() - at, std::string("cnonce=\"0123456789abcdef\"").size());
}

}  // namespace
}  // namespace locust::http
