#include "python/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

namespace locust::python {
namespace {

SteadyTime at(int ms) { return SteadyTime(milliseconds(100'000 + ms)); }

PythonLog line(const char* text) { return {log::Level::info, "locust", text}; }

bool readable(const Inbox& inbox) {
  pollfd one{inbox.fd(), POLLIN, 0};
  return poll(&one, 1, 0) == 1;
}

TEST(Inbox, IsReadableWhileSomethingWaits) {
  Inbox inbox;
  EXPECT_FALSE(readable(inbox));
  inbox.put(PythonMessage{"a", nullptr}, at(0));
  inbox.put(PythonMessage{"b", nullptr}, at(0));
  EXPECT_TRUE(readable(inbox));
  const auto items = inbox.take();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(std::get<PythonMessage>(items[1]).type, "b");
  EXPECT_FALSE(readable(inbox));
  inbox.put(PythonMessage{"c", nullptr}, at(1));
  EXPECT_TRUE(readable(inbox));
}

TEST(Inbox, HeartbeatsDoNotPileUp) {
  Inbox inbox;
  for (int i = 0; i < 60; ++i) inbox.put(PythonMessage{"heartbeat", nullptr}, at(i * 1000));
  EXPECT_EQ(inbox.take().size(), 1U);
}

TEST(Inbox, LinesThatWaitTooLongAreWithdrawnAndNothingElse) {
  Inbox inbox;
  inbox.put(line("old"), at(0));
  inbox.put(PythonMessage{"spawn", nullptr}, at(0));
  inbox.put(line("new"), at(1000));
  const auto lines = inbox.withdraw_logs(at(500));
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text, "old");
  EXPECT_TRUE(readable(inbox));
  EXPECT_EQ(inbox.take().size(), 2U);
}

TEST(Inbox, IsNotReadableWhenAllHasBeenWithdrawn) {
  Inbox inbox;
  inbox.put(line("old"), at(0));
  inbox.withdraw_logs(at(0));
  EXPECT_FALSE(readable(inbox));
}

}  // namespace
}  // namespace locust::python
