// What bounds a node's throughput is how many messages a payment takes: nobody adds one unseen.
#include <catch2/catch.hpp>

#include "bench/turns_of_a_life.hpp"

using namespace welkin;

TEST_CASE("a payment's life takes three turns of its own actor, and few messages in all") {
  const TurnsOfALife turns = turns_of_a_life(64);
  CHECK(turns.own == Approx(3));
  CHECK(turns.messages <= 11);
  CHECK(turns.messages >= 9);  // or something was not counted
}
