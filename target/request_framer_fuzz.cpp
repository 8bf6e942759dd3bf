// Whatever arrives: the framer gives one verdict however the bytes are cut, a whole request lies
// within them, and cpp-httplib answers it with exactly one answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "target/answerer.h"
#include "target/request_framer.h"

namespace {

using hello::RequestFramer;
using Verdict = RequestFramer::Verdict;

void check(bool held) {
  if (!held) {
    std::abort();
  }
}

hello::Answerer& answerer() {
  static hello::Answerer made(std::chrono::seconds(75));
  static const bool ready = [] {
    made.routes().Post(".*", [](const auto& request, auto& response) {
      response.set_content(request.body, "text/plain");
    });
    return true;
  }();
  (void)ready;
  return made;
}

void check_answer(const RequestFramer& framer, std::string_view bytes) {
  check(framer.size() <= bytes.size());
  std::string storage;
  const std::string_view request = framer.plain(bytes, storage);
  // What is handed over is whole by itself, and nothing of it is left.
  RequestFramer again({.head_bytes = 8190, .body_bytes = 4096});
  check(again.advance(request) == Verdict::whole && again.size() == request.size());
  std::string output;
  answerer().answer(request, framer.keep_alive(), output);
  check(output.starts_with("HTTP/1.1 "));
  const std::string head = output.substr(0, output.find("\r\n\r\n") + 2);
  check((head.find("\r\nConnection: close\r\n") != head.npos) == !framer.keep_alive());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const hello::FramingLimits limits{.head_bytes = 1024, .body_bytes = 4096};
  RequestFramer at_once(limits);
  while (!bytes.empty()) {
    const Verdict verdict = at_once.advance(bytes);
    RequestFramer cut(limits);
    Verdict cut_verdict = Verdict::need_more;
    for (std::size_t end = 1; end <= bytes.size() && cut_verdict == Verdict::need_more; ++end) {
      cut_verdict = cut.advance(bytes.substr(0, end));
    }
    check(cut_verdict == verdict && cut.status() == at_once.status());
    if (verdict != Verdict::whole) {
      break;
    }
    check(cut.size() == at_once.size() && cut.keep_alive() == at_once.keep_alive());
    check_answer(at_once, bytes);
    bytes.remove_prefix(at_once.size());
    at_once.reset();
  }
  return 0;
}
