// The names of configuration keys as people write them: which variable was meant by a misspelt one,
// and which WELKIN_ variables are none of `welkin serve`'s.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace welkin {

// Of ./dev, of the tests, or what Kubernetes tells every container of a service named welkin.
bool is_variable_of_others(std::string_view name);

// "; did you mean X?" for the candidate nearest to `written`, or nothing when none is near.
std::string suggestion(std::string_view written, const std::vector<std::string>& candidates);
// The same for a variable: the candidates are all variables of all keys.
std::string suggested_variable(std::string_view written);

}  // namespace welkin
