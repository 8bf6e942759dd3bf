// The link to a master without descriptors. (With masters: compat-tests.)
#include "runner/master_link.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <zmq.hpp>

namespace locust::runner {
namespace {

class MasterLinkTest : public testing::Test {
 protected:
  MasterLinkTest() {
    master_.bind("tcp://127.0.0.1:*");
    const std::string endpoint = master_.get(zmq::sockopt::last_endpoint);
    port_ = std::stoi(endpoint.substr(endpoint.rfind(':') + 1));
    getrlimit(RLIMIT_NOFILE, &limit_);
    // A sanitizer wants descriptors for its first look at a class.
    const zmq::error_t seen;
    EXPECT_NE(seen.what(), nullptr);
  }
  ~MasterLinkTest() override { setrlimit(RLIMIT_NOFILE, &limit_); }

  void take_descriptors_away() const {
    const int next = dup(0);  // all below it are taken
    ASSERT_GE(next, 0);
    close(next);
    // Not 0: poll() refuses more descriptors than the limit, and ZeroMQ polls.
    const rlimit limit{static_cast<rlim_t>(next), limit_.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  void give_descriptors_back() const { ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit_), 0); }
  // Whether the link stands within some seconds; `at`: the time that it is told.
  static bool comes_up(MasterLink& link, SteadyTime at) {
    const SteadyTime until = std::chrono::steady_clock::now() + seconds(10);
    while (std::chrono::steady_clock::now() < until) {
      for (const LinkEvent& event : link.take_events(at)) {
        if (std::holds_alternative<LinkUp>(event)) return true;
      }
      link.wait({}, at + milliseconds(50), at);
    }
    return false;
  }

  zmq::context_t context_;
  zmq::socket_t master_{context_, zmq::socket_type::router};
  int port_ = 0;
  rlimit limit_{};
};

constexpr SteadyTime kStart(seconds(1000));

TEST_F(MasterLinkTest, ThatCannotBeOpenedIsTriedAgain) {
  MasterLink link("127.0.0.1", port_, "worker_1");
  take_descriptors_away();
  link.open();
  EXPECT_TRUE(link.take_events(kStart).empty());
  link.wait({}, kStart + milliseconds(1), kStart);
  EXPECT_FALSE(link.send("frame"));
  EXPECT_TRUE(link.take_events(kStart + seconds(5)).empty());
  give_descriptors_back();
  EXPECT_TRUE(comes_up(link, kStart + seconds(10)));
  EXPECT_TRUE(link.send("frame"));
}

TEST_F(MasterLinkTest, ThatIsClosedStaysClosed) {
  MasterLink link("127.0.0.1", port_, "worker_1");
  link.open();
  ASSERT_TRUE(comes_up(link, kStart));
  link.close();
  EXPECT_TRUE(link.take_events(kStart + seconds(60)).empty());
  EXPECT_FALSE(link.send("frame"));
}

}  // namespace
}  // namespace locust::runner
