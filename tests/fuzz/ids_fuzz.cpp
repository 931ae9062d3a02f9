// Ids, numbers and cursors that clients and channels bring back: each has one spelling.
#include "actors/list_cursor.hpp"
#include "protocol/ids.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

void check(std::string_view text) {
  if (const auto id = Id128::parse(text)) {
    const auto again = Id128::parse(id->text());
    claim(again.has_value() && *again == *id, "an id's text names the same id");
  }
  if (const auto id = PaymentId::parse(text))
    claim_same(id->text(), text, "a payment id has one spelling");
  if (const auto id = RefundId::parse(text)) {
    claim_same(id->text(), text, "a refund id has one spelling");
    claim(channel_refund_no(*id).size() == 27, "a refund's number fits every channel");
  }
  if (const auto order = parse_channel_order_no(text)) {
    claim_same(channel_order_no(order->payment, order->attempt), text,
               "an order's number has one spelling");
    claim(order->attempt >= 0 && order->attempt <= 99, "an attempt has two digits");
  }
  if (const auto hash = parse_hash(text)) claim_same(hex(*hash), text, "a hash has one spelling");
  if (const auto cursor = ListCursor::parse(text)) {
    claim_same(cursor->text(), text, "a cursor has one spelling");
    claim(cursor->created_at_us > 0, "a cursor's time is one a payment can have");
  }
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
