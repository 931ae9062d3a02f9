// The runtime as the gateway sees it, on threads of its own: whom it lets wait for whom, and which
// orders it knows again when the configuration has changed.
#include "actors/runtime.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "persistence/memory/memory_store.hpp"
#include "tests/support/fake_edges.hpp"

using namespace welkin;

namespace {

constexpr auto patience = std::chrono::seconds(30);

// A store whose lists and streams can be read by nobody while its gate is shut.
class GatedStore : public FlakyStore {
 public:
  using FlakyStore::FlakyStore;

  void shut() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = false;
  }
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait_for_waiting(int count) const {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ >= count; });
  }

  StoreResult<std::vector<Card>> list_cards(const CardQuery& query) const override {
    pass();
    return FlakyStore::list_cards(query);
  }
  // Of one payment after the other, as lists do; what is asked for a single one goes through.
  mutable std::atomic<int> streams_read{0};
  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override {
    ++streams_read;
    return FlakyStore::read_stream(stream, after_seq);
  }

 private:
  void pass() const {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
    --waiting_;
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable int waiting_ = 0;
  bool open_ = true;
};

// A channel that accepts every order it does not object to.
class Channel : public ScriptedChannel {
 public:
  Channel() {
    answers = [](const ChannelCall&) { return ChannelVerdict::accepted; };
  }
  std::optional<Problem> objection(const CreatePayment&) const override {
    if (!objects) return std::nullopt;
    return Problem{ProblemCode::invalid_value, "No longer.", "/method"};
  }
  std::atomic<bool> objects{false};
};

struct Node {
  explicit Node(std::vector<ChannelAccount> accounts) { start(std::move(accounts)); }
  ~Node() { store.open(); }

  void start(std::vector<ChannelAccount> accounts) {
    if (runtime) runtime->stop();
    RuntimeConfig config;
    config.shard_count = 4;
    auto started = Runtime::start(config, store, std::move(accounts));
    REQUIRE(std::holds_alternative<std::unique_ptr<Runtime>>(started));
    runtime = std::move(std::get<std::unique_ptr<Runtime>>(started));
  }

  CommandAnswer create(const std::string& order_no, const std::string& key = {},
                       const std::string& subject = "tea") {
    PaymentCommand command;
    command.payment = payment_id_of("m_1", order_no);
    command.merchant_id = "m_1";
    command.request = {key, "fingerprint of " + order_no + subject};
    command.cause = "request:" + order_no;
    CreatePayment order;
    order.merchant_order_no = order_no;
    order.amount_minor = 1'000;
    order.currency = *Currency::parse("CNY");
    order.channel = "sandbox";
    order.subject = subject;
    order.expires_in_s = 1'800;
    command.body = order;
    return answer_of<CommandAnswer>(
        [&](Then<CommandAnswer> then) { runtime->execute(command, std::move(then)); });
  }
  std::future<PaymentService::FoundPage> list() {
    auto promise = std::make_shared<std::promise<PaymentService::FoundPage>>();
    PaymentListQuery query;
    query.merchant_id = "m_1";
    runtime->list(query, [promise](auto page) { promise->set_value(std::move(page)); });
    return promise->get_future();
  }

  template <class Result, class Ask>
  static Result answer_of(Ask ask) {
    auto promise = std::make_shared<std::promise<Result>>();
    auto future = promise->get_future();
    ask(Then<Result>([promise](Result result) { promise->set_value(std::move(result)); }));
    REQUIRE(future.wait_for(patience) == std::future_status::ready);
    return future.get();
  }

  std::unique_ptr<JournalStore> memory =
      std::move(std::get<std::unique_ptr<JournalStore>>(open_memory_store({"memory:"})));
  GatedStore store{*memory};
  std::unique_ptr<Runtime> runtime;
};

bool is_created(const CommandAnswer& answer) {
  const auto* outcome = std::get_if<CommandOutcome>(&answer);
  return outcome && outcome->created;
}

std::string code_of(const CommandAnswer& answer) {
  const auto* problem = std::get_if<Problem>(&answer);
  return problem ? std::string(spec_of(problem->code).name) : "none";
}

}  // namespace

