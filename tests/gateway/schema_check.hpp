// A checker for the part of JSON Schema that our OpenAPI document uses. It throws on a keyword it
// does not know, so that no part of a schema goes unchecked in silence.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace welkin::test {

class SchemaCheck {
 public:
  using Json = nlohmann::json;
  explicit SchemaCheck(const Json& document) : document_(document) {}

  // Empty when the value fits, else where and why not.
  std::string problem_of(const Json& value, const Json& schema, const std::string& at = "") const;

 private:
  bool fits_any_of(const Json& value, const Json& schemas, const std::string& at) const;
  std::string one_of_problem(const Json& value, const Json& schema, const std::string& at) const;
  std::string array_problem(const Json& value, const Json& schema, const std::string& at) const;
  std::string object_problem(const Json& value, const Json& schema, const std::string& at) const;

  const Json& document_;
};

}  // namespace welkin::test
