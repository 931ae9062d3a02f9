// What the sandbox can be told to do wrong, and the decision whether it does it this time. Pure:
// the draws depend on the seed and on what is being done, not on the order in which threads come
// by, so that a run with the same seed and the same orders misbehaves in the same places.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/problem.hpp"

namespace welkin::sandbox {

enum class Fault : std::uint8_t {
  delay,               // answers late, within most clients' patience
  timeout_after_work,  // does the work, then holds the answer back beyond the client's deadline
  error_5xx,           // by rate before or after the work, at random; forced: before it
  garbage,             // does the work, answers with a body that is no JSON
  callback_duplicate,  // sent again, signed anew, and then replayed byte for byte
  callback_reorder,    // held back, so that what happens next is told first
  callback_late,
  callback_forged,        // one with a wrong signature goes ahead of the true one
  callback_wrong_amount,  // one with a true signature and another amount goes ahead of it
  callback_missing,       // never sent
  gbk,                    // Alipay's answers are in GBK, as of a machine in front of it, and say so
  callback_strange,       // genuine ones about nothing of the receiver's go ahead of the true one
};
constexpr std::size_t fault_count = 12;
std::string_view name_of(Fault fault);  // "delay": also its tag in a subject, "[sandbox:delay]"
std::optional<Fault> parse_fault(std::string_view name);

constexpr std::int64_t fault_duration_max_ms = 60'000;

// How often each fault strikes, as parts of a million, and how long the slow ones take.
struct Misbehaviour {
  std::array<std::uint32_t, fault_count> rates_ppm{};
  std::int64_t delay_ms = 1'000;
  std::int64_t callback_late_ms = 3'000;
  std::int64_t hold_ms = 10'000;  // of timeout_after_work

  std::uint32_t& rate_ppm(Fault fault) { return rates_ppm[static_cast<std::size_t>(fault)]; }
  std::uint32_t rate_ppm(Fault fault) const { return rates_ppm[static_cast<std::size_t>(fault)]; }
};

// When and how the payer pays by itself.
struct AutoPay {
  bool enabled = true;
  std::int64_t after_ms = 300;
  std::uint32_t decline_ppm = 0;
  std::int64_t refund_after_ms = 200;  // 0: a refund's first answer settles it
  std::uint32_t refund_fail_ppm = 0;
};

// The control document: {"delay_rate":0.1,"delay_ms":1000,…,"auto_pay":{"enabled":true,…}}. Parsing
// changes only what the document names, so that one rate can be set alone.
struct Control {
  Misbehaviour misbehaviour;
  AutoPay auto_pay;
};
std::string encode_control(const Control& control);
std::variant<Control, Problem> parse_control(std::string_view body, const Control& before);
// The same for one order: rates and durations, no auto_pay.
std::variant<Misbehaviour, Problem> parse_misbehaviour(std::string_view body,
                                                       const Misbehaviour& before);

// What a payment asks for by tags in its subject. A fault may carry its duration:
// "[sandbox:delay=50]".
struct SubjectTags {
  std::array<bool, fault_count> faults{};
  std::optional<std::int64_t> delay_ms;
  std::optional<std::int64_t> callback_late_ms;
  std::optional<std::int64_t> hold_ms;
  bool no_auto_pay = false;
  bool decline = false;
  bool refund_fail = false;
  bool refund_stuck = false;  // the merchant has to see to each refund at the channel's desk

  bool has(Fault fault) const { return faults[static_cast<std::size_t>(fault)]; }
};
SubjectTags parse_subject(std::string_view subject);

// True in `rate_ppm` of a million cases, always the same for the same arguments.
bool strikes(std::uint64_t seed, std::string_view subject_of_draw, std::string_view what,
             std::uint64_t nth, std::uint32_t rate_ppm);

// What goes wrong with one request.
struct RequestPlan {
  bool fail_before_work = false;
  bool fail_after_work = false;
  bool garbage = false;
  bool in_gbk = false;
  std::int64_t delay_ms = 0;
  std::int64_t hold_ms = 0;
};
// `what` is the operation, `nth` counts its tries for this order from 0. What the subject asks for
// strikes each operation's first try only, and no query, so that the payment can still settle; but
// GBK hinders nothing, and strikes all of them.
RequestPlan plan_request(const Misbehaviour& rates, const SubjectTags& tags, std::uint64_t seed,
                         std::string_view order_no, std::string_view what, std::uint64_t nth,
                         bool is_query);

// What goes wrong with one callback.
struct CallbackPlan {
  bool missing = false;
  bool duplicate = false;
  bool forged = false;
  bool wrong_amount = false;
  bool strange = false;
  std::int64_t delay_ms = 0;
};
CallbackPlan plan_callback(const Misbehaviour& rates, const SubjectTags& tags, std::uint64_t seed,
                           std::string_view order_no, std::string_view what);

}  // namespace welkin::sandbox
