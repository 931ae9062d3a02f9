// The sandbox's desks for the real channels: what the runtime's wire formats ask they understand,
// and what they answer and call back the same formats believe.
#include <catch2/catch.hpp>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "tests/support/sandbox_world.hpp"

using namespace welkin;
using namespace welkin::sandbox_test;
using V = ChannelVerdict;

namespace {

sandbox::OrderFacts facts_of(World& world, const ChannelCall& order) {
  const auto facts = world.bank().facts(order.channel_order_no);
  REQUIRE(facts);
  return *facts;
}

}  // namespace

TEST_CASE("each way to pay goes from the order over the callback to refunds in parts") {
  for (const Way& way : ways) {
    CAPTURE(way.protocol, way.method);
    World world(way.protocol);
    const ChannelCall order = order_call(way.method);
    const ChannelReport made = world.ask(order);
    CHECK(made.verdict == V::accepted);
    CHECK(made.next_action.type == way.action);
    CHECK(facts_of(world, order).order.amount_minor == 101);

    const ChannelReport paid = pay(world, order);
    CHECK(paid.payment == order.payment);
    CHECK(paid.channel_order_no == order.channel_order_no);
    CHECK(paid.amount_minor == 101);
    CHECK(paid.currency == order.currency);
    const ChannelReport queried = world.ask(query_of(order, made));
    CHECK(queried.verdict == V::paid);
    CHECK(queried.channel_reference == paid.channel_reference);

    const ChannelCall first = refund_call(order, paid, 40);
    const ChannelReport refunding = world.ask(first);
    CHECK((refunding.verdict == V::refund_pending || refunding.verdict == V::refunded));
    const Received news = world.receiver().next();
    REQUIRE(news.code() == "believed");
    CHECK(news.report().operation == ChannelOperation::refund);
    CHECK(news.report().refund_id == first.refund_id);
    const ChannelReport refunded = world.ask(query_of(first, paid));
    CHECK(refunded.verdict == V::refunded);
    CHECK(refunded.amount_minor == 40);

    CHECK(world.ask(refund_call(order, paid, 62, "refund-2")).verdict != V::refunded);
    world.ask(refund_call(order, paid, 61, "refund-3"));
    CHECK(world.receiver().next().believed());
    CHECK(facts_of(world, order).order.refunded_minor == 101);
  }
}

TEST_CASE("a request whose signature does not fit is refused and does nothing") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    const ChannelCall order = order_call(method_of(protocol));
    const WireRequest good = world.encode(order);
    std::vector<WireRequest> tampered(2, good);
    const std::string amount = protocol == "alipay" ? "1.01" : "101";
    tampered[0].body = replaced(good.body, amount, protocol == "alipay" ? "0.01" : "100");
    for (auto& [name, value] : tampered[1].headers)
      if (name == "authorization")
        value = replaced(value, protocol == "stripe" ? "sk_test_" : "signature=\"",
                         protocol == "stripe" ? "sk_test_x" : "signature=\"x");
    tampered[1].target = replaced(good.target, "sign=", "sign=x") == "not replaced"
                             ? good.target
                             : replaced(good.target, "sign=", "sign=x");
    if (protocol == "union_pay")
      tampered[1].body = replaced(good.body, "signature=", "signature=x");
    if (protocol == "stripe") tampered[0] = tampered[1];  // only the key speaks for the client
    for (const WireRequest& request : tampered) {
      const WireAnswer answer = world.send(request);
      const std::string words = protocol == "wechat_pay"  ? "SIGN_ERROR"
                                : protocol == "alipay"    ? "isv.invalid-signature"
                                : protocol == "union_pay" ? "respCode=11"
                                                          : "Invalid API Key";
      CHECK(answer.body.find(words) != std::string::npos);
      CHECK(answer.status == (protocol == "wechat_pay" || protocol == "stripe" ? 401 : 200));
      const ChannelReport report = world.client().parse(order, answer, World::context());
      CHECK(report.verdict != V::accepted);
      CHECK(report.verdict != V::paid);
    }
    CHECK_FALSE(world.bank().facts(order.channel_order_no));
  }
}

TEST_CASE("WeChat Pay: who has lost the answer with the code asks again, and gets the same code") {
  for (const char* method : {"native", "h5", "jsapi"}) {
    CAPTURE(method);
    World world("wechat_pay");
    const ChannelCall order = order_call(method);
    const ChannelReport lost = world.ask(order);
    REQUIRE(lost.verdict == V::accepted);
    CHECK(world.ask(query_of(order)).verdict == V::not_found);
    const ChannelReport again = world.ask(order);
    CHECK(again.verdict == V::accepted);
    CHECK(again.next_action.type == lost.next_action.type);
    if (again.next_action.type != "client_parameters")  // signed anew, for the same order
      CHECK(again.next_action.value == lost.next_action.value);
  }
}

