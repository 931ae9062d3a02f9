#include "protocol/breaker/event_codec.hpp"

#include <utility>

#include "protocol/event_family.hpp"

namespace welkin {

WELKIN_ENUM_PARSER(TripCause, parse_trip_cause);

namespace {

static_assert(alternatives_follow_kinds<BreakerEvent>(),
              "BreakerEvent lists its structs in the order of BreakerEventKind");

// Three have a second version, which knows what the operator calls his request.
struct Upcaster {
  template <class Event>
  std::optional<CodecError> operator()(nlohmann::json& json, int version, const Event&) const {
    static_assert(Event::version <= 2, "a third version needs a step of its own");
    if (version == Event::version || !json.is_object()) return std::nullopt;
    if (json.contains("request_id")) return CodecError{"/request_id", "is not known"};
    json["request_id"] = "";
    return std::nullopt;
  }
};

}  // namespace

void write_event(const BreakerEvent& event, std::string& out) { write_alternative(event, out); }

int version_of(const BreakerEvent& event) { return version_of_alternative(event); }

std::variant<BreakerEvent, CodecError> parse_breaker_event(std::string_view type, int version,
                                                           std::string_view payload) {
  const auto kind = parse_breaker_event_kind(type);
  if (!kind) return CodecError{"/", "is of an unknown type: " + std::string(type)};
  return read_alternative<BreakerEvent>(static_cast<std::size_t>(*kind), version, payload,
                                        Upcaster{});
}

std::string encode_breaker(const Breaker& breaker) {
  std::string out;
  EventFieldWriter(out).object(breaker);
  return out;
}

}  // namespace welkin
