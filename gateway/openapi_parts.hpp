// What the OpenAPI document's schemas are put together from.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/money.hpp"

namespace welkin::openapi_doc {

using Json = nlohmann::ordered_json;

inline Json schema_ref(std::string_view schema) {
  return {{"$ref", std::string("#/components/schemas/").append(schema)}};
}

inline Json text(std::size_t min, std::size_t max, std::string_view pattern = {}) {
  Json out{{"type", "string"}, {"minLength", min}, {"maxLength", max}};
  if (!pattern.empty()) out["pattern"] = pattern;
  return out;
}

inline Json type(std::string_view name) { return {{"type", name}}; }
inline Json any_object() { return {{"type", "object"}, {"additionalProperties", true}}; }
inline Json type_or_null(std::string_view name) { return {{"type", {name, "null"}}}; }
inline Json time() { return {{"type", "string"}, {"format", "date-time"}}; }
inline Json described(Json schema, std::string_view description) {
  schema["description"] = description;
  return schema;
}

inline Json amount_asked() {
  return {{"type", "integer"},
          {"format", "int64"},
          {"minimum", 1},
          {"maximum", max_amount_minor},
          {"description", "in the currency's minor unit"}};
}
inline Json amount_shown() { return {{"type", "integer"}, {"format", "int64"}, {"minimum", 0}}; }

// An object whose fields are all known, and required but for `optional`.
inline Json object(Json properties, const std::vector<std::string>& optional = {}) {
  Json required = Json::array();
  for (const auto& [name, schema] : properties.items())
    if (std::find(optional.begin(), optional.end(), name) == optional.end())
      required.push_back(name);
  Json out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  out["additionalProperties"] = false;
  return out;
}

inline Json object_or_null(Json properties) {
  Json out = object(std::move(properties));
  out["type"] = {"object", "null"};
  return out;
}

template <class Enum>
Json names_of(int first, int last) {
  Json names = Json::array();
  for (int i = first; i <= last; ++i) names.push_back(name_of(static_cast<Enum>(i)));
  return {{"type", "string"}, {"enum", names}};
}

inline Json page_of(std::string_view item) {
  return object({{"items", {{"type", "array"}, {"items", schema_ref(item)}}},
                 {"next_cursor", described(type_or_null("string"), "null on the last page")}});
}

}  // namespace welkin::openapi_doc
