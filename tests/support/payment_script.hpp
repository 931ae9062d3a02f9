// Plays a payment's life through the real rules, for tests: what is decided is applied, and what is
// asked of it and said about it stands in one line each. No actor, store or clock.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocol/payment/payment.hpp"

namespace welkin {

constexpr UnixUs script_start_us = 1'767'225'600 * us_per_s;  // 2026-01-01T00:00:00Z
constexpr std::int64_t script_amount_minor = 10'000;
constexpr std::int64_t script_expires_in_s = 1'800;

Currency currency_of(std::string_view code);

class PaymentScript {
 public:
  explicit PaymentScript(CaptureMethod capture = CaptureMethod::automatic);

  PaymentCommand command(PaymentCommandBody body) const;
  CreatePayment create_body() const;
  // A report that fits the payment; the test bends what it wants bent.
  ChannelReport report(ChannelVerdict verdict, std::string reference = "ch_1") const;
  ChannelReport refund_report(ChannelVerdict verdict, const std::string& refund_id) const;
  DecisionContext context() const { return {id, now_us, routes}; }

  Decision ask(const PaymentCommandBody& body) const;
  Decision hear(const ChannelReport& said) const;

  // These apply what was decided and throw when nothing was: the way to a state must not fail.
  std::vector<PaymentEvent> take(const PaymentCommandBody& body);
  std::vector<PaymentEvent> take(const ChannelReport& said);
  std::vector<PaymentEvent> apply_all(std::vector<PaymentEvent> events);
  // Lets time pass to when the payment is due, and records what that asks for.
  std::vector<PaymentEvent> expire();

  PaymentScript& start();      // PAYING, the order open at the channel
  PaymentScript& authorize();  // AUTHORIZED; for manual capture
  PaymentScript& pay();        // PAID
  PaymentScript& fail();       // FAILED
  PaymentScript& close();      // CLOSED
  std::string refund(std::int64_t amount_minor, const std::string& merchant_refund_no);  // asked
  PaymentScript& refunded(std::int64_t amount_minor, const std::string& merchant_refund_no);

  PaymentId id;
  Payment payment;
  UnixUs now_us = script_start_us;
  const std::vector<Route>* routes = nullptr;  // null: one account, of the channel's name

 private:
  CaptureMethod capture_;
};

// A decision as one word to compare with: the events' kinds without "payment_" joined by "+",
// "already", or "!" and the problem's code.
std::string in_short(const Decision& decision);
std::string in_short(const std::vector<PaymentEvent>& events);
// The reasons for which parts of it wait for an operator, joined by "; ".
std::string parked_because(const Payment& payment);

}  // namespace welkin
