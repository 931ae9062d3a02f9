// The written form of a breaker's events, byte for byte, and what is refused.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "protocol/breaker/event_codec.hpp"

using namespace welkin;

namespace {

using Json = nlohmann::ordered_json;

std::vector<BreakerEvent> samples() {
  return {
      BreakerOpened{"wechat_main", TripCause::slow_calls, {20, 3, 17}, 2, 1'767'227'400'000'000},
      BreakerHalfOpened{"wechat_main", 5},
      BreakerRecovering{"wechat_main", {5, 1, 2}},
      BreakerClosed{"wechat_main", {40, 1, 3}},
      BreakerForcedOpen{"wechat_main", "operator", "they said so"},
      BreakerDisabled{"wechat_main", "operator", "drill"},
      BreakerReleased{"wechat_main", "operator", "over"}};
}

// clang-format off
const char* const golden[] = {
    // In brackets, because it is one text: without them a missing comma would look the same.
    (R"({"account":"wechat_main","cause":"slow_calls","figures":{"calls":20,"failures":3,"slow":17},)"
     R"("trips":2,"open_until_us":1767227400000000})"),
    R"({"account":"wechat_main","probes":5})",
    R"({"account":"wechat_main","figures":{"calls":5,"failures":1,"slow":2}})",
    R"({"account":"wechat_main","figures":{"calls":40,"failures":1,"slow":3}})",
    R"({"account":"wechat_main","by":"operator","reason":"they said so"})",
    R"({"account":"wechat_main","by":"operator","reason":"drill"})",
    R"({"account":"wechat_main","by":"operator","reason":"over"})",
};
// clang-format on

std::string text_of(const BreakerEvent& event) {
  std::string text;
  write_event(event, text);
  return text;
}

// "/path what" of the refusal, or the text again when it was understood.
std::string reading(std::string_view type, int version, std::string_view payload) {
  const auto parsed = parse_breaker_event(type, version, payload);
  if (const auto* error = std::get_if<CodecError>(&parsed)) return error->path + " " + error->what;
  return text_of(std::get<BreakerEvent>(parsed));
}

}  // namespace

TEST_CASE("every kind of breaker event is written as it stands here, and read as it was written") {
  REQUIRE(std::size(golden) == breaker_event_kind_count);
  for (std::size_t i = 0; i < breaker_event_kind_count; ++i) {
    const BreakerEvent event = samples()[i];
    CAPTURE(name_of(kind_of(event)));
    REQUIRE(kind_of(event) == static_cast<BreakerEventKind>(i));
    CHECK(version_of(event) == 1);
    CHECK(text_of(event) == golden[i]);
    CHECK(reading(name_of(kind_of(event)), 1, golden[i]) == golden[i]);
  }
}

TEST_CASE("a breaker event with a field missing, unknown, repeated or mistyped is refused") {
  for (std::size_t i = 0; i < breaker_event_kind_count; ++i) {
    const std::string_view type = name_of(static_cast<BreakerEventKind>(i));
    const Json whole = Json::parse(golden[i]);
    CAPTURE(type);
    for (const auto& [name, value] : whole.items()) {
      CAPTURE(name);
      Json without = whole;
      without.erase(name);
      CHECK(reading(type, 1, without.dump()) == "/" + name + " is missing");
      Json wrong = whole;
      wrong[name] = Json::array();
      CHECK(reading(type, 1, wrong.dump()).rfind("/" + name, 0) == 0);
      const std::string twice =
          "{\"" + name + "\":" + value.dump() + "," + std::string(golden[i]).substr(1);
      CHECK(reading(type, 1, twice) == "/" + name + " stands twice");
    }
    Json more = whole;
    more["x"] = 1;
    CHECK(reading(type, 1, more.dump()) == "/x is not known");
    CHECK(reading(type, 1, "[]") == "/ must be an object");
    CHECK(reading(type, 1, "{") == "/ is not valid JSON");
    CHECK(reading(type, 2, golden[i]) == "/ has schema version 2, known up to 1");
    CHECK(reading(type, 0, golden[i]) == "/ has schema version 0, known up to 1");
  }
  CHECK(reading("breaker_opened", 1,
                R"({"account":"a","cause":"boredom","figures":{"calls":1,"failures":1,"slow":0},)"
                R"("trips":1,"open_until_us":1})") ==
        "/cause is not one of the names this field may have");
  CHECK(reading("breaker_opened", 1,
                R"({"account":"a","cause":"failures","figures":{"calls":1,"failures":1},)"
                R"("trips":1,"open_until_us":1})") == "/figures/slow is missing");
  CHECK(reading("payment_paid", 1, "{}") == "/ is of an unknown type: payment_paid");
}
