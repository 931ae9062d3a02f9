#include "actors/list_cursor.hpp"

#include <catch2/catch.hpp>

using namespace welkin;

TEST_CASE("a list's place has one spelling, and every other text is refused") {
  const ListCursor cursor{17, payment_id_of("m_1", "order-1")};
  const auto read = ListCursor::parse(cursor.text());
  REQUIRE(read.has_value());
  CHECK(read->text() == cursor.text());
  for (const std::string& text :
       {"0" + cursor.text(), "-" + cursor.text(), cursor.text() + "x", "0." + cursor.stream.text(),
        std::string("17."), std::string(), "17." + breaker_id_of("sandbox").text()})
    CHECK_FALSE(ListCursor::parse(text));
}
