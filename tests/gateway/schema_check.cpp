#include "tests/gateway/schema_check.hpp"

#include <regex.h>

#include <set>
#include <stdexcept>

#include "gateway/rfc3339.hpp"

namespace welkin::test {
namespace {

using Json = nlohmann::json;

const std::set<std::string>& known() {
  static const std::set<std::string> keywords{
      "type",          "enum",    "properties", "required",    "additionalProperties",
      "items",         "minimum", "maximum",    "minLength",   "maxLength",
      "pattern",       "format",  "default",    "description", "maxProperties",
      "propertyNames", "anyOf",   "oneOf",      "allOf",       "discriminator"};
  return keywords;
}

bool contains(const Json& list, const Json& value) {
  for (const Json& item : list)
    if (item == value) return true;
  return false;
}

bool has_type(const Json& value, const Json& types) {
  if (types.is_array()) {
    for (const Json& type : types)
      if (has_type(value, type)) return true;
    return false;
  }
  const std::string type = types;
  return (type == "null" && value.is_null()) || (type == "boolean" && value.is_boolean()) ||
         (type == "integer" && value.is_number_integer()) ||
         (type == "string" && value.is_string()) || (type == "array" && value.is_array()) ||
         (type == "object" && value.is_object());
}

// The patterns we use mean the same to POSIX as to JSON Schema.
bool matches(const std::string& text, const std::string& pattern) {
  regex_t compiled;
  if (::regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0)
    throw std::logic_error("not a pattern: " + pattern);
  const bool found = ::regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  ::regfree(&compiled);
  return found;
}

std::string string_problem(const Json& value, const Json& schema, const std::string& at) {
  const std::string text = value;
  if (schema.contains("minLength") && text.size() < schema["minLength"]) return at + ": too short";
  if (schema.contains("maxLength") && text.size() > schema["maxLength"]) return at + ": too long";
  if (schema.contains("pattern") && !matches(text, schema["pattern"].get<std::string>()))
    return at + ": pattern";
  const bool is_time = parse_rfc3339(text).has_value() && text.back() == 'Z';
  if (schema.value("format", "") == "date-time" && !is_time) return at + ": no time";
  return "";
}

std::string number_problem(const Json& value, const Json& schema, const std::string& at) {
  if (schema.contains("minimum") && value < schema["minimum"]) return at + ": too small";
  if (schema.contains("maximum") && value > schema["maximum"]) return at + ": too large";
  return "";
}

}  // namespace

std::string SchemaCheck::problem_of(const Json& value, const Json& schema,
                                    const std::string& at) const {
  if (schema.contains("$ref")) {
    const std::string pointer = schema["$ref"].get<std::string>().substr(1);
    return problem_of(value, document_.at(Json::json_pointer(pointer)), at);
  }
  for (const auto& [keyword, rule] : schema.items())
    if (known().count(keyword) == 0) throw std::logic_error("unknown keyword " + keyword);
  if (schema.contains("type") && !has_type(value, schema["type"])) return at + ": wrong type";
  if (schema.contains("enum") && !contains(schema["enum"], value)) return at + ": not in enum";
  if (schema.contains("anyOf") && !fits_any_of(value, schema["anyOf"], at))
    return at + ": fits none of anyOf";
  for (const Json& part : schema.value("allOf", Json::array()))
    if (auto problem = problem_of(value, part, at); !problem.empty()) return problem;
  if (schema.contains("oneOf")) return one_of_problem(value, schema, at);
  if (value.is_string()) return string_problem(value, schema, at);
  if (value.is_number()) return number_problem(value, schema, at);
  if (value.is_array()) return array_problem(value, schema, at);
  if (value.is_object()) return object_problem(value, schema, at);
  return "";
}

bool SchemaCheck::fits_any_of(const Json& value, const Json& schemas, const std::string& at) const {
  for (const Json& schema : schemas)
    if (problem_of(value, schema, at).empty()) return true;
  return false;
}

// The discriminator names which one is meant, so that what is wrong with that one can be told.
std::string SchemaCheck::one_of_problem(const Json& value, const Json& schema,
                                        const std::string& at) const {
  const Json& discriminator = schema.at("discriminator");
  const std::string property = discriminator.at("propertyName");
  if (!value.is_object() || !value.contains(property)) return at + ": lacks " + property;
  const Json& mapping = discriminator.at("mapping");
  if (!value[property].is_string() || !mapping.contains(value[property].get<std::string>()))
    return at + "/" + property + ": not in mapping";
  const Json meant{{"$ref", mapping[value[property].get<std::string>()]}};
  if (!contains(schema["oneOf"], meant)) return at + "/" + property + ": not in oneOf";
  return problem_of(value, meant, at);
}

std::string SchemaCheck::array_problem(const Json& value, const Json& schema,
                                       const std::string& at) const {
  if (!schema.contains("items")) return "";
  for (std::size_t i = 0; i < value.size(); ++i) {
    const auto problem = problem_of(value[i], schema["items"], at + "/" + std::to_string(i));
    if (!problem.empty()) return problem;
  }
  return "";
}

std::string SchemaCheck::object_problem(const Json& value, const Json& schema,
                                        const std::string& at) const {
  for (const Json& name : schema.value("required", Json::array()))
    if (!value.contains(name.get<std::string>())) return at + ": lacks " + name.get<std::string>();
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, member] : value.items()) {
    std::string problem;
    if (properties.contains(name)) {
      problem = problem_of(member, properties[name], at + "/" + name);
    } else if (schema.contains("additionalProperties")) {
      const Json& others = schema["additionalProperties"];
      if (others.is_object()) {
        problem = problem_of(member, others, at + "/" + name);
      } else if (others == false) {
        problem = at + ": has " + name;
      }
    }
    if (!problem.empty()) return problem;
  }
  return "";
}

}  // namespace welkin::test
