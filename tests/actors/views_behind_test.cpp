// Views that do not keep up: events nobody told them of, and checkpoints that go on failing.
#include <catch2/catch.hpp>

#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;
using Kind = StepStoreIo::Kind;

class Behind : public StepSystem {
 public:
  Behind() {
    limits.max_unwritten_views = 3;
    start();
  }

  // A payment's first events, put into the journal behind this node's back.
  PaymentId committed_by_nobody(const std::string& order_no, const std::string& key) {
    const PaymentId id = payment_id_of("m_1", order_no);
    PaymentCreated created;
    created.merchant_id = "m_1";
    created.merchant_order_no = order_no;
    created.amount_minor = 10'000;
    created.currency = *Currency::parse("CNY");
    created.request = {key, "f1"};
    auto made = std::make_shared<AppendRequest>();
    AppendRequest& request = *made;
    request.stream = id;
    request.shard = context().shard_index(id);
    request.epoch = context().epochs[request.shard];
    request.at_us = clock.now_us();
    request.recorded = std::make_shared<const PaymentEvents>(std::vector<PaymentEvent>{created},
                                                             std::make_shared<const Payment>());
    JournalCommitter committer(*memory);
    const auto verdict = committer.commit({AppendRequestPtr(std::move(made))});
    REQUIRE(verdict == JournalCommitter::Verdict::settled);
    return id;
  }

  std::vector<Card> cards() const {
    return std::get<std::vector<Card>>(memory->list_cards({"m_1"}));
  }
  std::vector<std::string> listed() const {
    std::vector<std::string> orders;
    for (const Card& card : cards()) orders.push_back(card.merchant_order_no);
    return orders;
  }
  std::uint64_t position() const { return std::get<std::uint64_t>(memory->view_position()); }

  std::string create_now(const std::string& order_no) {
    channel.answers = [](const ChannelCall&) { return V::accepted; };
    const auto token = submit(create(order_no));
    settle();
    return answer(token);
  }
};

using Orders = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Behind, "views notice a gap in the positions and read the journal for it") {
  CHECK(create_now("order-1") == "PAYING");
  const PaymentId missed = committed_by_nobody("order-2", "key-2");
  pass(us_per_ms);
  CHECK(create_now("order-3") == "PAYING");
  const auto known = find("m_1", "key-2");
  settle();
  REQUIRE(found(known));
  REQUIRE(found(known)->record);
  CHECK(found(known)->record->stream == missed);
  const auto flushed = flush();
  settle();
  CHECK(answer(flushed) == "done");
  pass(2 * us_per_s);
  CHECK(listed().size() == 3);
  CHECK(metrics().view_gaps.Value() == 1);
  CHECK(position() >= 7);
}

TEST_CASE_METHOD(Behind,
                 "until a gap has been read no checkpoint jumps over it, and no key is unknown") {
  CHECK(create_now("order-1") == "PAYING");
  pass(2 * us_per_s);
  REQUIRE(position() == 3);
  committed_by_nobody("order-2", "key-2");
  store.reads_down = true;
  CHECK(create_now("order-3") == "PAYING");
  const auto known = find("m_1", "key-3");
  pass(3 * us_per_s);
  CHECK(position() == 3);
  CHECK(listed() == Orders{"order-1"});
  CHECK_FALSE(found(known));
  store.reads_down = false;
  pass(2 * us_per_s);
  CHECK(position() >= 7);
  CHECK(listed().size() == 3);
  REQUIRE(found(known));
  CHECK(found(known)->ask_store);
}

TEST_CASE_METHOD(Behind, "what a gap holds of a payment does not take back what came later") {
  io.hold(Kind::missed);
  committed_by_nobody("order-2", "key-2");
  CHECK(create_now("order-1") == "PAYING");
  // The missed payment goes on, and its later events come by themselves.
  const PaymentId id = payment_id_of("m_1", "order-2");
  const auto closing = submit(command(id, ClosePayment{}));
  settle();
  const std::string told = answer(closing);
  io.release(Kind::missed);
  pass(2 * us_per_s);
  for (const Card& card : cards())
    if (card.merchant_order_no == "order-2") CHECK(card.state == told);
  CHECK(listed().size() == 2);
}

TEST_CASE_METHOD(
    Behind, "while checkpoints fail the views hold a bounded number, and new work is refused") {
  store.checkpoints_down = true;
  for (const char* order_no : {"order-1", "order-2", "order-3"})
    CHECK(create_now(order_no) == "PAYING");
  CHECK(metrics().views_are_full);
  for (int i = 4; i < 10; ++i) CHECK(create_now("order-" + std::to_string(i)) == "!overloaded");
  pass(3 * us_per_s);
  CHECK(create_now("order-4") == "!overloaded");
  // What is under way goes on: it grows nothing.
  const PaymentId id = payment_id_of("m_1", "order-1");
  const auto paid = callback(callback_report(id, V::paid));
  settle();
  CHECK(answer(paid) == "PAID");

  store.checkpoints_down = false;
  pass(2 * us_per_s);
  CHECK_FALSE(metrics().views_are_full);
  CHECK(create_now("order-4") == "PAYING");
  pass(2 * us_per_s);
  CHECK(listed().size() == 4);
}