TEST_CASE("a payer who declines may try again, and what is closed cannot be paid") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    ChannelCall order = order_call(method_of(protocol));
    const ChannelReport taken = world.ask(order);
    order.order_accepted = true;
    world.bank().decline(order.channel_order_no);
    const V waits = protocol == "stripe" ? V::try_failed : V::accepted;
    if (protocol == "stripe") CHECK(world.receiver().next().report().verdict == waits);
    CHECK(world.ask(query_of(order, taken)).verdict == waits);
    pay(world, order);

    ChannelCall unpaid = order_call(method_of(protocol));
    const ChannelReport made = world.ask(unpaid);
    if (protocol == "union_pay") continue;  // it closes nothing
    if (protocol == "alipay") {
      // Before the payer has scanned there is no trade to close.
      ChannelCall close = unpaid;
      close.operation = ChannelOperation::close;
      CHECK(world.ask(close).verdict == V::not_found);
      world.bank().begin(unpaid.channel_order_no);
    }
    ChannelCall close = unpaid;
    close.operation = ChannelOperation::close;
    close.channel_reference = made.channel_reference;
    CHECK(world.ask(close).verdict == V::closed);
    CHECK(world.bank().pay(unpaid.channel_order_no).refusal->code == "ORDER_CLOSED");
    CHECK(world.ask(close).verdict == V::closed);
    CHECK(world.ask(query_of(unpaid, made)).verdict == V::closed);
  }
}

TEST_CASE("a paid order cannot be closed, and its number makes no second one") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    const ChannelCall order = order_call(method_of(protocol));
    world.ask(order);
    const ChannelReport paid = pay(world, order);
    ChannelCall close = order;
    close.operation = ChannelOperation::close;
    close.channel_reference = paid.channel_reference;
    const V verdict = world.ask(close).verdict;
    CHECK((verdict == V::refused || verdict == V::paid));
    world.ask(order);
    CHECK(world.bank().book_stats().orders == 1);
    ChannelCall other = order;
    other.amount_minor = other.order_amount_minor = 102;
    CHECK(world.ask(other).verdict != V::accepted);
    CHECK(world.bank().book_stats().orders == 1);
  }
}

TEST_CASE("an order of one channel is unknown to the others") {
  World world("wechat_pay");
  const ChannelCall order = order_call("native");
  world.ask(order);
  const auto answered = world.bank().serve({"stripe", order.channel_order_no, "query", true, {}},
                                           [&](sandbox::OrderBook& book, UnixUs now_us) {
                                             return book.find(order.channel_order_no, now_us);
                                           });
  REQUIRE(answered.result.refusal);
  CHECK(answered.result.refusal->code == "ORDER_NOT_FOUND");
}

TEST_CASE(
    "a refund that fails is told by WeChat and Stripe, answered by Alipay, found at UnionPay") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    misbehave(world, R"({"auto_pay":{"refund_fail_rate":1}})");
    const ChannelCall order = order_call(method_of(protocol));
    world.ask(order);
    const ChannelReport paid = pay(world, order);
    const ChannelCall refund = refund_call(order, paid, 40);
    const ChannelReport asked = world.ask(refund);
    if (protocol == "wechat_pay" || protocol == "stripe")
      CHECK(world.receiver().next().report().verdict == V::refund_refused);
    if (protocol == "alipay") {
      CHECK(asked.verdict == V::refund_refused);
      continue;
    }
    V verdict = V::refund_pending;
    for (int i = 0; i < 3'000 && verdict == V::refund_pending; ++i) {
      verdict = world.ask(query_of(refund, paid)).verdict;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    CHECK(verdict == V::refund_refused);
    CHECK(facts_of(world, order).order.refunded_minor == 0);
  }
}

TEST_CASE("Alipay with certificates names its own, and believes only the application's") {
  World world("alipay", /*with_certificates=*/true);
  const ChannelCall order = order_call("precreate");
  const WireAnswer answer = world.send(world.encode(order));
  CHECK(answer.body.find("alipay_cert_sn") != std::string::npos);
  CHECK(world.client().parse(order, answer, World::context()).verdict == V::accepted);
  const ChannelReport paid = pay(world, order);
  CHECK(world.ask(refund_call(order, paid, 40)).verdict == V::refunded);
  WireRequest other = world.encode(query_of(order));
  other.target = replaced(other.target, "app_cert_sn=", "app_cert_sn=0");
  CHECK(world.client().parse(query_of(order), world.send(other), World::context()).verdict ==
        V::unknown);
}

