// Every strict reader of JSON in protocol/ and the sandbox reads every byte: none stops at a NUL or
// skips a byte order mark, as the library under them does.
#include "protocol/json_bytes.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "protocol/channel/sandbox_fields.hpp"
#include "protocol/channels/strict_json.hpp"
#include "protocol/field_codec.hpp"
#include "protocol/payment/event_codec.hpp"
#include "sandbox/misbehaviour.hpp"

using namespace welkin;

namespace {

struct Reader {
  std::string name;
  std::string taken;
  std::function<bool(std::string_view)> takes;
};

std::vector<Reader> readers() {
  return {
      {"channel's message", R"({"a":1})",
       [](std::string_view text) { return parse_strict_json(text).has_value(); }},
      {"journal's payload", R"({"a":1})",
       [](std::string_view text) {
         return std::holds_alternative<nlohmann::json>(parse_without_repeats(text));
       }},
      {"event", R"({"by":"ops","next_query_at_us":1})",
       [](std::string_view text) {
         return std::holds_alternative<PaymentEvent>(parse_event("payment_resumed", 1, text));
       }},
      {"sandbox's message", R"({"a":1})",
       [](std::string_view text) {
         return std::holds_alternative<sandbox_wire::Json>(sandbox_wire::parse_json(text));
       }},
      {"sandbox's control document", R"({"delay_rate":0.5})",
       [](std::string_view text) {
         return std::holds_alternative<sandbox::Misbehaviour>(
             sandbox::parse_misbehaviour(text, {}));
       }},
  };
}

}  // namespace

TEST_CASE("a reader that takes a text has judged every byte of it") {
  const std::string nul(1, '\0');
  for (const Reader& reader : readers()) {
    CAPTURE(reader.name);
    CHECK(reader.takes(reader.taken));
    CHECK(reader.takes(" " + reader.taken + "\n"));
    for (const std::string& behind : {nul, nul + reader.taken, nul + "x", std::string("x")})
      CHECK_FALSE(reader.takes(reader.taken + behind));
    CHECK_FALSE(reader.takes(nul + reader.taken));
    CHECK_FALSE(reader.takes("{" + nul + reader.taken.substr(1)));
    CHECK_FALSE(reader.takes("\xef\xbb\xbf" + reader.taken));
  }
}

TEST_CASE("the byte that the library would pass over is found by its place") {
  CHECK_FALSE(unjudged_json_byte("{}"));
  CHECK_FALSE(unjudged_json_byte(""));
  CHECK(unjudged_json_byte(std::string_view("{}\0{}", 5)) == std::size_t{2});
  CHECK(unjudged_json_byte("\xef\xbb\xbf{}") == std::size_t{0});
}
