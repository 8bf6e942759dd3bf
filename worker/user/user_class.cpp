#include "user/user_class.h"

#include <algorithm>
#include <stdexcept>

namespace locust {

void UserClass::add_task(std::string name, unsigned weight, Task<> (*run)(User&)) {
  tasks_.push_back({std::move(name), weight, run});
  if (weight > 0) choose(tasks_.size() - 1);
}

void UserClass::choose(std::size_t task) {
  chosen_.push_back(task);
  total_weight_ += tasks_[task].weight;
}

const TaskEntry& UserClass::pick(Random& random) const {
  if (chosen_.empty()) {
    throw std::logic_error("No tasks defined on " + name_ + ": add .task<&" + name_ +
                           "::your_task>() to its user_class");
  }
  if (chosen_.size() == 1) return tasks_[chosen_.front()];
  std::int64_t left = random.uniform(1, total_weight_);
  for (const std::size_t index : chosen_) {
    left -= tasks_[index].weight;
    if (left <= 0) return tasks_[index];
  }
  return tasks_[chosen_.back()];
}

bool UserClass::update(const Value& attributes) {
  if (const Value* host = attributes.find("host");
      host != nullptr && host->as_string() != nullptr) {
    host_ = *host->as_string();
  }
  const Value* names = attributes.find("tasks");
  if (names == nullptr || names->as_array() == nullptr) return true;
  const auto is_named = [names](const TaskEntry& task) {
    return std::any_of(names->as_array()->begin(), names->as_array()->end(), [&](const Value& one) {
      return one.as_string() != nullptr && *one.as_string() == task.name;
    });
  };
  chosen_.clear();
  total_weight_ = 0;
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i].weight > 0 && is_named(tasks_[i])) choose(i);
  }
  return std::all_of(names->as_array()->begin(), names->as_array()->end(),
                     [this](const Value& one) {
                       return std::any_of(tasks_.begin(), tasks_.end(), [&](const TaskEntry& task) {
                         return one.as_string() != nullptr && *one.as_string() == task.name;
                       });
                     });
}

}  // namespace locust
