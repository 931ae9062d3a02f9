// What goes wrong at the sandbox's desks for the real channels when it is told to: alike at all of
// them, and seen by the runtime's wire formats as what it is.
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "tests/support/sandbox_world.hpp"

using namespace welkin;
using namespace welkin::sandbox_test;
using V = ChannelVerdict;

namespace {

using SteadyClock = std::chrono::steady_clock;

struct Timed {
  V verdict;
  std::int64_t took_ms;
};
Timed timed(const World& world, const ChannelCall& call) {
  const auto begun = SteadyClock::now();
  const V verdict = world.ask(call).verdict;
  return {verdict, (SteadyClock::now() - begun) / std::chrono::milliseconds(1)};
}

}  // namespace

TEST_CASE("what a payment's subject asks to go wrong goes wrong, and the work is done") {
  for (const std::string& protocol : protocols) {
    if (protocol == "union_pay") continue;  // its codes carry no subject
    for (const std::string fault : {"garbage", "timeout_after_work=80", "delay=80", "error_5xx"}) {
      CAPTURE(protocol, fault);
      World world(protocol);
      const ChannelCall order = order_call(method_of(protocol), "Tea [sandbox:" + fault + "]");
      const auto [verdict, took_ms] = timed(world, order);
      const bool late = fault == "delay=80" || fault == "timeout_after_work=80";
      CHECK(verdict == (late ? V::accepted : V::unknown));
      if (late) CHECK(took_ms >= 80);
      CHECK(world.bank().facts(order.channel_order_no).has_value() == (fault != "error_5xx"));
      CHECK(world.ask(order).verdict == V::accepted);
    }
  }
}

TEST_CASE("a form's subject still speaks to the sandbox, though it may hold no brackets") {
  World world("union_pay");
  const ChannelCall order = order_call("page", "Tea [sandbox:callback_missing] [sandbox:delay=1]");
  world.ask(order);
  CHECK(world.last_page().find("/orders/" + order.channel_order_no + "/pay") != std::string::npos);
  world.bank().pay(order.channel_order_no);
  CHECK(world.ask(query_of(order)).verdict == V::paid);
  const ChannelCall other = order_call("page");
  world.ask(other);
  CHECK(pay(world, other).channel_order_no == other.channel_order_no);
}

TEST_CASE("news can be missing, or so late or out of order that what follows is told first") {
  // All at once, since they take their time: a callback out of order waits for a second and a half.
  struct Story {
    Story(const std::string& its_protocol, const char* control)
        : protocol(its_protocol), fault(control), world(its_protocol) {}
    std::string protocol;
    std::string fault;
    World world;
    ChannelCall order;
    SteadyClock::time_point begun = SteadyClock::now();
  };
  std::vector<std::unique_ptr<Story>> stories;
  for (const std::string& protocol : protocols)
    for (const char* fault :
         {R"({"callback_late_rate":1,"callback_late_ms":400})", R"({"callback_reorder_rate":1})"})
      stories.push_back(std::make_unique<Story>(protocol, fault));
  for (const auto& story : stories) {
    World& world = story->world;
    misbehave(world, R"({"callback_missing_rate":1})");
    const ChannelCall silent = order_call(method_of(story->protocol));
    world.ask(silent);
    world.bank().pay(silent.channel_order_no);
    misbehave(world, R"({"callback_missing_rate":0})");
    misbehave(world, story->fault);
    story->order = order_call(method_of(story->protocol));
    const ChannelReport made = world.ask(story->order);
    story->begun = SteadyClock::now();
    world.bank().pay(story->order.channel_order_no);
    misbehave(world, R"({"callback_late_rate":0,"callback_reorder_rate":0})");
    world.ask(refund_call(story->order, world.ask(query_of(story->order, made)), 40));
  }
  for (const auto& story : stories) {
    CAPTURE(story->protocol, story->fault);
    const Received first = story->world.receiver().next();
    CHECK(first.report().operation == ChannelOperation::refund);
    const Received second = story->world.receiver().next();
    CHECK(second.report().channel_order_no == story->order.channel_order_no);
    CHECK(second.report().verdict == V::paid);
    CHECK(SteadyClock::now() - story->begun >= std::chrono::milliseconds(400));
  }
}

TEST_CASE("rates strike every protocol alike") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    const ChannelCall order = order_call(method_of(protocol));
    misbehave(world, R"({"error_5xx_rate":1})");
    const ChannelReport failed = world.ask(order);
    CHECK(failed.verdict == V::unknown);
    misbehave(world, R"({"error_5xx_rate":0,"garbage_rate":1})");
    const ChannelCall second = order_call(method_of(protocol));
    CHECK(world.ask(second).verdict == V::unknown);
    CHECK(world.bank().facts(second.channel_order_no));
    misbehave(world, R"({"garbage_rate":0,"timeout_after_work_rate":1,"hold_ms":80})");
    const ChannelCall third = order_call(method_of(protocol));
    CHECK(timed(world, third).took_ms >= 80);
    REQUIRE(world.bank().facts(third.channel_order_no));
    misbehave(world, R"({"timeout_after_work_rate":0,"delay_rate":1,"delay_ms":80})");
    const auto [verdict, took_ms] = timed(world, order_call(method_of(protocol)));
    CHECK(verdict == V::accepted);
    CHECK(took_ms >= 80);
  }
}