TEST_CASE("WeChat's certificates can be fetched by somebody who has none yet") {
  World world("wechat_pay");
  auto config = sandbox::wechat_account(test_keys(), "http://x", "http://x/notify");
  config.platform_certificates.clear();
  const auto account = made(wechat_pay::make_account(config, sandbox::wall_clock_us()));
  const WireAnswer answer =
      world.send(wechat_pay::encode_certificates_request(account, World::context()));
  const auto keys = wechat_pay::parse_certificates(account, answer, sandbox::wall_clock_us());
  REQUIRE(std::holds_alternative<std::vector<wechat_pay::PlatformKey>>(keys));
  CHECK(std::get<std::vector<wechat_pay::PlatformKey>>(keys).size() == 1);
}

TEST_CASE("WeChat refuses a stale request, another merchant and a missing field") {
  World world("wechat_pay");
  const ChannelCall order = order_call("native");
  const auto ask_at = [&](std::int64_t seconds_off) {
    SigningContext context = World::context();
    context.now_us += seconds_off * us_per_s;
    return world.send(std::get<WireRequest>(world.client().encode(order, context))).status;
  };
  CHECK(ask_at(-290) == 200);
  CHECK(ask_at(-310) == 401);
  CHECK(ask_at(310) == 401);
  WireRequest silent = world.encode(order);
  silent.headers.erase(silent.headers.begin() + 2);  // the user agent
  CHECK(world.send(silent).status == 400);
  ChannelCall longest = order_call("native", std::string(127, 'x'));
  CHECK(world.ask(longest).verdict == V::accepted);
}

TEST_CASE("a request at Stripe under the same key is answered as the first one was") {
  World world("stripe");
  const ChannelCall order = order_call();
  const WireRequest request = world.encode(order);
  const WireAnswer first = world.send(request);
  const WireAnswer again = world.send(request);
  CHECK(again.body == first.body);
  CHECK(only_header(again.headers, "idempotent-replayed") == "true");
  CHECK(world.bank().book_stats().orders == 1);
  WireRequest other = request;
  other.body = replaced(other.body, "amount=101", "amount=102");
  const WireAnswer refused = world.send(other);
  CHECK(refused.status == 400);
  CHECK(refused.body.find("idempotency_error") != std::string::npos);
  // Under another key it is another intent, and both can be charged.
  WireRequest second = request;
  for (auto& [name, value] : second.headers)
    if (name == "idempotency-key") value += ":2";
  CHECK(world.send(second).status == 200);
  CHECK(world.bank().book_stats().orders == 2);
}

TEST_CASE("what Stripe never began leaves the key free, and what it did is kept though not told") {
  World world("stripe");
  const ChannelCall lost = order_call();
  const WireRequest request = world.encode(lost);
  misbehave(world, R"({"garbage_rate":1})");
  CHECK(world.client().parse(lost, world.send(request), World::context()).verdict == V::unknown);
  misbehave(world, R"({"garbage_rate":0})");
  CHECK(world.client().parse(lost, world.send(request), World::context()).verdict == V::accepted);
  CHECK(world.bank().book_stats().orders == 1);
  const ChannelCall refused = order_call("", "Tea [sandbox:error_5xx]");
  const WireRequest never = world.encode(refused);
  CHECK(world.send(never).status == 503);
  CHECK(world.send(never).status == 200);
  CHECK(world.bank().book_stats().orders == 2);
}

TEST_CASE("Stripe's instruments pay, are declined, hold money and want the payer") {
  World world("stripe");
  ChannelCall order = order_call();
  order.payer_instrument = "pm_card_visa";
  CHECK(world.ask(order).verdict == V::paid);
  CHECK(world.receiver().next().report().verdict == V::paid);

  order = order_call();
  order.payer_instrument = "pm_card_chargeDeclinedInsufficientFunds";
  const ChannelReport declined = world.ask(order);
  CHECK(declined.verdict == V::refused);
  CHECK(declined.code == "insufficient_funds");
  CHECK(world.receiver().next().report().verdict == V::try_failed);

  order = order_call();
  order.payer_instrument = "pm_card_authenticationRequired";
  const ChannelReport waiting = world.ask(order);
  CHECK(waiting.next_action.type == "redirect");
  CHECK(waiting.next_action.value == "http://pay.test/" + order.channel_order_no);

  order = order_call();
  order.payer_instrument = "pm_card_visa";
  order.manual_capture = true;
  const ChannelReport held = world.ask(order);
  CHECK(held.verdict == V::authorized);
  CHECK(world.receiver().next().report().verdict == V::authorized);
  ChannelCall capture = order;
  capture.operation = ChannelOperation::capture;
  capture.amount_minor = 60;
  capture.channel_reference = held.channel_reference;
  CHECK(world.ask(capture).amount_minor == 60);
  CHECK(world.receiver().next().report().verdict == V::paid);
  ChannelCall void_ = capture;
  void_.operation = ChannelOperation::void_;
  CHECK(world.ask(void_).verdict == V::paid);
}

