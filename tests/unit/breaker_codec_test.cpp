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
      BreakerForcedOpen{"wechat_main", "operator", "they said so", "c-1"},
      BreakerDisabled{"wechat_main", "operator", "drill", "c-2"},
      BreakerReleased{"wechat_main", "operator", "over", "c-3"}};
}

// clang-format off
const char* const golden[] = {
    // In brackets, because it is one text: without them a missing comma would look the same.
    (R"({"account":"wechat_main","cause":"slow_calls","figures":{"calls":20,"failures":3,"slow":17},)"
     R"("trips":2,"open_until_us":1767227400000000})"),
    R"({"account":"wechat_main","probes":5})",
    R"({"account":"wechat_main","figures":{"calls":5,"failures":1,"slow":2}})",
    R"({"account":"wechat_main","figures":{"calls":40,"failures":1,"slow":3}})",
    R"({"account":"wechat_main","by":"operator","reason":"they said so","request_id":"c-1"})",
    R"({"account":"wechat_main","by":"operator","reason":"drill","request_id":"c-2"})",
    R"({"account":"wechat_main","by":"operator","reason":"over","request_id":"c-3"})",
};
// clang-format on

// What operators do has a second version.
int known_version(std::size_t kind) { return kind < 4 ? 1 : 2; }

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
    CHECK(version_of(event) == known_version(i));
    CHECK(text_of(event) == golden[i]);
    CHECK(reading(name_of(kind_of(event)), known_version(i), golden[i]) == golden[i]);
  }
}

TEST_CASE("a breaker event with a field missing, unknown, repeated or mistyped is refused") {
  for (std::size_t i = 0; i < breaker_event_kind_count; ++i) {
    const std::string_view type = name_of(static_cast<BreakerEventKind>(i));
    const Json whole = Json::parse(golden[i]);
    CAPTURE(type);
    const int version = known_version(i);
    for (const auto& [name, value] : whole.items()) {
      CAPTURE(name);
      Json without = whole;
      without.erase(name);
      CHECK(reading(type, version, without.dump()) == "/" + name + " is missing");
      Json wrong = whole;
      wrong[name] = Json::array();
      CHECK(reading(type, version, wrong.dump()).rfind("/" + name, 0) == 0);
      const std::string twice =
          "{\"" + name + "\":" + value.dump() + "," + std::string(golden[i]).substr(1);
      CHECK(reading(type, version, twice) == "/" + name + " stands twice");
    }
    Json more = whole;
    more["x"] = 1;
    CHECK(reading(type, version, more.dump()) == "/x is not known");
    CHECK(reading(type, version, "[]") == "/ must be an object");
    CHECK(reading(type, version, "{") == "/ is not valid JSON");
    const std::string known = ", known up to " + std::to_string(version);
    CHECK(reading(type, 9, golden[i]) == "/ has schema version 9" + known);
    CHECK(reading(type, 0, golden[i]) == "/ has schema version 0" + known);
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

TEST_CASE("what an operator did before his request's own name had a field is read without one") {
  const char* first_version = R"({"account":"a","by":"operator","reason":"drill"})";
  const char* now = R"({"account":"a","by":"operator","reason":"drill","request_id":""})";
  for (const char* type : {"breaker_forced_open", "breaker_disabled", "breaker_released"}) {
    CHECK(reading(type, 1, first_version) == now);
    CHECK(reading(type, 2, first_version) == "/request_id is missing");
    CHECK(reading(type, 1, now) == "/request_id is not known");
  }
}