TEST_CASE("callbacks that lie are seen through, and the true one follows") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    misbehave(world, R"({"callback_forged_rate":1,"callback_wrong_amount_rate":1})");
    const ChannelCall order = order_call(method_of(protocol));
    world.ask(order);
    world.bank().pay(order.channel_order_no);
    const Received forged = world.receiver().next();
    // A certificate of UnionPay's authority that is not UnionPay's own is the subtlest of
    // forgeries.
    CHECK(forged.code() == (protocol == "union_pay" ? "unknown_serial" : "bad_signature"));
    const Received wrong = world.receiver().next();
    REQUIRE(wrong.believed());
    CHECK(wrong.report().amount_minor == 100);
    const Received right = world.receiver().next();
    REQUIRE(right.believed());
    CHECK(right.report().amount_minor == 101);
  }
}

TEST_CASE("a duplicate is the same news under the same id, byte for byte the second time") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    misbehave(world, R"({"callback_duplicate_rate":1})");
    const ChannelCall order = order_call(method_of(protocol));
    world.ask(order);
    world.bank().pay(order.channel_order_no);
    const Received first = world.receiver().next();
    const Received again = world.receiver().next();
    const Received replayed = world.receiver().next();
    REQUIRE(first.believed());
    REQUIRE(replayed.believed());
    CHECK(again.report().id == first.report().id);
    CHECK(replayed.raw.body == again.raw.body);
    const auto signature = [&protocol](const Received& received) {
      return only_header(received.raw.headers,
                         protocol == "stripe" ? "stripe-signature" : "wechatpay-signature");
    };
    CHECK(signature(replayed) == signature(again));
  }
}

TEST_CASE("a callback comes again until it is taken in the channel's own words") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    world.receiver().refuse_next(2);
    const ChannelCall order = order_call(method_of(protocol));
    world.ask(order);
    world.bank().pay(order.channel_order_no);
    const std::string id = world.receiver().next().report().id;
    CHECK(world.receiver().next().report().id == id);
    CHECK(world.receiver().next().report().id == id);
    for (int i = 0; i < 3'000 && world.bank().delivery_stats().delivered == 0; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    CHECK(world.bank().delivery_stats().delivered == 1);
    CHECK(world.bank().delivery_stats().refused == 2);
  }
  World world("alipay");
  sandbox::Bank bank(quick_config());
  const auto opened = sandbox::open_channel_desks(bank, test_keys(), {});
  for (const auto& desk : std::get<sandbox::Desks>(opened)) {
    // Two channels look at the status alone, Alipay at the body too.
    CHECK(desk->is_taken(200, "success"));
    CHECK(desk->is_taken(200, "fail") == (desk->name() != "alipay"));
    CHECK_FALSE(desk->is_taken(500, "success"));
    CHECK(desk->is_taken(204, "") == (desk->name() == "wechat_pay" || desk->name() == "stripe"));
  }
}

TEST_CASE("genuine news of nothing of ours goes ahead of the true one, in each channel's way") {
  for (const std::string& protocol : protocols) {
    CAPTURE(protocol);
    World world(protocol);
    misbehave(world, R"({"callback_strange_rate":1})");
    const ChannelCall order = order_call(method_of(protocol));
    world.ask(order);
    world.bank().pay(order.channel_order_no);
    std::vector<std::string> ahead = {"invalid_value"};
    // The second is believed so far: it bears a number of our form, of a payment that is nowhere.
    if (protocol == "stripe")
      ahead = {"foreign_order", "believed", "other_account", "other_mode", "thin_event"};
    for (const std::string& code : ahead) CHECK(world.receiver().next().code() == code);
    const Received right = world.receiver().next();
    REQUIRE(right.believed());
    CHECK(right.report().channel_order_no == order.channel_order_no);
    CHECK(right.report().verdict == V::paid);
  }
}

TEST_CASE("Alipay's answers can be in GBK, and mean the same") {
  World world("alipay");
  misbehave(world, R"({"gbk_rate":1})");
  ChannelCall order = order_call("precreate");
  ChannelCall query = query_of(order);
  query.order_accepted = false;
  const ChannelReport absent = world.ask(query);
  CHECK(absent.verdict == V::not_found);
  CHECK(absent.code == "ACQ.TRADE_NOT_EXIST");
  CHECK(absent.message == "交易不存在");
  CHECK(world.ask(order).verdict == V::accepted);
  world.bank().pay(order.channel_order_no);
  CHECK(world.ask(query_of(order)).verdict == V::paid);
}
