// Feeds arbitrary bytes to decode(): it must neither crash nor allocate beyond reason, must give a
// reason where it refuses, and what it accepts from users must survive being sent on.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/utf8.h"
#include "protocol/codec.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

const locust::protocol::CustomFromMaster* custom(
    const std::variant<locust::protocol::FromMaster, locust::protocol::DecodeError>& decoded) {
  const auto* message = std::get_if<locust::protocol::FromMaster>(&decoded);
  return message == nullptr ? nullptr : std::get_if<locust::protocol::CustomFromMaster>(message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace locust::protocol;
  const auto decoded = decode({reinterpret_cast<const char*>(data), size});
  if (const auto* error = std::get_if<DecodeError>(&decoded)) {
    require(!error->reason.empty() && error->reason.size() < 2000);
    require(locust::is_utf8(error->reason));
    return 0;
  }
  if (const auto* spawn = std::get_if<Spawn>(&std::get<FromMaster>(decoded))) {
    for (const auto& [name, users] : spawn->user_classes_count) require(users >= 0);
    require(spawn->parsed_options.as_map() != nullptr);
  }
  if (const auto* message = custom(decoded)) {
    // Sending may change a value once (dangerous maps are disarmed), but not twice.
    const std::string sent = encode(CustomToMaster{message->type, message->data}, "id");
    const auto again = decode(sent);
    const auto* second = custom(again);
    require(second != nullptr && second->type == message->type);
    require(encode(CustomToMaster{second->type, second->data}, "id") == sent);
    require(!repr(second->data).empty());
  }
  return 0;
}
