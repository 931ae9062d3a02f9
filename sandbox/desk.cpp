#include "sandbox/desk.hpp"

namespace welkin::sandbox {

std::vector<Seal> Desk::strange_news(const BookResult& news, UnixUs now_us) const {
  BookResult strange = news;
  strange.facts.order.out_order_no = strangers_order_no;
  if (strange.order) strange.order->out_order_no = strangers_order_no;
  if (strange.refund) strange.refund->out_order_no = strangers_order_no;
  std::vector<Seal> seals;
  if (auto seal = tell(strange, now_us)) seals.push_back(*std::move(seal));
  return seals;
}

}  // namespace welkin::sandbox
