// A network namespace for the whole program: nobody else's ports, no way out, and a resolv.conf of
// its own. What is started afterwards lives in it, and it ends with the program.
#pragma once

#include "harness/temp_dir.h"

namespace compat {

// Enters one, with the loopback interface up and a name server at 127.0.0.1 in /etc/resolv.conf.
// False where the machine does not allow it: an ordinary user's namespaces may be switched off, and
// containers mostly forbid them; also where COMPAT_NO_NAMESPACE is set. Call it before the first
// thread is started.
bool enter_own_network(TempDir& dir);

}  // namespace compat
