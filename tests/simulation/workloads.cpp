#include "tests/simulation/workloads.hpp"

#include <iterator>

namespace welkin::simulation {
namespace {

// How a payer may pay and what must then be known of him, as the channels of the world have it.
struct WayToPay {
  std::string_view method;
  bool names_id = false;
  bool names_ip = false;
  bool names_instrument = false;
  bool returns = false;  // the payer's browser is sent back to the shop
};
constexpr WayToPay ways_to_pay[] = {
    {""},
    {"native"},
    {"h5", false, true, false, true},
    {"jsapi", true},
    {"precreate"},
    {"page", false, false, false, true},
    {"wap", false, true, false, true},
    {"front", false, true, false, true},
    {"qr"},
    {"card", false, false, true, true},
};

void choose_way(OrderScript& script, Dice& dice) {
  const WayToPay& way = ways_to_pay[dice.below(std::size(ways_to_pay))];
  script.method = way.method;
  if (way.names_id) script.payer.id = "payer-" + std::to_string(dice.below(1'000));
  if (way.names_ip) script.payer.ip = "203.0.113." + std::to_string(dice.below(256));
  if (way.names_instrument) script.payer.instrument = "pm_" + std::to_string(dice.below(1'000));
  if (way.returns) script.return_url = "https://shop.example/orders/" + script.order_no;
}

OrderScript order(Dice& dice, const std::string& order_no, CaptureMethod capture) {
  OrderScript script;
  script.merchant_id = dice.percent(70) ? "m_1" : "m_2";
  script.order_no = order_no;
  script.subject = "tea";
  script.amount_minor = dice.between(1, 100'000);
  script.capture = capture;
  constexpr std::int64_t expiries_s[] = {60, 120, 300, 600};
  script.expires_in_s = expiries_s[dice.below(4)];
  choose_way(script, dice);
  return script;
}

UnixUs short_pause(Dice& dice) { return dice.between(0, 3 * us_per_s); }

Act act(ActKind kind, Dice& dice) {
  Act act;
  act.kind = kind;
  act.pause_us = short_pause(dice);
  return act;
}

void add_key(Act& act, const std::string& order_no, const char* what, Dice& dice) {
  if (dice.percent(50)) act.key = order_no + "/" + what;
}

void add_create(OrderScript& script, Dice& dice) {
  Act create = act(dice.percent(15) ? ActKind::create_twice : ActKind::create, dice);
  create.pause_us = 0;
  if (create.kind == ActKind::create) add_key(create, script.order_no, "create", dice);
  script.acts.push_back(create);
  if (dice.percent(25)) script.acts.push_back(create);
  if (dice.percent(15)) {
    Act other = act(ActKind::create_other_body, dice);
    other.amount_minor = script.amount_minor + 1;
    script.acts.push_back(other);
  }
}

void add_refunds(OrderScript& script, Dice& dice, std::int64_t captured_minor) {
  const std::int64_t count = dice.between(0, 3);
  for (std::int64_t i = 0; i < count; ++i) {
    Act refund = act(ActKind::refund, dice);
    refund.refund_no = "refund-" + std::to_string(i + 1);
    // Sometimes all, sometimes more than is left: then it is refused.
    refund.amount_minor =
        dice.percent(30) ? captured_minor : dice.between(1, captured_minor / 2 + 1);
    add_key(refund, script.order_no, refund.refund_no.c_str(), dice);
    script.acts.push_back(refund);
    if (dice.percent(40)) script.acts.push_back(refund);
  }
}

// Pays, and is content.
OrderScript shop(Dice& dice, const std::string& order_no) {
  OrderScript script = order(dice, order_no, CaptureMethod::automatic);
  add_create(script, dice);
  script.acts.push_back(act(ActKind::await_payment, dice));
  if (dice.percent(30)) add_refunds(script, dice, script.amount_minor);
  return script;
}

// Sends everything back.
OrderScript returns(Dice& dice, const std::string& order_no) {
  OrderScript script = order(dice, order_no, CaptureMethod::automatic);
  add_create(script, dice);
  script.acts.push_back(act(ActKind::await_payment, dice));
  add_refunds(script, dice, script.amount_minor);
  add_refunds(script, dice, script.amount_minor);
  script.acts.push_back(act(ActKind::look, dice));
  return script;
}

// Captures by hand, all or part, or lets the authorization go.
OrderScript authorizations(Dice& dice, const std::string& order_no) {
  OrderScript script = order(dice, order_no, CaptureMethod::manual);
  add_create(script, dice);
  script.acts.push_back(act(ActKind::await_payment, dice));
  if (dice.percent(30)) {
    Act let_go = act(ActKind::void_authorization, dice);
    add_key(let_go, order_no, "void", dice);
    script.acts.push_back(let_go);
    return script;
  }
  Act capture = act(ActKind::capture, dice);
  capture.amount_minor =
      dice.percent(50) ? script.amount_minor : dice.between(1, script.amount_minor);
  add_key(capture, order_no, "capture", dice);
  script.acts.push_back(capture);
  if (dice.percent(30)) script.acts.push_back(capture);
  script.acts.push_back(act(ActKind::await_payment, dice));
  add_refunds(script, dice, capture.amount_minor);
  return script;
}

// Does not wait: closes what was just made, refunds what is not paid, asks everything twice.
OrderScript hasty(Dice& dice, const std::string& order_no) {
  const auto capture = dice.percent(30) ? CaptureMethod::manual : CaptureMethod::automatic;
  OrderScript script = order(dice, order_no, capture);
  add_create(script, dice);
  constexpr ActKind kinds[] = {ActKind::close,        ActKind::look,    ActKind::refund,
                               ActKind::create,       ActKind::capture, ActKind::void_authorization,
                               ActKind::await_payment};
  const std::int64_t count = dice.between(2, 6);
  for (std::int64_t i = 0; i < count; ++i) {
    Act next = act(kinds[dice.below(7)], dice);
    next.amount_minor = dice.between(1, script.amount_minor);
    next.refund_no = "refund-" + std::to_string(i);
    script.acts.push_back(next);
    if (dice.percent(30)) script.acts.push_back(next);
  }
  return script;
}

OrderScript mixed(Dice& dice, const std::string& order_no) {
  switch (dice.below(4)) {
    case 0:
      return shop(dice, order_no);
    case 1:
      return returns(dice, order_no);
    case 2:
      return authorizations(dice, order_no);
    default:
      return hasty(dice, order_no);
  }
}

}  // namespace

const std::vector<Workload>& workloads() {
  static const std::vector<Workload> all = {{"mixed", mixed},
                                            {"shop", shop},
                                            {"returns", returns},
                                            {"authorizations", authorizations},
                                            {"hasty", hasty}};
  return all;
}

const Workload* find_workload(std::string_view name) {
  for (const Workload& workload : workloads())
    if (workload.name == name) return &workload;
  return nullptr;
}

std::vector<OrderScript> draw_scripts(const Workload& workload, Dice& dice, std::size_t orders) {
  std::vector<OrderScript> scripts;
  UnixUs starts_after_us = 0;
  for (std::size_t i = 0; i < orders; ++i) {
    scripts.push_back(workload.draw(dice, "order-" + std::to_string(i + 1)));
    scripts.back().starts_after_us = starts_after_us;
    // In bursts and alone.
    starts_after_us +=
        dice.percent(60) ? dice.between(0, 100 * us_per_ms) : dice.between(us_per_s, 15 * us_per_s);
  }
  return scripts;
}

}  // namespace welkin::simulation
