// The query string, read as strictly as a body: every parameter known, none twice. A problem's
// field is the parameter's name behind a question mark.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/ids.hpp"
#include "protocol/problem.hpp"

namespace welkin {

class QueryReader {
 public:
  explicit QueryReader(std::string_view query);

  std::string text(std::string_view name, std::size_t max_characters);
  std::size_t number(std::string_view name, std::size_t min, std::size_t max,
                     std::size_t when_absent);
  UnixUs time(std::string_view name);  // 0 when absent

  void refuse(std::string_view name, std::string detail);
  std::optional<Problem> finish();

  // Whether all that is there is well-formed, there once, and among the known.
  static std::optional<Problem> refuse_unknown(std::string_view query,
                                               const std::vector<std::string_view>& known);

 private:
  struct Parameter {
    std::string name;
    std::string value;
    bool taken = false;
  };
  const std::string* take(std::string_view name);
  void refuse(ProblemCode code, std::string_view name, std::string detail);

  std::vector<Parameter> parameters_;
  std::optional<Problem> problem_;
};

}  // namespace welkin
