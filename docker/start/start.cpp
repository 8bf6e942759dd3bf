// start-target: the entry point of the target's image. A container definition that was made for a
// Python application names uWSGI and its options; then hello-target, which is in the application's
// place and needs none of them, starts as it does without arguments.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace {

bool is_of_uwsgi(std::string_view word) {
  return word == "--show-config" || word.substr(word.find_last_of('/') + 1) == "uwsgi";
}

}  // namespace

int main(int argc, char** argv) {
  char name[] = "hello-target";
  char* alone[] = {name, nullptr};
  const bool drop = std::any_of(argv, argv + argc, is_of_uwsgi);
  argv[0] = name;
  execvp(name, drop ? alone : argv);
  std::perror("start-target: hello-target cannot be started");
  return 127;
}
