// Calls and their numbers as the runtime makes them, for tests of the real channels' wire formats.
#pragma once

#include <string>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/exchange.hpp"

namespace welkin {

// 2026-01-01T00:00:00Z, the clock of all vectors.
constexpr UnixUs vectors_now_us = 1'767'225'600 * us_per_s;

inline SigningContext vectors_context() {
  return {vectors_now_us, "593BEC0C930BF1AFEB40B4A08C8FB242"};
}

// An order of 1.01 of `currency`, and its refund of 0.50.
inline ChannelCall example_call(ChannelOperation operation, std::string_view currency = "CNY") {
  ChannelCall call;
  call.payment = payment_id_of("m_1", "order-1");
  call.operation = operation;
  call.merchant_id = "m_1";
  call.channel_order_no = channel_order_no(call.payment, 1);
  call.amount_minor = call.order_amount_minor = 101;
  call.currency = *Currency::parse(currency);
  call.subject = "测试商品 A&B";
  call.return_url = "https://shop.example.com/back";
  call.order_created_at_us = vectors_now_us;
  call.expires_at_us = vectors_now_us + 1'800 * us_per_s;
  if (operation == ChannelOperation::refund) {
    const RefundId refund = refund_id_of(call.payment, "refund-1");
    call.refund_id = refund.text();
    call.channel_refund_no = channel_refund_no(refund);
    call.amount_minor = 50;
  }
  return call;
}
inline ChannelCall example_query(ChannelOperation operation, std::string_view currency = "CNY") {
  ChannelCall call = example_call(operation, currency);
  call.query = true;
  return call;
}

inline std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  return at == std::string::npos ? "not replaced" : text.replace(at, what.size(), by);
}

}  // namespace welkin
