#include "gateway/query_string.hpp"

#include <catch2/catch.hpp>

#include "gateway/json_body.hpp"

using namespace welkin;

TEST_CASE("a time that no payment can have is refused, not taken for none", "[gateway]") {
  for (const char* query : {"from=1970-01-01T00:00:00Z", "from=1969-12-31T23:59:59Z"}) {
    QueryReader reader(query);
    reader.time("from");
    const auto problem = reader.finish();
    REQUIRE(problem.has_value());
    CHECK(problem->field == "?from");
  }
  QueryReader reader("from=1970-01-01T00:00:01Z");
  CHECK(reader.time("from") == us_per_s);
  CHECK_FALSE(reader.finish());
}

TEST_CASE("an object of a body has a bounded number of members", "[gateway]") {
  std::string body = "{";
  for (std::size_t i = 0; i < max_json_members; ++i) body += "\"k" + std::to_string(i) + "\":1,";
  CHECK(
      std::holds_alternative<JsonValue>(parse_json_object(body.substr(0, body.size() - 1) + "}")));
  CHECK(std::holds_alternative<Problem>(parse_json_object(body + "\"one more\":1}")));
}
