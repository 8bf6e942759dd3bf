// Expected results: what Python's zlib and brotli 1.2 give for the same bytes, by the calls that
// geventhttpclient makes. The bodies were made by Python's gzip, zlib, brotli and by zstd(1).
#include "http/content_decoder.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

namespace locust::http {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

std::string hello() {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "hello ";
  return text;
}

std::string gzip() {
  return from_hex("1f8b0800000000000203cb48cdc9c957c81825892001c14842592c010000");
}
std::string empty_gzip() { return from_hex("1f8b080000000000020303000000000000000000"); }
std::string zlib() { return from_hex("789ccb48cdc9c957c81825892001e7aa6e29"); }
std::string raw_deflate() { return from_hex("cb48cdc9c957c81825892001"); }
std::string brotli() { return from_hex("1b2b01f88d946ede445586966c206f315b1c001c07"); }
std::string gzip_in_brotli() {
  return from_hex("8b0e801f8b0800000000000203cb48cdc9c957c81825892001c14842592c01000003");
}
std::string zstd() { return from_hex("28b52ffd04586d00003068656c6c6f20010023514b11dcdd7ecc"); }

std::string without_last(std::string bytes, std::size_t count) {
  bytes.resize(bytes.size() - count);
  return bytes;
}

// The decoded body or the error, the same however the body arrives.
std::string decode(std::string_view encoding, const std::string& body) {
  DecoderPool pool;
  std::string results[3];
  const std::size_t pieces[] = {body.size() + 1, 7, 1};
  ContentDecoder decoder(pool);
  for (int i = 0; i < 3; ++i) {
    bool ok = decoder.start(encoding);
    for (std::size_t at = 0; ok && at < body.size(); at += pieces[i]) {
      ok = decoder.feed(std::string_view(body).substr(at, pieces[i]), &results[i]);
    }
    if (!(ok && decoder.finish())) results[i] = decoder.error();
  }
  EXPECT_EQ(results[0], results[1]) << encoding;
  EXPECT_EQ(results[0], results[2]) << encoding;
  return results[0];
}

constexpr auto kHeader = "error('Error -3 while decompressing data: incorrect header check')";
constexpr auto kTruncated =
    "error('Error -5 while decompressing data: incomplete or truncated stream')";
constexpr auto kBrotli = "error('brotli: decoder failed')";

TEST(ContentDecoder, Gzip) {
  EXPECT_EQ(decode("gzip", gzip()), hello());
  EXPECT_EQ(decode(" X-GZIP ", gzip()), hello());
  EXPECT_EQ(decode("gzip", "not gzip at all"), kHeader);
  EXPECT_EQ(decode("gzip", without_last(gzip(), 4)), kTruncated);
  EXPECT_EQ(decode("gzip", gzip().substr(0, 20)), kTruncated);
  EXPECT_EQ(decode("gzip", gzip().substr(0, 1)), kTruncated);
  EXPECT_EQ(decode("gzip", without_last(gzip(), 8) + std::string(8, '\0')),
            "error('Error -3 while decompressing data: incorrect data check')");
  EXPECT_EQ(decode("gzip", without_last(gzip(), 4) + std::string("\1\0\0\0", 4)),
            "error('Error -3 while decompressing data: incorrect length check')");
}

TEST(ContentDecoder, GzipMayHaveSeveralMembersAndJunkBehind) {
  EXPECT_EQ(decode("gzip", gzip() + gzip()), hello() + hello());
  EXPECT_EQ(decode("gzip", gzip() + empty_gzip() + gzip()), hello() + hello());
  EXPECT_EQ(decode("gzip", gzip() + "trailing"), hello());
  EXPECT_EQ(decode("gzip", gzip() + "\x1f"), hello());
  EXPECT_EQ(decode("gzip", gzip() + "\x1f\x20junk"), hello());
  EXPECT_EQ(decode("gzip", gzip() + without_last(gzip(), 3)), kTruncated);
}

TEST(ContentDecoder, DeflateWithAndWithoutItsWrapper) {
  EXPECT_EQ(decode("deflate", zlib()), hello());
  EXPECT_EQ(decode("deflate", raw_deflate()), hello());
  EXPECT_EQ(decode("deflate", zlib() + "tt"), hello());
  EXPECT_EQ(decode("deflate", raw_deflate() + "tt"), hello());
  EXPECT_EQ(decode("deflate", from_hex("0300")), "");
  EXPECT_EQ(decode("deflate", "xxxx not"), kHeader);
  EXPECT_EQ(decode("deflate", without_last(zlib(), 2)), kTruncated);
  EXPECT_EQ(decode("deflate", without_last(raw_deflate(), 2)), kTruncated);
  EXPECT_EQ(decode("deflate", "\x78"), kTruncated);
  EXPECT_EQ(decode("deflate", without_last(zlib(), 4) + std::string(4, '\0')),
            "error('Error -3 while decompressing data: incorrect data check')");
  // A stream that needs a dictionary (zlib.compressobj(zdict=b"hello ")).
  EXPECT_EQ(decode("deflate", from_hex("78bb08610235cb1825892601e7aa6e29")),
            "error('Error 2 while decompressing data')");
}

TEST(ContentDecoder, Brotli) {
  EXPECT_EQ(decode("br", brotli()), hello());
  EXPECT_EQ(decode("br", "not br"), kBrotli);
  EXPECT_EQ(decode("br", without_last(brotli(), 2)), kBrotli);
  EXPECT_EQ(decode("br", brotli() + "xx"), kBrotli);
}

TEST(ContentDecoder, Zstd) {
  EXPECT_EQ(decode("zstd", zstd()), hello());
  EXPECT_EQ(decode("zstd", zstd() + zstd()), hello() + hello());
  EXPECT_EQ(decode("zstd", without_last(zstd(), 2)), "DecodeError('Zstandard data is incomplete')");
  EXPECT_EQ(decode("zstd", "not zstd"),
            "ZstdError('Unable to decompress Zstandard data: Unknown frame descriptor')");
  // Formats from before the standard (here 0.6) are none.
  EXPECT_EQ(decode("zstd", from_hex("26b52ffd04000000")),
            "ZstdError('Unable to decompress Zstandard data: Unknown frame descriptor')");
  // A frame header that asks for a window of 128 MiB.
  EXPECT_EQ(decode("zstd", from_hex("28b52ffd0088010000")),
            "ZstdError('Unable to decompress Zstandard data: Frame requires too much memory for "
            "decoding')");
}

TEST(ContentDecoder, SeveralCodings) {
  EXPECT_EQ(decode("gzip, br", gzip_in_brotli()), hello());
  EXPECT_EQ(decode("gzip,identity , ,BR", gzip_in_brotli()), hello());
  EXPECT_EQ(decode("br, gzip", gzip_in_brotli()), kHeader);
  EXPECT_EQ(decode("gzip, gzip, gzip, gzip, gzip, gzip", ""),
            "DecodeError('Too many content encodings in the chain: 6 > 5')");
}

TEST(ContentDecoder, NoneAndUnknownOnes) {
  EXPECT_EQ(decode("", "as it is"), "as it is");
  EXPECT_EQ(decode("identity", "as it is"), "as it is");
  EXPECT_EQ(decode("foo", "x"), "ValueError('Unknown content encoding: foo')");
  EXPECT_EQ(decode("compress", "x"), "ValueError('Compression type not supported: compress')");
}

TEST(ContentDecoder, ABodyWithoutBytesIsWhole) {
  for (const auto* encoding : {"gzip", "deflate", "br", "zstd", "gzip, br", ""}) {
    EXPECT_EQ(decode(encoding, ""), "") << encoding;
  }
}

TEST(ContentDecoder, CountsWithoutKeeping) {
  DecoderPool pool;
  ContentDecoder decoder(pool);
  ASSERT_TRUE(decoder.start("gzip"));
  EXPECT_FALSE(decoder.is_identity());
  EXPECT_TRUE(decoder.feed(gzip(), nullptr));
  EXPECT_TRUE(decoder.finish());
  EXPECT_EQ(decoder.received_bytes(), 30U);
  EXPECT_EQ(decoder.decoded_bytes(), 300U);
  ASSERT_TRUE(decoder.start(""));
  EXPECT_TRUE(decoder.is_identity());
  EXPECT_TRUE(decoder.feed("abc", nullptr));
  EXPECT_EQ(decoder.decoded_bytes(), 3U);
}

TEST(ContentDecoder, StaysFailedUntilTheNextBody) {
  DecoderPool pool;
  ContentDecoder decoder(pool);
  std::string kept;
  ASSERT_TRUE(decoder.start("gzip"));
  EXPECT_FALSE(decoder.feed("not gzip", &kept));
  EXPECT_FALSE(decoder.feed(gzip(), &kept));
  EXPECT_FALSE(decoder.finish());
  EXPECT_EQ(decoder.error(), kHeader);
  ASSERT_TRUE(decoder.start("gzip"));
  EXPECT_EQ(decoder.error(), "");
  EXPECT_TRUE(decoder.feed(gzip(), &kept));
  EXPECT_TRUE(decoder.finish());
  EXPECT_EQ(kept, hello());
}

std::string compressed(const std::string& bytes) {
  std::string result(compressBound(bytes.size()), '\0');
  uLongf size = result.size();
  EXPECT_EQ(compress(reinterpret_cast<Bytef*>(result.data()), &size,
                     reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()),
            Z_OK);
  result.resize(size);
  return result;
}

TEST(ContentDecoder, LimitsWhatABodyDecodesTo) {
  DecoderPool pool;
  DecodeLimits limits;
  limits.most = 200'000;
  ContentDecoder decoder(pool, limits);
  std::string kept;
  for (std::string* into : {&kept, static_cast<std::string*>(nullptr)}) {
    ASSERT_TRUE(decoder.start("deflate"));
    EXPECT_TRUE(decoder.feed(compressed(std::string(200'000, 'x')), into));
    EXPECT_TRUE(decoder.finish());
    kept.clear();
    ASSERT_TRUE(decoder.start("deflate"));
    EXPECT_FALSE(decoder.feed(compressed(std::string(200'001, 'x')), into));
    EXPECT_EQ(
        decoder.error(),
        "ContentDecodingError('a body encoded with deflate decodes to more than 200000 bytes')");
    EXPECT_LE(kept.size(), 200'000U);
  }
  // Nor may it grow that far on the way to something small.
  ASSERT_TRUE(decoder.start("gzip, deflate"));
  std::string members;
  for (int i = 0; i < 11'000; ++i) members += empty_gzip();
  EXPECT_FALSE(decoder.feed(compressed(members), nullptr));
  EXPECT_EQ(decoder.error(),
            "ContentDecodingError('a body encoded with gzip, deflate decodes to more than 200000 "
            "bytes')");
}

TEST(ContentDecoder, LimitsTheRatioBeyondEightMegabytes) {
  DecoderPool pool;
  DecodeLimits limits;
  limits.most_ratio = 500;
  ContentDecoder decoder(pool, limits);
  ASSERT_TRUE(decoder.start("deflate"));
  EXPECT_TRUE(decoder.feed(compressed(std::string(8U << 20U, 'x')), nullptr));
  EXPECT_TRUE(decoder.finish());
  ASSERT_TRUE(decoder.start("deflate"));
  EXPECT_FALSE(decoder.feed(compressed(std::string((8U << 20U) + 1, 'x')), nullptr));
  EXPECT_EQ(decoder.error(),
            "ContentDecodingError('a body encoded with deflate decodes to more than 500 times its "
            "size')");
}

}  // namespace
}  // namespace locust::http
