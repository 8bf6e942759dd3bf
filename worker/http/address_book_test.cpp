// How long addresses serve, and in which order connections take them (RFC 8305, 4).
#include "http/address_book.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace locust::http {
namespace {

using Strings = std::vector<std::string>;

Addresses addresses(const Strings& texts) {
  Addresses result;
  for (const std::string& text : texts) result.push_back(boost::asio::ip::make_address(text));
  return result;
}

Strings next(AddressBook& book, const std::string& name = "a") {
  Strings result;
  for (const auto& address : book.next(name)) result.push_back(address.to_string());
  return result;
}

const SteadyTime kNow{seconds(1000)};

TEST(AddressBook, AnAnswerServesForItsTtl) {
  AddressBook book;
  EXPECT_FALSE(book.knows("a", kNow));
  EXPECT_EQ(next(book), Strings());
  book.store("a", addresses({"1.1.1.1"}), seconds(1), kNow);
  EXPECT_TRUE(book.knows("a", kNow));
  EXPECT_TRUE(book.knows("a", kNow + milliseconds(999)));
  EXPECT_FALSE(book.knows("a", kNow + seconds(1)));
  EXPECT_FALSE(book.knows("b", kNow));
}

TEST(AddressBook, ButForNoLongerThanFiveMinutes) {
  AddressBook book;
  book.store("a", addresses({"1.1.1.1"}), seconds(86400), kNow);
  EXPECT_TRUE(book.knows("a", kNow + seconds(299)));
  EXPECT_FALSE(book.knows("a", kNow + seconds(300)));
}

TEST(AddressBook, WithoutTtlItServesOnlyThoseThatWait) {
  AddressBook book;
  book.store("a", addresses({"1.1.1.1"}), seconds(0), kNow);
  EXPECT_FALSE(book.knows("a", kNow));
  EXPECT_EQ(next(book), Strings{"1.1.1.1"});
}

TEST(AddressBook, EachConnectionBeginsWithTheNextAddress) {
  AddressBook book(1);
  book.store("a", addresses({"1.1.1.1", "2.2.2.2", "3.3.3.3"}), seconds(60), kNow);
  EXPECT_EQ(next(book), (Strings{"2.2.2.2", "3.3.3.3", "1.1.1.1"}));
  EXPECT_EQ(next(book), (Strings{"3.3.3.3", "1.1.1.1", "2.2.2.2"}));
  EXPECT_EQ(next(book), (Strings{"1.1.1.1", "2.2.2.2", "3.3.3.3"}));
}

TEST(AddressBook, TheRotationGoesOnWithTheNextAnswer) {
  AddressBook book;
  for (const std::string first : {"1.1.1.1", "2.2.2.2", "1.1.1.1"}) {
    book.store("a", addresses({"1.1.1.1", "2.2.2.2"}), seconds(0), kNow);
    EXPECT_EQ(next(book).front(), first);
  }
}

TEST(AddressBook, EachNameHasItsOwnRotation) {
  AddressBook book;
  for (const std::string name : {"a", "b"}) {
    book.store(name, addresses({"1.1.1.1", "2.2.2.2"}), seconds(60), kNow);
  }
  EXPECT_EQ(next(book, "a").front(), "1.1.1.1");
  EXPECT_EQ(next(book, "b").front(), "1.1.1.1");
  EXPECT_EQ(next(book, "a").front(), "2.2.2.2");
}

TEST(AddressBook, TheFamiliesAlternate) {
  AddressBook book;
  book.store("a", addresses({"::1", "::2", "::3", "1.1.1.1"}), seconds(60), kNow);
  EXPECT_EQ(next(book), (Strings{"::1", "1.1.1.1", "::2", "::3"}));
  EXPECT_EQ(next(book), (Strings{"::2", "1.1.1.1", "::3", "::1"}));
  book.store("b", addresses({"1.1.1.1", "::1", "2.2.2.2"}), seconds(60), kNow);
  EXPECT_EQ(next(book, "b"), (Strings{"1.1.1.1", "::1", "2.2.2.2"}));
}

TEST(AddressBook, DoesNotGrowForEver) {
  AddressBook book;
  for (int i = 0; i < 10'000; ++i) {
    book.store(std::to_string(i), addresses({"1.1.1.1"}), seconds(1), kNow + milliseconds(10 * i));
  }
  EXPECT_LE(book.size(), 1100U);
  EXPECT_TRUE(book.knows("9999", kNow + milliseconds(99'990)));
}

}  // namespace
}  // namespace locust::http
