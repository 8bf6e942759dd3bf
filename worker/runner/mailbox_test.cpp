// The mailbox: order, wake-ups by its descriptor, posts from many threads.
#include "runner/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <thread>
#include <vector>

namespace locust::runner {
namespace {

bool readable(const Mailbox& mailbox, int timeout_ms = 0) {
  pollfd one{mailbox.fd(), POLLIN, 0};
  return poll(&one, 1, timeout_ms) == 1;
}

TEST(Mailbox, RunsInOrderAndIsReadableUntilThen) {
  Mailbox mailbox;
  std::vector<int> ran;
  EXPECT_FALSE(readable(mailbox));
  mailbox.run();
  mailbox.post([&] { ran.push_back(1); });
  mailbox.post([&] { ran.push_back(2); });
  EXPECT_TRUE(readable(mailbox));
  EXPECT_TRUE(ran.empty());
  mailbox.run();
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
  EXPECT_FALSE(readable(mailbox));
  mailbox.run();
  EXPECT_EQ(ran.size(), 2U);
}

TEST(Mailbox, WhatIsPostedWhileItRunsIsRunNextTime) {
  Mailbox mailbox;
  int ran = 0;
  mailbox.post([&] {
    ++ran;
    mailbox.post([&] { ++ran; });
  });
  mailbox.run();
  EXPECT_EQ(ran, 1);
  EXPECT_TRUE(readable(mailbox));
  mailbox.run();
  EXPECT_EQ(ran, 2);
}

TEST(Mailbox, WhatWasNotRunIsDestroyedWithIt) {
  const auto held = std::make_shared<int>(1);
  {
    Mailbox mailbox;
    mailbox.post([held] {});
  }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Mailbox, ThreadsPostWithoutLossInTheirOwnOrder) {
  constexpr int kThreads = 4;
  constexpr int kPosts = 3000;
  Mailbox mailbox;
  std::vector<int> last(kThreads, -1);
  int ran = 0;
  bool ordered = true;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < kPosts; ++i) {
        mailbox.post([&, thread, i] {
          int& before = last[static_cast<std::size_t>(thread)];
          ordered = ordered && i == before + 1;
          before = i;
          ++ran;
        });
      }
    });
  }
  while (ran < kThreads * kPosts) {
    ASSERT_TRUE(readable(mailbox, 10'000)) << "a wake-up was lost";
    mailbox.run();
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(ordered);
  EXPECT_EQ(ran, kThreads * kPosts);
}

}  // namespace
}  // namespace locust::runner
