#include "protocol/channels/default_method.hpp"

#include <utility>

namespace welkin {

std::string_view default_method_of(std::string_view kind) {
  constexpr std::pair<std::string_view, std::string_view> defaults[] = {
      {"wechat_pay", "native"}, {"alipay", "precreate"}, {"union_pay", "qr"}};
  for (const auto& [name, method] : defaults)
    if (name == kind) return method;
  return {};
}

}  // namespace welkin
