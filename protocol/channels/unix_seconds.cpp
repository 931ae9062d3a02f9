#include "protocol/channels/unix_seconds.hpp"

#include <charconv>

namespace welkin {
namespace {

constexpr std::int64_t latest_s = 100'000'000'000;

}  // namespace

std::optional<std::int64_t> parse_unix_seconds(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > latest_s)
    return std::nullopt;
  return value;
}

}  // namespace welkin