TEST_CASE("while lists wait for the store, keys are looked up, orders taken, operators answered") {
  Channel channel;
  Node node({&channel});
  CHECK(is_created(node.create("before", "key-1")));
  node.store.shut();
  std::vector<std::future<PaymentService::FoundPage>> pages;
  for (int i = 0; i < 100; ++i) pages.push_back(node.list());
  node.store.wait_for_waiting(2);  // as many as may read at a time

  const auto key = Node::answer_of<PaymentService::FoundKey>(
      [&](auto then) { node.runtime->find_idempotency("m_1", "key-2", std::move(then)); });
  REQUIRE(std::holds_alternative<std::optional<IdempotencyHit>>(key));
  CHECK_FALSE(std::get<std::optional<IdempotencyHit>>(key).has_value());
  CHECK(is_created(node.create("meanwhile", "key-2")));
  const auto known = Node::answer_of<PaymentService::FoundKey>(
      [&](auto then) { node.runtime->find_idempotency("m_1", "key-1", std::move(then)); });
  const auto& hit = std::get<std::optional<IdempotencyHit>>(known);
  REQUIRE(hit.has_value());
  CHECK(is_created(Node::answer_of<CommandAnswer>(
      [&](auto then) { node.runtime->replay(*hit, std::move(then)); })));
  CHECK(std::holds_alternative<std::vector<BreakerView>>(
      Node::answer_of<PaymentService::FoundBreakers>(
          [&](auto then) { node.runtime->breakers(std::move(then)); })));

  node.store.open();
  for (auto& page : pages) {
    REQUIRE(page.wait_for(patience) == std::future_status::ready);
    CHECK(std::holds_alternative<PaymentListPage>(page.get()));
  }
}

TEST_CASE("more lists than have room are refused at once, and nobody else is") {
  Channel channel;
  Node node({&channel});
  node.store.shut();
  std::vector<std::future<PaymentService::FoundPage>> pages;
  for (int i = 0; i < 600; ++i) pages.push_back(node.list());
  const PaymentService::FoundPage last = pages.back().get();
  REQUIRE(std::holds_alternative<Problem>(last));
  CHECK(std::get<Problem>(last).code == ProblemCode::overloaded);
  CHECK(is_created(node.create("order-1", "key-1")));
  node.store.open();
}

TEST_CASE("a list that is polled reads a payment again only when something happened to it") {
  Channel channel;
  Node node({&channel});
  for (int i = 0; i < 10; ++i) REQUIRE(is_created(node.create("order-" + std::to_string(i))));
  const auto sequence_of = [&] {
    std::vector<std::pair<std::string, std::uint64_t>> shown;
    const PaymentService::FoundPage page = node.list().get();
    for (const PaymentView& view : std::get<PaymentListPage>(page).payments)
      shown.emplace_back(view.payment->merchant_order_no, view.seq);
    return shown;
  };
  const auto first = sequence_of();
  REQUIRE(first.size() == 10);
  const int read = node.store.streams_read;
  CHECK(sequence_of() == first);
  CHECK(node.store.streams_read == read);

  PaymentCommand close;
  close.payment = payment_id_of("m_1", "order-3");
  close.merchant_id = "m_1";
  close.cause = "request:close";
  close.body = ClosePayment{};
  Node::answer_of<CommandAnswer>([&](auto then) { node.runtime->execute(close, std::move(then)); });
  const auto changed = sequence_of();
  CHECK(node.store.streams_read == read + 1);
  int differing = 0;
  for (std::size_t i = 0; i < first.size(); ++i) differing += changed[i] == first[i] ? 0 : 1;
  CHECK(differing == 1);
}

TEST_CASE("an order is known again when its channel would no longer take it, or is gone") {
  Channel channel;
  Node node({&channel});
  const CommandAnswer first = node.create("order-1", "key-1");
  REQUIRE(is_created(first));
  channel.objects = true;
  CHECK(code_of(node.create("order-2")) == "invalid_value");
  CHECK(code_of(node.create("order-1")) == "none");

  node.start({});
  CHECK(code_of(node.create("order-2")) == "unknown_channel");
  const CommandAnswer again = node.create("order-1");
  REQUIRE(code_of(again) == "none");
  CHECK_FALSE(is_created(again));
  CHECK(std::get<CommandOutcome>(again).view.payment->merchant_order_no == "order-1");
  CHECK(code_of(node.create("order-1", "", "coffee")) == "order_exists_with_other_body");
  // Nothing was written for the one that is refused: its number is free.
  channel.objects = false;
  node.start({&channel});
  CHECK(is_created(node.create("order-2")));
}
