#include "actors/trouble_log.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace welkin {
namespace {

constexpr UnixUs silence_us = 10 * us_per_s;
constexpr std::size_t code_length_max = 48;
// No documented code has more; a card number has.
constexpr std::ptrdiff_t code_digits_max = 5;

constexpr std::string_view trouble_names[] = {"garbled answer",
                                              "channel not well",
                                              "no answer",
                                              "not sent",
                                              "not made",
                                              "account takes no orders",
                                              "too many calls at once",
                                              "callback refused",
                                              "callback of no payment"};
static_assert(std::size(trouble_names) ==
              static_cast<std::size_t>(Trouble::callback_of_no_payment) + 1);

bool is_word(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '.' || c == '-';
  });
}

// Letters of both cases and digits are a key's or an id's; or as secrets of the channels we speak
// with begin or read.
bool looks_secret(std::string_view text) {
  bool upper = false;
  bool lower = false;
  bool digit = false;
  for (const char c : text) {
    upper |= c >= 'A' && c <= 'Z';
    lower |= c >= 'a' && c <= 'z';
    digit |= c >= '0' && c <= '9';
  }
  if (upper && lower && digit) return true;
  for (const char* mark : {"sk_", "rk_", "pk_", "whsec", "secret", "pm_", "tok_"})
    if (text.find(mark) != std::string_view::npos) return true;
  return false;
}

}  // namespace

std::string_view name_of(Trouble trouble) {
  return trouble_names[static_cast<std::size_t>(trouble)];
}

std::string loggable_code(std::string_view code) {
  const auto digits =
      std::count_if(code.begin(), code.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (code.size() > code_length_max || digits > code_digits_max || !is_word(code) ||
      looks_secret(code))
    return "(withheld)";
  return std::string(code);
}

void TroubleLog::note(Trouble trouble, std::string_view what, std::string_view order_no,
                      std::string_view code, UnixUs now_us) {
  std::uint64_t left_out = 0;
  {
    const std::lock_guard lock(mutex_);
    Kind& kind = kinds_[static_cast<std::size_t>(trouble)];
    if (now_us < kind.silent_until_us) {
      ++kind.left_out;
      return;
    }
    kind.silent_until_us = now_us + silence_us;
    left_out = std::exchange(kind.left_out, 0);
  }
  spdlog::warn("channel account {}: {}: {} of order {}: {} ({} like it not shown)", account_,
               name_of(trouble), what, order_no, loggable_code(code), left_out);
}

}  // namespace welkin
