// What the sandbox server is sent: what it takes the runtime could have written, which means that
// writing it again and reading that gives the same.
#include "protocol/channel/sandbox_wire.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

using namespace sandbox_wire;

template <class T>
const T* taken(const Parsed<T>& parsed) {
  if (const auto* problem = std::get_if<Problem>(&parsed)) claim_problem(*problem);
  return std::get_if<T>(&parsed);
}

void claim_number(const std::string& number) {
  claim(number.size() >= 8 && number.size() <= 64 &&
            number.find_first_not_of(
                "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
                std::string::npos,
        "a number is 8 to 64 letters and digits");
}

void claim_amount(std::int64_t amount_minor) {
  claim(amount_minor >= 1 && amount_minor <= max_amount_minor, "an amount is in range");
}

void check_order(std::string_view body) {
  const auto parsed = parse_create_order(body);
  const CreateOrder* order = taken(parsed);
  if (!order) return;
  claim_every_byte_judged(body, [](std::string_view other) {
    return std::holds_alternative<CreateOrder>(parse_create_order(other));
  });
  claim_number(order->out_order_no);
  claim_amount(order->amount_minor);
  claim(order->expires_at_us >= 0, "an expiry is a time or none");
  ChannelCall call;
  call.operation = ChannelOperation::create;
  call.channel_order_no = order->out_order_no;
  call.merchant_id = order->merchant_id;
  call.amount_minor = order->amount_minor;
  call.currency = order->currency;
  call.subject = order->subject;
  call.manual_capture = order->manual_capture;
  call.return_url = order->return_url;
  call.expires_at_us = order->expires_at_us;
  const auto again = parse_create_order(encode_request(call, order->notify_url).body);
  const CreateOrder* same = std::get_if<CreateOrder>(&again);
  claim(same != nullptr, "an order can be written again");
  claim(same->out_order_no == order->out_order_no && same->merchant_id == order->merchant_id &&
            same->amount_minor == order->amount_minor && same->currency == order->currency &&
            same->subject == order->subject && same->manual_capture == order->manual_capture &&
            same->return_url == order->return_url && same->notify_url == order->notify_url &&
            same->expires_at_us == order->expires_at_us,
        "an order written again is the same order");
}

void check_refund(std::string_view body) {
  const auto parsed = parse_create_refund(body);
  const CreateRefund* refund = taken(parsed);
  if (!refund) return;
  claim_number(refund->out_refund_no);
  claim_number(refund->out_order_no);
  claim_amount(refund->amount_minor);
  ChannelCall call;
  call.operation = ChannelOperation::refund;
  call.channel_refund_no = refund->out_refund_no;
  call.channel_order_no = refund->out_order_no;
  call.merchant_id = refund->merchant_id;
  call.amount_minor = refund->amount_minor;
  call.currency = refund->currency;
  const auto again = parse_create_refund(encode_request(call, {}).body);
  const CreateRefund* same = std::get_if<CreateRefund>(&again);
  claim(same != nullptr, "a refund can be written again");
  claim(same->out_refund_no == refund->out_refund_no &&
            same->out_order_no == refund->out_order_no &&
            same->merchant_id == refund->merchant_id &&
            same->amount_minor == refund->amount_minor && same->currency == refund->currency,
        "a refund written again is the same refund");
}

void check(std::string_view body) {
  check_order(body);
  check_refund(body);
  const auto parsed_capture = parse_capture_order(body);
  if (const CaptureOrder* capture = taken(parsed_capture)) {
    claim_number(capture->out_order_no);
    claim_amount(capture->amount_minor);
  }
  const auto parsed_reference = parse_order_reference(body);
  if (const OrderReference* reference = taken(parsed_reference))
    claim_number(reference->out_order_no);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
