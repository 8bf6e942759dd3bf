#include "stats/report.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace locust::stats {
namespace {

void add_counts(std::map<std::int64_t, std::uint64_t>& to,
                const std::map<std::int64_t, std::uint64_t>& from) {
  for (const auto& [key, count] : from) to[key] += count;
}

using RowId = std::pair<std::string_view, std::string_view>;

RowId row_id(const EntryReport& row) { return {row.method, row.name}; }

struct RowIdHash {
  std::size_t operator()(const RowId& id) const {
    const std::hash<std::string_view> hash;
    return hash(id.first) * 31 + hash(id.second);
  }
};

}  // namespace

void EntryReport::merge(const EntryReport& other) {
  if (other.last_request_timestamp) {
    last_request_timestamp = last_request_timestamp
                                 ? std::max(*last_request_timestamp, *other.last_request_timestamp)
                                 : *other.last_request_timestamp;
  }
  start_time = std::min(start_time, other.start_time);
  num_requests += other.num_requests;
  num_none_requests += other.num_none_requests;
  num_failures += other.num_failures;
  total_response_time += other.total_response_time;
  max_response_time = std::max(max_response_time, other.max_response_time);
  if (other.min_response_time) {
    min_response_time = min_response_time ? std::min(*min_response_time, *other.min_response_time)
                                          : *other.min_response_time;
  }
  total_content_length += other.total_content_length;
  add_counts(response_times, other.response_times);
  add_counts(num_reqs_per_sec, other.num_reqs_per_sec);
  add_counts(num_fail_per_sec, other.num_fail_per_sec);
}

void ErrorReport::merge(const ErrorReport& other) {
  occurrences += other.occurrences;
  first_seen = std::min(first_seen, other.first_seen);
  last_seen = std::max(last_seen, other.last_seen);
}

bool Report::empty() const { return stats.empty() && errors.empty(); }

std::vector<const std::pair<const std::string, ErrorReport>*> Report::errors_as_first_seen() const {
  std::vector<const std::pair<const std::string, ErrorReport>*> ordered;
  ordered.reserve(errors.size());
  for (const auto& keyed : errors) ordered.push_back(&keyed);
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto* one, const auto* other) {
    return one->second.first_seen < other->second.first_seen;
  });
  return ordered;
}

void Report::merge(const Report& other) {
  if (other.is_default()) return;
  if (is_default()) {
    total = other.total;
  } else {
    total.merge(other.total);
  }
  // Reserved first: the index looks into strings that must not move.
  stats.reserve(stats.size() + other.stats.size());
  std::unordered_map<RowId, std::size_t, RowIdHash> index;
  index.reserve(stats.capacity());
  for (std::size_t i = 0; i < stats.size(); ++i) index.emplace(row_id(stats[i]), i);
  for (const EntryReport& row : other.stats) {
    const auto [found, is_new] = index.try_emplace(row_id(row), stats.size());
    if (is_new) {
      stats.push_back(row);
    } else {
      stats[found->second].merge(row);
    }
  }
  for (const auto& [key, error] : other.errors) {
    const auto [found, is_new] = errors.try_emplace(key, error);
    if (!is_new) found->second.merge(error);
  }
}

}  // namespace locust::stats
