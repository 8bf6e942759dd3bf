// Sees SIGTERM and SIGINT although the Python thread does not: a second one has to end a process
// whose Python is stuck. The handlers that Python and gevent have set go on being called.
#pragma once

#include "base/clock.h"

namespace locust::python {

// Puts itself before the present handlers, where they are not the system's own. The Python thread
// calls it again and again, as whoever sets a handler takes us out; another may while Python is
// blocked.
void guard_signals();
// How many have come since.
int guarded_signals();

// Decides whether a process has to be ended from outside Python. Pure.
class Impatience {
 public:
  // `signals` so far; `alive`: when Python was last seen. True where a second signal, or one after
  // it, has been left unheard by a Python that has not been seen since.
  bool must_end(int signals, SteadyTime alive, SteadyTime now);
  // Whether must_end() wants to be called again soon.
  bool pending() const { return pending_; }

 private:
  int dealt_with_ = 1;  // the first one is Locust's affair
  bool pending_ = false;
  SteadyTime since_{};
};

}  // namespace locust::python