TEST_CASE("an order at Stripe is found by its number, and a declined one can be confirmed again") {
  World world("stripe");
  ChannelCall order = order_call();
  world.ask(order);
  order.order_created_at_us -= 2 * stripe::repeat_window_us;  // so that it is searched for
  const ChannelReport found = world.ask(query_of(order));
  CHECK(found.verdict == V::accepted);
  CHECK(found.channel_reference == "pi_" + order.channel_order_no);
  const auto account = made(stripe::make_account(sandbox::stripe_account(test_keys(), "http://x")));
  order.channel_reference = found.channel_reference;
  order.payer_instrument = "pm_card_chargeDeclined";
  CHECK(world.send(stripe::encode_confirm(account, order, World::context())).status == 402);
  CHECK(world.receiver().next().report().verdict == V::try_failed);
  order.payer_instrument = "pm_card_visa";
  CHECK(world.send(stripe::encode_confirm(account, order, World::context())).status == 200);
  CHECK(world.receiver().next().report().verdict == V::paid);
  CHECK(world.ask(query_of(order, found)).verdict == V::paid);
}

TEST_CASE("at Stripe the close of an order that never arrived keeps it from ever charging") {
  World world("stripe");
  ChannelCall order = order_call();
  order.payer_instrument = "pm_card_visa";
  ChannelCall close = query_of(order);
  close.operation = ChannelOperation::close;
  CHECK(world.ask(close).verdict == V::accepted);
  CHECK(world.ask(order).verdict == V::unknown);  // late on its way, it finds its key taken
  CHECK(facts_of(world, order).order.captured_minor == 0);
  order.payment = payment_id_of("m_1", "it arrived");
  order.channel_order_no = close.channel_order_no = channel_order_no(order.payment, 1);
  CHECK(world.ask(order).verdict == V::paid);
  CHECK(world.ask(close).verdict == V::unknown);
}

TEST_CASE("UnionPay knows a transaction by number and time, and undoes only the whole") {
  World world("union_pay");
  const ChannelCall order = order_call("qr");
  world.ask(order);
  ChannelCall other_time = query_of(order);
  other_time.order_created_at_us += us_per_s;
  CHECK(world.ask(other_time).verdict == V::not_found);
  const ChannelReport paid = pay(world, order);
  ChannelCall of_nothing = refund_call(order, paid, 40);
  of_nothing.channel_reference = "202601010800001234567";
  CHECK(world.ask(of_nothing).verdict == V::unknown);
  CHECK(facts_of(world, order).refunds_minor == 0);

  auto config =
      sandbox::union_pay_account(test_keys(), "http://x", world.receiver().url("union_pay"));
  config.undo_same_day = true;
  const auto account = made(union_pay::make_account(config, sandbox::wall_clock_us()));
  const ChannelCall undo = refund_call(order, paid, 101);
  const auto request =
      std::get<WireRequest>(union_pay::encode_call(account, undo, World::context()));
  REQUIRE(request.body.find("txnType=31") != std::string::npos);
  CHECK(world.client().parse(undo, world.send(request), World::context()).verdict ==
        V::refund_pending);
  const Received news = world.receiver().next();
  REQUIRE(news.believed());
  CHECK(news.report().refund_id == undo.refund_id);
}

TEST_CASE("a surplus at WeChat is given back by WeChat's own number of it") {
  World world("wechat_pay");
  const ChannelCall order = order_call("native");
  world.ask(order);
  const ChannelReport paid = pay(world, order);
  ChannelCall refund = refund_call(order, paid, 101);
  refund.surplus = true;
  REQUIRE(world.encode(refund).body.find("transaction_id") != std::string::npos);
  CHECK(world.ask(refund).verdict == V::refund_pending);
  CHECK(world.receiver().next().report().verdict == V::refunded);
  refund.channel_reference = "4200000000" + std::string(18, '0');
  refund.channel_refund_no += "2";
  CHECK(world.ask(refund).verdict == V::unknown);
}

TEST_CASE("an order that nobody pays in its time ends as each channel ends it") {
  for (const std::string protocol : {"wechat_pay", "alipay", "union_pay"}) {
    CAPTURE(protocol);
    World world(protocol);
    ChannelCall order = order_call(method_of(protocol));
    order.order_accepted = true;
    order.order_created_at_us -= 3 * us_per_s;
    order.expires_at_us = order.order_created_at_us + 2 * us_per_s;
    world.ask(order);
    const V verdict = world.ask(query_of(order)).verdict;
    CHECK(verdict == (protocol == "wechat_pay" ? V::closed : V::not_found));
    CHECK(world.bank().pay(order.channel_order_no).refusal->code == "ORDER_CLOSED");
  }
}
