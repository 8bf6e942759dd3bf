// Expected values: repr() of the exceptions of CPython 3.11 (PEP 3151), and what FastHttpUser 2.13
// and 2.47 reported when a scripted server did the same to them.
#include "http/failure.h"

#include <gtest/gtest.h>
#include <netdb.h>

#include <cerrno>

namespace locust::http {
namespace {

TEST(Failure, OfErrnoIsPythonsException) {
  EXPECT_EQ(failure_of_errno(ECONNREFUSED), "ConnectionRefusedError(111, 'Connection refused')");
  EXPECT_EQ(failure_of_errno(ECONNRESET), "ConnectionResetError(104, 'Connection reset by peer')");
  EXPECT_EQ(failure_of_errno(ECONNABORTED),
            "ConnectionAbortedError(103, 'Software caused connection abort')");
  EXPECT_EQ(failure_of_errno(EPIPE), "BrokenPipeError(32, 'Broken pipe')");
  EXPECT_EQ(failure_of_errno(ESHUTDOWN),
            "BrokenPipeError(108, 'Cannot send after transport endpoint shutdown')");
  EXPECT_EQ(failure_of_errno(ETIMEDOUT), "TimeoutError(110, 'Connection timed out')");
  EXPECT_EQ(failure_of_errno(EACCES), "PermissionError(13, 'Permission denied')");
  EXPECT_EQ(failure_of_errno(EPERM), "PermissionError(1, 'Operation not permitted')");
  EXPECT_EQ(failure_of_errno(EINTR), "InterruptedError(4, 'Interrupted system call')");
  EXPECT_EQ(failure_of_errno(EAGAIN), "BlockingIOError(11, 'Resource temporarily unavailable')");
  EXPECT_EQ(failure_of_errno(EMFILE), "OSError(24, 'Too many open files')");
  EXPECT_EQ(failure_of_errno(ENETUNREACH), "OSError(101, 'Network is unreachable')");
  EXPECT_EQ(failure_of_errno(EHOSTUNREACH), "OSError(113, 'No route to host')");
  EXPECT_EQ(failure_of_errno(EADDRNOTAVAIL), "OSError(99, 'Cannot assign requested address')");
}

TEST(Failure, OfGetaddrinfoIsPythonsException) {
  EXPECT_EQ(failure_of_getaddrinfo(EAI_NONAME), "gaierror(-2, 'Name or service not known')");
  EXPECT_EQ(failure_of_getaddrinfo(EAI_AGAIN),
            "gaierror(-3, 'Temporary failure in name resolution')");
  EXPECT_EQ(failure_of_getaddrinfo(EAI_FAIL),
            "gaierror(-4, 'Non-recoverable failure in name resolution')");
}

TEST(Failure, OfHttpIsGeventhttpclientsException) {
  EXPECT_EQ(failure_closed(), "HTTPConnectionClosed('connection closed.')");
  EXPECT_EQ(failure_truncated(false), "HTTPParseError('Incomplete response.')");
  EXPECT_EQ(failure_truncated(true), "HTTPParseError('Invalid EOF state', 14)");
  EXPECT_EQ(failure_timed_out("http://127.0.0.1:44337/"),
            "RetriesExceeded('http://127.0.0.1:44337/', 0, original=timed out)");
  EXPECT_EQ(failure_parse("it's bad"), "HTTPParseError(\"it's bad\")");
}

}  // namespace
}  // namespace locust::http
