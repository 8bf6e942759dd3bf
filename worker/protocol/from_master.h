// The second half of decoding: from a message's type and data to one of our structs, with a plain
// sentence where a field that we need is missing or of the wrong type.
#pragma once

#include <string>
#include <variant>

#include "base/value.h"
#include "protocol/codec.h"
#include "protocol/message.h"

namespace locust::protocol {

// Keys that we do not know are ignored, as are the data of types that carry none.
std::variant<FromMaster, DecodeError> interpret(std::string type, Value data);

}  // namespace locust::protocol
