#include "protocol/payment/event_codec.hpp"

#include <utility>

#include "protocol/event_family.hpp"

namespace welkin {

WELKIN_ENUM_PARSER(CaptureMethod, parse_capture_method);
WELKIN_ENUM_PARSER(ReportSource, parse_report_source);
WELKIN_ENUM_PARSER(ChannelOperation, parse_channel_operation);
WELKIN_ENUM_PARSER(Outcome, parse_outcome);
WELKIN_ENUM_PARSER(CloseReason, parse_close_reason);
WELKIN_ENUM_PARSER(PaymentState, parse_payment_state);
WELKIN_ENUM_PARSER(RefundState, parse_refund_state);

namespace {

static_assert(alternatives_follow_kinds<PaymentEvent>(),
              "PaymentEvent lists its structs in the order of PaymentEventKind");

using Json = nlohmann::json;

// One step of PaymentCreated, 1 → 2: before manual capture existed every payment was automatic.
std::optional<CodecError> upcast_created_1_to_2(Json& json) {
  if (!json.is_object()) return std::nullopt;  // said by the reader
  if (json.contains("capture_method")) return CodecError{"/capture_method", "is not known"};
  json["capture_method"] = "automatic";
  return std::nullopt;
}

struct Upcaster {
  template <class Event>
  std::optional<CodecError> operator()(Json&, int, const Event&) const {
    return std::nullopt;
  }
  std::optional<CodecError> operator()(Json& json, int version, const PaymentCreated&) const {
    if (version == 1)
      if (auto error = upcast_created_1_to_2(json)) return error;
    return std::nullopt;
  }
};

}  // namespace

void write_event(const PaymentEvent& event, std::string& out) { write_alternative(event, out); }

int version_of(const PaymentEvent& event) { return version_of_alternative(event); }

std::variant<PaymentEvent, CodecError> parse_event(std::string_view type, int version,
                                                   std::string_view payload) {
  const auto kind = parse_payment_event_kind(type);
  if (!kind) return CodecError{"/", "is of an unknown type: " + std::string(type)};
  return read_alternative<PaymentEvent>(static_cast<std::size_t>(*kind), version, payload,
                                        Upcaster{});
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
