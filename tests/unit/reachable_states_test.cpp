// What the rules decide, they take: in every state that can be reached, with everything that may
// come to it.
#include <catch2/catch.hpp>

#include "tests/support/breaker_walk.hpp"
#include "tests/support/payment_walk.hpp"
#include "tests/support/reachable_walk.hpp"

using namespace welkin;

namespace {

#ifdef WELKIN_SANITIZED
constexpr std::size_t most_states = 400;
constexpr std::uint64_t lives = 50;
#else
constexpr std::size_t most_states = 1'500;
constexpr std::uint64_t lives = 120;
#endif

void require_none(const WalkResult& result) {
  for (const std::string& contradiction : result.contradictions) UNSCOPED_INFO(contradiction);
  CHECK(result.contradictions.empty());
}

}  // namespace

TEST_CASE("a payment takes what it decides, in every state within a few steps") {
  const WalkResult result = walk_by_breadth(PaymentWalk({2, 1}), most_states);
  CHECK(result.states == most_states);
  require_none(result);
}

TEST_CASE("a payment takes what it decides, however long it lives") {
  const PaymentWalk walk({0, 0});
  for (std::uint64_t seed = 1; seed <= lives; ++seed) {
    INFO("seed " << seed);
    REQUIRE(walk_at_random(walk, seed, 80) == "");
  }
}

TEST_CASE("a circuit breaker takes what it decides, in every state and however long it lives") {
  const BreakerWalk walk;
  const WalkResult result = walk_by_breadth(walk, 10'000);
  require_none(result);
  CHECK(result.whole);
  CHECK(result.states > breaker_state_count);
  for (std::uint64_t seed = 1; seed <= lives; ++seed) {
    INFO("seed " << seed);
    REQUIRE(walk_at_random(walk, seed, 200) == "");
  }
}
