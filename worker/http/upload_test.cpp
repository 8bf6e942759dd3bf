// A streamed body as the bytes on the wire. Expected: RFC 9112, 7.1 (chunks), and http.client,
// which sends a generator's pieces in the same form.
#include "http/upload.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace locust::http {
namespace {

using Status = Upload::Status;

// Gives these pieces; an empty one is "later".
class Pieces final : public BodyReader {
 public:
  explicit Pieces(std::vector<std::string> pieces, std::string failure = {})
      : pieces_(std::move(pieces)), failure_(std::move(failure)) {}

  Status read(std::span<char> into, std::size_t& size) override {
    most_asked = std::max(most_asked, into.size());
    if (pieces_.empty()) return failure_.empty() ? Status::ended : Status::failed;
    std::string& piece = pieces_.front();
    if (piece.empty()) {
      pieces_.erase(pieces_.begin());
      return Status::later;
    }
    size = piece.copy(into.data(), into.size());
    piece.erase(0, size);
    if (piece.empty()) pieces_.erase(pieces_.begin());
    return Status::some;
  }
  std::string failure() const override { return failure_; }

  static inline std::size_t most_asked = 0;

 private:
  std::vector<std::string> pieces_;
  std::string failure_;
};

Upload upload(std::vector<std::string> pieces, std::optional<std::uint64_t> size,
              std::string failure = {}) {
  return {std::make_unique<Pieces>(std::move(pieces), std::move(failure)), size};
}

// All of it, with "|" after each piece and "…" where it has to wait; then its failure.
std::string all(Upload upload) {
  std::string out;
  for (int i = 0; i < 100; ++i) {
    std::string_view bytes = "untouched";
    switch (upload.next(bytes)) {
      case Status::some:
        out.append(bytes).append("|");
        break;
      case Status::later:
        out += "…";
        break;
      case Status::ended:
        return out + "end";
      case Status::failed:
        return out + upload.failure();
    }
  }
  return out + "endless";
}

TEST(Upload, OfAKnownSizeGoesAsItIs) {
  EXPECT_EQ(all(upload({"hello ", "world"}, 11)), "hello |world|end");
  EXPECT_EQ(all(upload({}, 0)), "end");
}

TEST(Upload, OfUnknownSizeGoesInChunks) {
  EXPECT_EQ(all(upload({"hello ", "world, and more"}, std::nullopt)),
            "6\r\nhello \r\n|f\r\nworld, and more\r\n|0\r\n\r\n|end");
  EXPECT_EQ(all(upload({}, std::nullopt)), "0\r\n\r\n|end");
}

TEST(Upload, WaitsForItsReader) {
  EXPECT_EQ(all(upload({"", "a", "", "", "b"}, std::nullopt)),
            "…1\r\na\r\n|……1\r\nb\r\n|0\r\n\r\n|end");
  EXPECT_EQ(all(upload({"a", "", "b"}, 2)), "a|…b|end");
}

TEST(Upload, SendsNoMoreThanWasPromised) {
  EXPECT_EQ(all(upload({"hello", "world"}, 7)), "hello|wo|end");
}

TEST(Upload, OfLessThanWasPromisedFails) {
  EXPECT_EQ(all(upload({"hello"}, 7)), "hello|ValueError('the body ended after 5 of 7 bytes')");
}

TEST(Upload, TellsWhatItsReaderTells) {
  const std::string failure = "OSError(5, 'Input/output error')";
  EXPECT_EQ(all(upload({"hello"}, 7, failure)), "hello|" + failure);
  EXPECT_EQ(all(upload({"hello"}, std::nullopt, failure)), "5\r\nhello\r\n|" + failure);
}

TEST(Upload, OfAnOpenedSourceThatCannotBeOpenedAgainFails) {
  EXPECT_EQ(all(Upload(nullptr, 7)),
            "UnrewindableBodyError('Unable to rewind request body for redirect.')");
}

TEST(Upload, HasAPieceInMemoryAndNoMore) {
  const std::string large(200'000, 'a');
  Pieces::most_asked = 0;
  const std::string sent = all(upload({large}, std::nullopt));
  EXPECT_EQ(Pieces::most_asked, 64U * 1024);
  const std::string piece = "10000\r\n" + large.substr(0, 65536) + "\r\n|";
  EXPECT_TRUE(sent ==
              piece + piece + piece + "d40\r\n" + large.substr(0, 3392) + "\r\n|0\r\n\r\n|end");
}

// Every number of hex digits that a chunk's size can have.
TEST(Upload, WritesTheSizeOfAChunkInHex) {
  for (const std::size_t size : {1U, 15U, 16U, 255U, 256U, 4095U, 4096U, 65535U, 65536U}) {
    const std::string body(size, 'x');
    EXPECT_TRUE(all(upload({body}, std::nullopt)) ==
                fmt::format("{:x}\r\n{}\r\n|0\r\n\r\n|end", size, body))
        << size;
  }
}

}  // namespace
}  // namespace locust::http
