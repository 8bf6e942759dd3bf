// Task<T>: the coroutine type of user code. Lazy: it starts when it is awaited (or start()ed), runs
// on the thread that resumes it, and is destroyed with its owner, wherever it is suspended. That is
// how a user is killed: destroying the outermost task unwinds all of its locals, and whatever it
// awaits cancels itself in its destructor.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

namespace locust {

template <class T>
class Task;

namespace detail {

struct TaskPromiseBase {
  // Who awaits this task; for an outermost task nobody, then `on_done` is called instead.
  std::coroutine_handle<> continuation;
  void (*on_done)(void* context) = nullptr;
  void* context = nullptr;
  std::exception_ptr error;

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) noexcept {
      TaskPromiseBase& promise = self.promise();
      if (promise.continuation) return promise.continuation;
      // May destroy this coroutine: nothing of it is touched afterwards.
      if (promise.on_done != nullptr) promise.on_done(promise.context);
      return std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() noexcept { error = std::current_exception(); }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::optional<T> value;

  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T result() {
    if (error) std::rethrow_exception(error);
    return std::move(*value);
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void result() const {
    if (error) std::rethrow_exception(error);
  }
};

}  // namespace detail

template <class T = void>
class [[nodiscard("a Task does nothing until it is awaited: co_await it")]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task && other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const noexcept { return static_cast<bool>(handle_); }
  bool done() const noexcept { return handle_.done(); }

  // Runs an outermost task until it first suspends. `on_done(context)` is called, on the thread
  // that finished it, when it has ended; it may destroy this Task.
  void start(void (*on_done)(void* context), void* context) {
    handle_.promise().on_done = on_done;
    handle_.promise().context = context;
    handle_.resume();
  }
  // What it returned, or throws what it threw; once, after done().
  T result() { return handle_.promise().result(); }

  auto operator co_await()&& noexcept {
    struct Awaiter {
      Handle handle;
      bool await_ready() const noexcept { return !handle || handle.done(); }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        handle.promise().continuation = awaiting;
        return handle;
      }
      T await_resume() {
        if (!handle) throw std::logic_error("co_await of a Task that is empty");
        return handle.promise().result();
      }
    };
    return Awaiter{handle_};
  }
  auto operator co_await()& noexcept { return std::move(*this).operator co_await(); }

 private:
  Handle handle_;
};

namespace detail {
template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise<T>>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise<void>>::from_promise(*this));
}
}  // namespace detail

}  // namespace locust
