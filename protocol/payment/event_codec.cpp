#include "protocol/payment/event_codec.hpp"

#include <array>
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
WELKIN_ENUM_PARSER(AttemptOutcome, parse_attempt_outcome);

namespace {

static_assert(alternatives_follow_kinds<PaymentEvent>(),
              "PaymentEvent lists its structs in the order of PaymentEventKind");

using Json = nlohmann::json;

// A step from one version of an event to the next. The JSON is an object.
using Upcast = std::optional<CodecError> (*)(Json& json);

// A field that the older version did not have, so that there it would be an unknown one.
std::optional<CodecError> add(Json& json, const char* name, Json value) {
  if (json.contains(name)) return CodecError{std::string("/") + name, "is not known"};
  json[name] = std::move(value);
  return std::nullopt;
}

// What the client calls its request stood in the journal only as the cause.
std::optional<CodecError> add_request_id(Json& json) {
  const auto request = json.find("request");
  if (request == json.end() || !request->is_object()) return std::nullopt;  // said by the reader
  if (request->contains("request_id")) return CodecError{"/request/request_id", "is not known"};
  (*request)["request_id"] = "";
  return std::nullopt;
}

template <class Event>
struct Upcasts {
  static constexpr std::array<Upcast, 0> steps{};
};

struct RequestIdIsNew {
  static constexpr std::array<Upcast, 1> steps{add_request_id};
};
template <>
struct Upcasts<PaymentCaptureRequested> : RequestIdIsNew {};
template <>
struct Upcasts<PaymentCloseRequested> : RequestIdIsNew {};
template <>
struct Upcasts<PaymentVoidRequested> : RequestIdIsNew {};
template <>
struct Upcasts<PaymentRefundRequested> : RequestIdIsNew {};

template <>
struct Upcasts<PaymentResumed> {
  static std::optional<CodecError> from_1(Json& json) { return add(json, "request_id", ""); }
  static constexpr std::array<Upcast, 1> steps{from_1};
};

template <>
struct Upcasts<PaymentCreated> {
  // Before manual capture existed every payment was automatic.
  static std::optional<CodecError> from_1(Json& json) {
    return add(json, "capture_method", "automatic");
  }
  static std::optional<CodecError> from_2(Json& json) {
    if (auto error = add(json, "method", "")) return error;
    return add(json, "payer", {{"id", ""}, {"ip", ""}, {"instrument", ""}});
  }
  static constexpr std::array<Upcast, 3> steps{from_1, from_2, add_request_id};
};

template <>
struct Upcasts<PaymentStarted> {
  // The one account of a channel went by the channel's name, and there was nothing to choose.
  static std::optional<CodecError> from_1(Json& json) {
    if (auto error = add(json, "why", "")) return error;
    const auto channel = json.find("channel");
    return add(json, "account", channel == json.end() ? Json("") : Json(*channel));
  }
  static constexpr std::array<Upcast, 1> steps{from_1};
};

template <>
struct Upcasts<PaymentSurplusRecorded> {
  // There was one attempt, which whoever folds the events knows.
  static std::optional<CodecError> from_1(Json& json) {
    if (auto error = add(json, "account", "")) return error;
    return add(json, "channel_order_no", "");
  }
  static constexpr std::array<Upcast, 1> steps{from_1};
};

template <>
struct Upcasts<PaymentRequestRepeated> {
  static std::optional<CodecError> from_1(Json& json) {
    if (auto error = add(json, "operation", "create")) return error;
    if (auto error = add(json, "refund_id", "")) return error;
    return add_request_id(json);
  }
  static constexpr std::array<Upcast, 1> steps{from_1};
};

struct Upcaster {
  template <class Event>
  std::optional<CodecError> operator()(Json& json, int version, const Event&) const {
    constexpr auto& steps = Upcasts<Event>::steps;
    static_assert(static_cast<int>(steps.size()) == Event::version - 1,
                  "each older version has a step to the next");
    if (!json.is_object()) return std::nullopt;  // said by the reader
    for (auto step = static_cast<std::size_t>(version) - 1; step < steps.size(); ++step)
      if (auto error = steps[step](json)) return error;
    return std::nullopt;
  }
};

}  // namespace

void write_event(const PaymentEvent& event, std::string& out) { write_alternative(event, out); }

int version_of(const PaymentEvent& event) { return version_of_alternative(event); }

std::vector<std::string> fields_of_later_versions(const PaymentEvent& event) {
  // What the steps add to an object without fields; what else they say of it is no matter here.
  Json json = {{"request", Json::object()}};
  std::visit([&json](const auto& value) { Upcaster{}(json, 1, value); }, event);
  const Json request = std::move(json["request"]);
  json.erase("request");
  std::vector<std::string> pointers;
  for (const auto& [name, value] : json.items()) pointers.push_back("/" + name);
  for (const auto& [name, value] : request.items()) pointers.push_back("/request/" + name);
  return pointers;
}

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
