// Files as bodies. The texts of failures are those of Python's exceptions for the same files.
#include "http/file_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace locust::http {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;
using Status = BodyReader::Status;

class FileSourceTest : public testing::Test {
 protected:
  FileSourceTest() { write("0123456789"); }
  ~FileSourceTest() override { std::filesystem::remove(path_); }

  void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }

  // What a reader gives, `room` bytes at a time; then the status it ends with.
  static std::pair<std::string, Status> read(BodyReader& reader, std::size_t room = 4) {
    std::string all;
    std::array<char, 100> bytes{};
    for (;;) {
      std::size_t size = 0;
      const Status status = reader.read({bytes.data(), room}, size);
      if (status != Status::some) return {all, status};
      all.append(bytes.data(), size);
    }
  }

  const std::string path_ = testing::TempDir() + "file_source_" + std::to_string(::getpid());
};

using Whole = std::pair<std::string, Status>;

TEST_F(FileSourceTest, IsReadFromStartToEnd) {
  const FileSource source(path_);
  EXPECT_EQ(source.size(), 10U);
  EXPECT_TRUE(source.rewindable());
  for (const std::size_t room : {1U, 4U, 10U, 100U}) {
    EXPECT_EQ(read(*source.open(), room), Whole("0123456789", Status::ended));
  }
}

TEST_F(FileSourceTest, ReadersAreIndependent) {
  const FileSource source(path_);
  const auto one = source.open();
  std::array<char, 3> bytes{};
  std::size_t size = 0;
  ASSERT_EQ(one->read(bytes, size), Status::some);
  EXPECT_EQ(read(*source.open()).first, "0123456789");
  EXPECT_EQ(read(*one).first, "3456789");
}

TEST_F(FileSourceTest, APartOfIt) {
  const FileSource source(path_, 3, 5);
  EXPECT_EQ(source.size(), 5U);
  EXPECT_EQ(read(*source.open()), Whole("34567", Status::ended));
  EXPECT_EQ(read(*FileSource(path_, 10, 0).open()), Whole("", Status::ended));
}

TEST_F(FileSourceTest, OutlivesItsSource) {
  auto source = std::make_unique<FileSource>(path_);
  const auto reader = source->open();
  source.reset();
  EXPECT_EQ(read(*reader).first, "0123456789");
}

TEST_F(FileSourceTest, WhatIsAppendedLaterIsNotRead) {
  const FileSource source(path_);
  write("0123456789abc");
  EXPECT_EQ(read(*source.open()), Whole("0123456789", Status::ended));
}

TEST_F(FileSourceTest, OneThatHasBecomeShorterEnds) {
  const FileSource source(path_);
  write("012");
  EXPECT_EQ(read(*source.open()), Whole("012", Status::ended));
}

TEST_F(FileSourceTest, OneThatHasGoneIsAFailureOfTheRequest) {
  const FileSource source(path_);
  std::filesystem::remove(path_);
  const auto reader = source.open();
  EXPECT_EQ(read(*reader), Whole("", Status::failed));
  EXPECT_EQ(reader->failure(), "FileNotFoundError(2, 'No such file or directory')");
}

TEST_F(FileSourceTest, WhatCannotBeABodyIsSaidAtOnce) {
  EXPECT_THAT([] { FileSource("/nonexistent/file"); },
              ThrowsMessage<std::invalid_argument>(
                  "the file '/nonexistent/file' cannot be read: No such file or directory"));
  EXPECT_THAT([] { FileSource("/"); },
              ThrowsMessage<std::invalid_argument>("'/' is not a regular file"));
  EXPECT_THAT([] { FileSource("/dev/null"); },
              ThrowsMessage<std::invalid_argument>("'/dev/null' is not a regular file"));
  EXPECT_THAT([&] { FileSource(path_, 3, 8); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("has only 10 bytes")));
  EXPECT_THAT([&] { FileSource(path_, 11, 0); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("has only 10 bytes")));
  EXPECT_THAT([&] { FileSource(path_, 2, ~std::uint64_t{0}); },
              ThrowsMessage<std::invalid_argument>(HasSubstr("has only 10 bytes")));
}

}  // namespace
}  // namespace locust::http
