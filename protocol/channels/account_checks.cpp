#include "protocol/channels/account_checks.hpp"

#include <utility>

namespace welkin {

Problem account_fault(std::string_view field, std::string detail) {
  return {ProblemCode::invalid_value, std::move(detail), std::string(field)};
}

Problem account_fault(std::string_view field, crypto::KeyFault what) {
  return account_fault(
      field, "The key or certificate cannot be used: " + std::string(name_of(what)) + ".");
}

bool is_http_url(std::string_view text) {
  return (text.substr(0, 8) == "https://" && text.size() > 8) ||
         (text.substr(0, 7) == "http://" && text.size() > 7);
}

bool is_base_url(std::string_view text) { return is_http_url(text) && text.back() != '/'; }

}  // namespace welkin
