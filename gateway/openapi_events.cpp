#include "gateway/openapi_events.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <type_traits>
#include <variant>
#include <vector>

#include "protocol/event_family.hpp"
#include "protocol/payment/event_codec.hpp"

namespace welkin::openapi_doc {
namespace {

// The last name of each enum that payloads hold; one without a row here does not compile.
template <class Enum>
constexpr Enum last_name = Enum::is_missing_in_this_table;
template <>
constexpr CaptureMethod last_name<CaptureMethod> = CaptureMethod::manual;
template <>
constexpr ReportSource last_name<ReportSource> = ReportSource::callback;
template <>
constexpr ChannelOperation last_name<ChannelOperation> = ChannelOperation::refund;
template <>
constexpr Outcome last_name<Outcome> = Outcome::unknown;
template <>
constexpr CloseReason last_name<CloseReason> = CloseReason::voided;

// Visits the fields of a payload, or of an object within one.
class FieldSchemas {
 public:
  template <class T>
  static Json object_of(const T& value) {
    FieldSchemas fields;
    T::visit_fields(value, fields);
    return object(std::move(fields.properties_));
  }

  template <class T>
  void operator()(std::string_view name, const T& value) {
    properties_[std::string(name)] = schema_of(value);
  }

 private:
  static Json schema_of(bool) { return type("boolean"); }
  static Json schema_of(int) { return {{"type", "integer"}, {"format", "int32"}}; }
  static Json schema_of(std::int64_t) { return {{"type", "integer"}, {"format", "int64"}}; }
  static Json schema_of(const std::string&) { return type("string"); }
  static Json schema_of(const Currency&) { return text(3, 3); }
  static Json schema_of(const std::map<std::string, std::string>&) {
    return {{"type", "object"}, {"additionalProperties", type("string")}};
  }
  template <class T>
  static Json schema_of(const std::vector<T>&) {
    return {{"type", "array"}, {"items", schema_of(T{})}};
  }
  template <class T>
  static Json schema_of(const std::optional<T>&) {
    return {{"anyOf", Json::array({schema_of(T{}), type("null")})}};
  }
  template <class T>
  static std::enable_if_t<std::is_enum_v<T>, Json> schema_of(const T&) {
    return names_of<T>(0, static_cast<int>(last_name<T>));
  }
  template <class T>
  static std::enable_if_t<std::is_class_v<T>, Json> schema_of(const T& value) {
    return object_of(value);
  }

  Json properties_ = Json::object();
};

// "payment_paid" as "PaymentPaidEvent".
std::string schema_name(std::string_view event) {
  std::string name;
  bool starts_word = true;
  for (const char c : event) {
    if (c != '_') name.push_back(starts_word ? static_cast<char>(c & ~0x20) : c);
    starts_word = c == '_';
  }
  return name + "Event";
}

// Takes the field at this pointer into a payload, or into an object within one, out of those that
// must be there.
void make_optional(Json& schema, const std::string& pointer) {
  const std::size_t slash = pointer.rfind('/');
  Json* parent = &schema;
  if (slash > 0) parent = &schema["properties"][pointer.substr(1, slash - 1)];
  Json& required = (*parent)["required"];
  required.erase(std::find(required.begin(), required.end(), Json(pointer.substr(slash + 1))));
  if (required.empty()) parent->erase("required");
}

template <class Event>
Json schema_of_kind() {
  const Event event{};
  Json payload = FieldSchemas::object_of(event);
  for (const std::string& pointer : fields_of_later_versions(event))
    make_optional(payload, pointer);
  payload["description"] =
      "as it was recorded: amounts in minor units, times in microseconds since 1970";
  return object({{"seq", {{"type", "integer"}, {"minimum", 1}}},
                 {"type", {{"type", "string"}, {"enum", {name_of(Event::kind)}}}},
                 {"version", {{"type", "integer"}, {"minimum", 1}, {"maximum", Event::version}}},
                 {"at", time()},
                 {"causation_id", type("string")},
                 {"correlation_id", type("string")},
                 {"payload", std::move(payload)}});
}

template <std::size_t... I>
void add_kinds(Json& out, std::index_sequence<I...>) {
  Json one_of = Json::array();
  Json mapping;
  const auto add = [&](std::string_view event, Json schema) {
    const std::string name = schema_name(event);
    one_of.push_back(schema_ref(name));
    mapping[std::string(event)] = one_of.back()["$ref"];
    out[name] = std::move(schema);
  };
  (add(name_of(static_cast<PaymentEventKind>(I)),
       schema_of_kind<std::variant_alternative_t<I, PaymentEvent>>()),
   ...);
  out["Event"] = {{"oneOf", std::move(one_of)},
                  {"discriminator", {{"propertyName", "type"}, {"mapping", std::move(mapping)}}}};
}

}  // namespace

void add_event_schemas(Json& out) {
  add_kinds(out, std::make_index_sequence<payment_event_kind_count>{});
}

}  // namespace welkin::openapi_doc
