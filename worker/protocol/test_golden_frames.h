// Reads the recorded frames of golden/*.json for the tests; an independent view of msgpack, since
// Python's own library decoded them when they were recorded.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/value.h"

namespace locust::protocol {

struct GoldenFrame {
  std::string version;  // of Locust
  bool from_master;
  std::string name;   // see golden/record.py
  std::string bytes;  // as recorded
  std::string plain;  // without the differences that a native worker is allowed
  Value value;        // of plain: [type, data, node_id], datetimes as the maps they are on the wire
};

inline std::string unhex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

inline Value golden_value(const nlohmann::json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_unsigned()) return json.get<std::uint64_t>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.contains("bin")) return Binary{unhex(json["bin"].get<std::string>())};
  if (json.contains("array")) {
    Array array;
    for (const auto& item : json["array"]) array.push_back(golden_value(item));
    return array;
  }
  Map map;
  for (const auto& pair : json.at("map")) {
    map.emplace_back(golden_value(pair.at(0)), golden_value(pair.at(1)));
  }
  return map;
}

// Of all recorded versions of Locust.
inline std::vector<GoldenFrame> golden_frames() {
  namespace fs = std::filesystem;
  std::vector<GoldenFrame> frames;
  for (const auto& file : fs::directory_iterator(fs::path(__FILE__).parent_path() / "golden")) {
    if (file.path().extension() != ".json") continue;
    std::ifstream stream(file.path());
    for (const auto& row : nlohmann::json::parse(stream)) {
      const std::string hex = row.at("hex").get<std::string>();
      frames.push_back({file.path().stem().string(), row.at("from") == "master",
                        row.at("name").get<std::string>(), unhex(hex),
                        unhex(row.value("plain_hex", hex)), golden_value(row.at("value"))});
    }
  }
  return frames;
}

}  // namespace locust::protocol
