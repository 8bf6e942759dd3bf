#include "stats/entry.h"

#include <algorithm>
#include <cstddef>

namespace locust::stats {

void Histogram::add(std::int64_t bucket) {
  if (bucket < 0 || bucket > 10000) {
    add_sparse(bucket);
    return;
  }
  const std::int64_t index = bucket <= 100    ? bucket
                             : bucket <= 1000 ? 100 + (bucket - 100) / 10
                                              : 190 + (bucket - 1000) / 100;
  ++dense_[static_cast<std::size_t>(index)];
}

std::int64_t Histogram::bucket_at(std::size_t index) {
  const auto i = static_cast<std::int64_t>(index);
  return i <= 100 ? i : i <= 190 ? 100 + (i - 100) * 10 : 1000 + (i - 190) * 100;
}

void Histogram::add_sparse(std::int64_t bucket) {
  auto place = std::lower_bound(sparse_.begin(), sparse_.end(), bucket,
                                [](const auto& item, std::int64_t b) { return item.first < b; });
  if (place == sparse_.end() || place->first != bucket) {
    place = sparse_.insert(place, {bucket, 0});
  }
  ++place->second;
}

void Histogram::clear() {
  dense_.fill(0);
  sparse_.clear();
}

std::map<std::int64_t, std::uint64_t> Histogram::to_map() const {
  std::map<std::int64_t, std::uint64_t> map(sparse_.begin(), sparse_.end());
  for (std::size_t i = 0; i < dense_size; ++i) {
    if (dense_[i] != 0) map.emplace(bucket_at(i), dense_[i]);
  }
  return map;
}

void SecondCounts::make_last(std::int64_t second) {
  // A clock that was set back may return to a second seen before.
  const auto seen = std::find_if(seconds_.begin(), seconds_.end(),
                                 [second](const auto& item) { return item.first == second; });
  if (seen == seconds_.end()) {
    seconds_.emplace_back(second, 0);
  } else {
    std::swap(*seen, seconds_.back());
  }
}

std::map<std::int64_t, std::uint64_t> SecondCounts::to_map() const {
  return {seconds_.begin(), seconds_.end()};
}

void Entry::begin(WallTime now) {
  reset();
  begun_ = true;
  start_time_ = now;
}

void Entry::end() {
  reset();
  begun_ = false;
}

void Entry::add(const Sample& sample) {
  ++num_requests_;
  requests_per_second_.add(sample.second);
  last_request_ = sample.now;
  total_content_length_ += sample.content_length;
  if (!sample.response_time) {
    ++num_none_requests_;
    return;
  }
  const double response_time = *sample.response_time;
  const bool first = num_requests_ == num_none_requests_ + 1;
  total_response_time_ += response_time;
  min_response_time_ = first ? response_time : std::min(min_response_time_, response_time);
  max_response_time_ = std::max(max_response_time_, response_time);
  response_times_.add(sample.bucket);
}

void Entry::add_failure(std::int64_t second) {
  ++num_failures_;
  failures_per_second_.add(second);
}

EntryReport Entry::report() const {
  EntryReport report;
  report.name = name_;
  report.method = method_;
  if (num_requests_ != 0) report.last_request_timestamp = epoch_seconds(last_request_);
  report.start_time = epoch_seconds(start_time_);
  report.num_requests = num_requests_;
  report.num_none_requests = num_none_requests_;
  report.num_failures = num_failures_;
  report.total_response_time = total_response_time_;
  report.max_response_time = max_response_time_;
  if (num_requests_ != num_none_requests_) report.min_response_time = min_response_time_;
  report.total_content_length = total_content_length_;
  report.response_times = response_times_.to_map();
  report.num_reqs_per_sec = requests_per_second_.to_map();
  report.num_fail_per_sec = failures_per_second_.to_map();
  return report;
}

void Entry::reset() {
  num_requests_ = num_none_requests_ = num_failures_ = 0;
  total_response_time_ = max_response_time_ = min_response_time_ = 0;
  total_content_length_ = 0;
  requests_per_second_.clear();
  failures_per_second_.clear();
  response_times_.clear();
}

}  // namespace locust::stats
