#include "stats/recorder.h"

#include <cmath>
#include <deque>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "stats/entry.h"
#include "stats/error_key.h"
#include "stats/response_time.h"

namespace locust::stats {
namespace {

constexpr std::string_view other_names = "(other names)";

// (method, name) of a row, and (row, text) of an error: views into what the row or error owns, so
// that a lookup of something seen before allocates nothing.
using RowId = std::pair<std::string_view, std::string_view>;
using ErrorId = std::pair<const Entry*, std::string_view>;

struct Hash {
  std::size_t operator()(const RowId& id) const {
    const std::hash<std::string_view> hash;
    return hash(id.first) * 31 + hash(id.second);
  }
  std::size_t operator()(const ErrorId& id) const {
    return std::hash<const Entry*>()(id.first) * 31 + std::hash<std::string_view>()(id.second);
  }
};

struct Error {
  const Entry& entry;
  std::string text;  // masked
  double first_seen;
  double last_seen;
  std::uint64_t occurrences;
};

std::int64_t second_of(WallTime time) { return static_cast<std::int64_t>(epoch_seconds(time)); }

}  // namespace

struct Recorder::Data {
  explicit Data(std::size_t max) : max_entries(max) {}

  Entry& make_entry(std::string_view method, std::string_view name) {
    auto made = std::make_unique<Entry>(std::string(method), std::string(name));
    Entry& entry = *made;
    entries.emplace(RowId(entry.method(), entry.name()), std::move(made));
    return entry;
  }

  Error& find_or_make_error(const Entry& entry, std::string_view text, double now) {
    if (const auto found = error_index.find({&entry, text}); found != error_index.end()) {
      return *found->second;
    }
    Error& error = errors.emplace_back(Error{entry, std::string(text), now, now, 0});
    error_index.emplace(ErrorId(&entry, error.text), &error);
    return error;
  }

  void clear_errors() {
    error_index.clear();
    errors.clear();
  }

  // As Locust's EntriesDict makes a row at its first sample.
  void begin(Entry& entry, WallTime now) {
    if (entry.begun()) return;
    entry.begin(now);
    begun.push_back(&entry);
  }

  const std::size_t max_entries;
  bool warned = false;
  Entry total{"", "Aggregated"};
  std::unordered_map<RowId, std::unique_ptr<Entry>, Hash> entries;
  std::vector<Entry*> begun;  // by first sample: the order of the report
  std::deque<Error> errors;   // of this interval, by first occurrence; they do not move
  std::unordered_map<ErrorId, Error*, Hash> error_index;
};

Recorder::Recorder(WallTime now, std::size_t max_entries)
    : data_(std::make_unique<Data>(max_entries)) {
  data_->total.begin(now);
}

Recorder::~Recorder() = default;

Entry& Recorder::entry(std::string_view method, std::string_view name) {
  auto& entries = data_->entries;
  if (const auto found = entries.find(RowId(method, name)); found != entries.end()) {
    return *found->second;
  }
  if (entries.size() < data_->max_entries) return data_->make_entry(method, name);
  if (!data_->warned) {
    data_->warned = true;
    log::warning(
        "locust.stats",
        "More than {} different request names. \"{} {}\" and every further one are counted "
        "as \"{}\". Give requests whose URL varies a common name (name=...).",
        data_->max_entries, method, name, other_names);
  }
  const auto found = entries.find(RowId(method, other_names));
  return found != entries.end() ? *found->second : data_->make_entry(method, other_names);
}

void Recorder::record(Entry& entry, WallTime now, std::optional<double> response_time,
                      std::uint64_t content_length) {
  // No sum or bucket survives an infinite time; the request counts all the same.
  if (response_time && !std::isfinite(*response_time)) response_time.reset();
  const Sample sample{now, second_of(now), response_time,
                      response_time ? bucket_response_time(*response_time) : 0, content_length};
  data_->begin(entry, now);
  data_->total.add(sample);
  entry.add(sample);
}

void Recorder::record_error(Entry& entry, WallTime now, std::string_view error) {
  const std::int64_t second = second_of(now);
  data_->begin(entry, now);
  data_->total.add_failure(second);
  entry.add_failure(second);

  // Masked before the lookup, else each object's address would be an error of its own.
  std::string masked;
  if (has_address(error)) error = masked = mask_address(error);
  const double seen = epoch_seconds(now);
  Error& row = data_->find_or_make_error(entry, error, seen);
  ++row.occurrences;
  row.last_seen = seen;
}

Report Recorder::take(WallTime now) {
  Report report;
  for (Entry* entry : data_->begun) {
    // Locust resets only what it reports: an idle row keeps its start_time.
    if (!entry->used()) continue;
    report.stats.push_back(entry->report());
    entry->begin(now);
  }
  report.total = data_->total.report();
  data_->total.begin(now);
  for (const Error& error : data_->errors) {
    const std::string& method = error.entry.method();
    const std::string& name = error.entry.name();
    const ErrorReport row{name,           method, error.text, error.occurrences, error.first_seen,
                          error.last_seen};
    // The key joins method and name by a dot, so that two rows may share one: the first gives it
    // its name.
    const auto [place, is_new] =
        report.errors.try_emplace(error_key(method, name, error.text), row);
    if (!is_new) place->second.merge(row);
  }
  data_->clear_errors();
  return report;
}

void Recorder::clear(WallTime now) {
  for (Entry* entry : data_->begun) entry->end();
  data_->begun.clear();
  data_->clear_errors();
  data_->total.begin(now);
}

}  // namespace locust::stats
