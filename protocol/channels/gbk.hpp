// Text in GBK, which Alipay's and UnionPay's bills are written in, and what answers for Alipay at
// times.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace welkin {

// As UTF-8; nothing when the bytes are no GBK.
std::optional<std::string> utf8_of_gbk(std::string_view bytes);
// Nothing when the text is no UTF-8, or has a character that GBK has not.
std::optional<std::string> gbk_of(std::string_view utf8);

}  // namespace welkin
