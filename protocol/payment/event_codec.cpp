#include "protocol/payment/event_codec.hpp"

#include <utility>

#include "protocol/field_codec.hpp"

namespace welkin {

WELKIN_ENUM_PARSER(CaptureMethod, parse_capture_method);
WELKIN_ENUM_PARSER(ReportSource, parse_report_source);
WELKIN_ENUM_PARSER(ChannelOperation, parse_channel_operation);
WELKIN_ENUM_PARSER(Outcome, parse_outcome);
WELKIN_ENUM_PARSER(CloseReason, parse_close_reason);
WELKIN_ENUM_PARSER(PaymentState, parse_payment_state);
WELKIN_ENUM_PARSER(RefundState, parse_refund_state);

namespace {

template <std::size_t... I>
constexpr bool alternatives_follow_kinds(std::index_sequence<I...>) {
  return ((static_cast<std::size_t>(std::variant_alternative_t<I, PaymentEvent>::kind) == I) &&
          ...);
}
static_assert(alternatives_follow_kinds(std::make_index_sequence<payment_event_kind_count>{}),
              "PaymentEvent lists its structs in the order of PaymentEventKind");

using Json = nlohmann::json;
using Parsed = std::variant<PaymentEvent, CodecError>;

// One step of PaymentCreated, 1 → 2: before manual capture existed every payment was automatic.
std::optional<CodecError> upcast_created_1_to_2(Json& json) {
  if (!json.is_object()) return std::nullopt;  // said by the reader
  if (json.contains("capture_method")) return CodecError{"/capture_method", "is not known"};
  json["capture_method"] = "automatic";
  return std::nullopt;
}

template <class Event>
Parsed read_event(Json& json, int version) {
  if (version > Event::version || version < 1)
    return CodecError{"/", "has schema version " + std::to_string(version) + ", known up to " +
                               std::to_string(Event::version)};
  if constexpr (std::is_same_v<Event, PaymentCreated>) {
    if (version == 1)
      if (auto error = upcast_created_1_to_2(json)) return *error;
  }
  Event event;
  EventFieldReader reader;
  reader.object(json, event, "");
  if (reader.error()) return *reader.error();
  return PaymentEvent{std::move(event)};
}

template <std::size_t... I>
Parsed read_by_kind(PaymentEventKind kind, Json& json, int version, std::index_sequence<I...>) {
  Parsed result = CodecError{"/", "is of an unknown type"};
  const auto index = static_cast<std::size_t>(kind);
  ((I == index
        ? (result = read_event<std::variant_alternative_t<I, PaymentEvent>>(json, version), 0)
        : 0),
   ...);
  return result;
}

}  // namespace

void write_event(const PaymentEvent& event, std::string& out) {
  EventFieldWriter writer(out);
  std::visit([&](const auto& value) { writer.object(value); }, event);
}

int version_of(const PaymentEvent& event) {
  return std::visit([](const auto& value) { return std::decay_t<decltype(value)>::version; },
                    event);
}

std::variant<PaymentEvent, CodecError> parse_event(std::string_view type, int version,
                                                   std::string_view payload) {
  const auto kind = parse_payment_event_kind(type);
  if (!kind) return CodecError{"/", "is of an unknown type: " + std::string(type)};
  auto json = parse_without_repeats(payload);
  if (const auto* error = std::get_if<CodecError>(&json)) return *error;
  return read_by_kind(*kind, std::get<Json>(json), version,
                      std::make_index_sequence<payment_event_kind_count>{});
}

std::string encode_payment(const Payment& payment) {
  std::string out;
  EventFieldWriter(out).object(payment);
  return out;
}

std::variant<Payment, CodecError> parse_payment(std::string_view payload) {
  auto json = parse_without_repeats(payload);
  if (const auto* error = std::get_if<CodecError>(&json)) return *error;
  Payment payment;
  EventFieldReader reader;
  reader.object(std::get<Json>(json), payment, "");
  if (reader.error()) return *reader.error();
  return payment;
}

}  // namespace welkin
