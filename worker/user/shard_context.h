// What the users of one shard share. All of it belongs to the shard's thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/event_loop.h"
#include "http/client.h"
#include "http/dns_settings.h"
#include "stats/recorder.h"
#include "user/environment.h"
#include "user/random.h"

namespace locust {

class UserClass;

// An exception that left a user's code, for the master's exceptions tab.
struct UserError {
  std::string msg;        // what()
  std::string traceback;  // user class, task and type; the same for the same fault
};

struct ShardContext {
  EventLoop& loop;
  http::ClientContext& http;
  stats::Recorder& recorder;
  Environment& environment;
  Random random;
  std::function<void(UserError)> on_user_error;
  // Whose code was resumed last: read by the thread that looks for tasks that block their shard.
  std::atomic<const UserClass*> resumed{nullptr};

  // For a user class that looks names up in its own way: one for each such setting, beside `http`.
  http::ClientContext& http_for(const http::DnsSettings& dns);
  std::vector<std::pair<http::DnsSettings, std::unique_ptr<http::ClientContext>>> with_own_dns = {};
};

}  // namespace locust
