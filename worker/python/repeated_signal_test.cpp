#include "python/repeated_signal.h"

#include <gtest/gtest.h>

namespace locust::python {
namespace {

SteadyTime at(int ms) { return SteadyTime(milliseconds(100'000 + ms)); }

TEST(Impatience, FirstSignalIsLocustsAffair) {
  Impatience impatience;
  EXPECT_FALSE(impatience.must_end(1, at(0), at(0)));
  EXPECT_FALSE(impatience.must_end(1, at(0), at(60'000)));
}

TEST(Impatience, SecondOneEndsAProcessWhosePythonIsStuck) {
  Impatience impatience;
  EXPECT_FALSE(impatience.must_end(2, at(0), at(1000)));
  EXPECT_TRUE(impatience.pending());
  EXPECT_FALSE(impatience.must_end(2, at(0), at(3499)));
  EXPECT_TRUE(impatience.must_end(2, at(0), at(3500)));
}

TEST(Impatience, SecondOneIsLeftToAPythonThatRuns) {
  Impatience impatience;
  EXPECT_FALSE(impatience.must_end(2, at(900), at(1000)));
  EXPECT_FALSE(impatience.must_end(2, at(1900), at(2000)));
  EXPECT_FALSE(impatience.must_end(2, at(1900), at(60'000))) << "it was heard";
  EXPECT_FALSE(impatience.pending());
}

TEST(Impatience, ThirdOneEndsAPythonThatGotStuckAfterTheSecond) {
  Impatience impatience;
  impatience.must_end(2, at(900), at(1000));
  impatience.must_end(2, at(1900), at(2000));
  EXPECT_FALSE(impatience.must_end(3, at(1900), at(9000)));
  EXPECT_TRUE(impatience.must_end(3, at(1900), at(11'500)));
}

}  // namespace
}  // namespace locust::python
