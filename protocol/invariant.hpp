// Assertions that stay on. What is asserted is a promise of the program to itself: when it is
// broken, nothing that follows can be trusted with money, and the process ends where it stands.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace welkin {

inline void assert_invariant(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "welkin: broken invariant: %s\n", what);
  std::abort();
}

}  // namespace welkin
