// Log lines about a channel account's troubles: at most one a while of each kind, with how many
// were left out, so that an outage at ten thousand calls a second is a few lines. A line names
// account, operation, order number and code, and nothing that came along with them: no key, no card
// number, no token, no text of the channel's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace welkin {

enum class Trouble : std::uint8_t {
  garbled,
  unwell,
  no_answer,
  not_sent,
  not_made,
  not_taken,  // the channel says that it does not take orders of this account
  bulkhead_full,
  callback_refused,
  callback_of_no_payment,  // taken all the same: the channel tells of others' orders too
};
std::string_view name_of(Trouble trouble);

// A code as it may stand in a log: a word such as channels document, or "(withheld)" for what could
// be something else, since whoever answers chooses the text.
std::string loggable_code(std::string_view code);

// From any thread.
class TroubleLog {
 public:
  explicit TroubleLog(std::string account) : account_(std::move(account)) {}

  void note(Trouble trouble, std::string_view what, std::string_view order_no,
            std::string_view code, UnixUs now_us);

 private:
  struct Kind {
    UnixUs silent_until_us = 0;
    std::uint64_t left_out = 0;
  };
  const std::string account_;
  std::mutex mutex_;
  std::array<Kind, static_cast<std::size_t>(Trouble::callback_of_no_payment) + 1> kinds_;
};

}  // namespace welkin
