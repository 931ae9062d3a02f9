// Who caused an event: the kind is the node's own word, and nobody else's text can be taken for it.
#include "protocol/cause.hpp"

#include <catch2/catch.hpp>

using namespace welkin;

TEST_CASE("a cause is its kind, a colon, and which of the kind") {
  CHECK(cause(CauseKind::request, "1kyb9mrp0q") == "request:1kyb9mrp0q");
  CHECK(cause(CauseKind::timer, UnixUs{1'767'225'600'000'000}) == "timer:1767225600000000");
  CHECK(cause(CauseKind::calls, UnixUs{7}) == "calls:7");
  CHECK(cause(CauseKind::callback, "") == "callback:");
}

TEST_CASE("a cause is known by its whole kind") {
  CHECK(is_caused_by("timer:7", CauseKind::timer));
  CHECK(is_caused_by("timer", CauseKind::timer));  // as the first journals have it
  CHECK(is_caused_by("query:nonce-1", CauseKind::query));
  CHECK_FALSE(is_caused_by("request:timer", CauseKind::timer));
  CHECK_FALSE(is_caused_by("timers:7", CauseKind::timer));
  CHECK_FALSE(is_caused_by("time", CauseKind::timer));
  CHECK_FALSE(is_caused_by("", CauseKind::timer));
}
