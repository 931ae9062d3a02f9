// The payments the benchmarks make, with fields as long as real ones.
#pragma once

#include <string>

#include "protocol/payment/payment.hpp"

namespace welkin::bench {

inline PaymentCommand create_command(std::uint64_t number) {
  static const std::string merchant = "m_bench";
  PaymentCommand command;
  CreatePayment create;
  create.merchant_order_no = "order-" + std::to_string(number);
  create.amount_minor = 1'000 + static_cast<std::int64_t>(number % 100'000);
  create.currency = *Currency::parse("CNY");
  create.channel = "sandbox";
  create.subject = "Green tea, 250 g";
  create.expires_in_s = 1'800;
  create.return_url = "https://shop.example/return";
  command.payment = payment_id_of(merchant, create.merchant_order_no);
  command.merchant_id = merchant;
  command.cause = "request:" + command.payment.key.text();
  command.request.fingerprint = std::string(64, 'f');
  command.body = std::move(create);
  return command;
}

inline ChannelReport accepted_report(const PaymentCommand& command, const std::string& order_no) {
  const auto& create = std::get<CreatePayment>(command.body);
  ChannelReport report;
  report.payment = command.payment;
  report.verdict = ChannelVerdict::accepted;
  report.channel_order_no = order_no;
  report.merchant_id = command.merchant_id;
  report.amount_minor = create.amount_minor;
  report.currency = create.currency;
  report.channel_reference = "T" + order_no;
  report.next_action = {"qr_code", "welkin-sandbox://pay/" + order_no};
  return report;
}

}  // namespace welkin::bench
