#include "protocol/payment/event_codec.hpp"

#include <utility>

#include "protocol/payment/field_codec.hpp"
#include "protocol/sha256.hpp"

namespace welkin {

#define WELKIN_ENUM_PARSER(Type, function)                                       \
  template <>                                                                    \
  struct EnumParser<Type> {                                                      \
    static std::optional<Type> parse(std::string_view n) { return function(n); } \
  }
WELKIN_ENUM_PARSER(CaptureMethod, parse_capture_method);
WELKIN_ENUM_PARSER(ReportSource, parse_report_source);
WELKIN_ENUM_PARSER(ChannelOperation, parse_channel_operation);
WELKIN_ENUM_PARSER(Outcome, parse_outcome);
WELKIN_ENUM_PARSER(CloseReason, parse_close_reason);
WELKIN_ENUM_PARSER(PaymentState, parse_payment_state);
WELKIN_ENUM_PARSER(RefundState, parse_refund_state);
#undef WELKIN_ENUM_PARSER

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

// nlohmann keeps the last of two equal keys; a journal row with two has been tampered with.
std::variant<Json, CodecError> parse_without_repeats(std::string_view text) {
  std::vector<std::vector<std::string>> open_objects;
  std::string repeated;
  const auto callback = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open_objects.emplace_back();
    if (event == Json::parse_event_t::object_end) open_objects.pop_back();
    if (event == Json::parse_event_t::key) {
      auto& names = open_objects.back();
      const std::string name = parsed.get<std::string>();
      for (const std::string& seen : names)
        if (seen == name) repeated = name;
      names.push_back(name);
    }
    return true;
  };
  Json json = Json::parse(text.begin(), text.end(), callback, /*allow_exceptions=*/false);
  if (json.is_discarded()) return CodecError{"/", "is not valid JSON"};
  if (!repeated.empty()) return CodecError{"/" + repeated, "stands twice"};
  return json;
}

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

void append_number(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

void append_text(std::string& out, std::string_view text) {
  append_number(out, text.size());
  out.append(text);
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

Hash event_hash(const Hash& prev, std::string_view stream_text, std::uint64_t seq,
                std::string_view type, int version, UnixUs at_us, std::string_view causation_id,
                std::string_view correlation_id, std::string_view payload) {
  thread_local std::string head;
  head.assign(reinterpret_cast<const char*>(prev.data()), prev.size());
  append_text(head, stream_text);
  append_number(head, seq);
  append_text(head, type);
  append_number(head, static_cast<std::uint64_t>(version));
  append_number(head, static_cast<std::uint64_t>(at_us));
  append_text(head, causation_id);
  append_text(head, correlation_id);
  append_number(head, payload.size());
  Sha256& hasher = Sha256::start();
  hasher.add(head);
  hasher.add(payload);
  return hasher.finish();
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
