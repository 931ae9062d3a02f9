// What clients do: each order has a script of acts, drawn before the run begins. Who plays the
// scripts is in shopper.hpp. A workload of orders over several services joins here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/payment/payment.hpp"
#include "tests/simulation/dice.hpp"

namespace welkin::simulation {

enum class ActKind : std::uint8_t {
  create,             // and whenever it stands again later, a duplicate
  create_twice,       // at once, over two connections
  create_other_body,  // the same order number with another amount
  await_payment,      // looks until the payer has paid, or it is over
  look,
  capture,
  void_authorization,
  close,
  refund,  // the same refund number again is a repeat
};

struct Act {
  ActKind kind = ActKind::look;
  UnixUs pause_us = 0;  // before it
  std::int64_t amount_minor = 0;
  std::string refund_no;
  std::string key;  // the Idempotency-Key, or none
};

struct OrderScript {
  std::string merchant_id;
  std::string order_no;
  std::string subject;
  std::int64_t amount_minor = 0;
  CaptureMethod capture = CaptureMethod::automatic;
  std::int64_t expires_in_s = 0;
  std::string method;  // how the payer pays, as the channel calls it
  Payer payer;
  std::string return_url;
  UnixUs starts_after_us = 0;
  int max_tries = 8;  // of one act
  std::vector<Act> acts;

  PaymentId payment() const { return payment_id_of(merchant_id, order_no); }
};

struct Workload {
  std::string_view name;
  OrderScript (*draw)(Dice& dice, const std::string& order_no);
};
const std::vector<Workload>& workloads();
const Workload* find_workload(std::string_view name);

std::vector<OrderScript> draw_scripts(const Workload& workload, Dice& dice, std::size_t orders);

}  // namespace welkin::simulation
