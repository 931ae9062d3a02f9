// The breaker of one account: what it lets through and refuses as calls fail and time goes by, that
// nothing of it holds before it is durable, and that it is the same after a restart.
#include "actors/breaker_actor.hpp"

#include <catch2/catch.hpp>

#include "tests/support/step_system.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;
using A = BreakerAction;
using Kind = StepStoreIo::Kind;
using Next = FlakyStore::Next;

class AccountBreaker : public StepSystem {
 public:
  AccountBreaker() {
    breaker.minimum_calls = 4;
    breaker.probes = 2;
    spawn = [this](caf::event_based_actor* shard, const PaymentId& id, bool) {
      return shard->spawn([this, id](caf::event_based_actor* self) { return listener(self, id); });
    };
    start();
  }

  void call() {
    ChannelCall call;
    call.payment = payment_id_of("m_1", "order-" + std::to_string(++calls_made_));
    call.account = "sandbox";
    call.channel_order_no = channel_order_no(call.payment, 1);
    caf::anon_send(context().channels.at("sandbox"), call_atom::value,
                   std::make_shared<const ChannelCall>(std::move(call)));
  }
  // Makes so many calls, each of which comes back at once with this verdict, or never. How many
  // reached the channel.
  std::size_t calls(int count, std::optional<V> verdict) {
    const std::size_t before = channel.calls.size();
    channel.answers = nullptr;
    channel.fate_of_answers = fate_of(verdict);
    if (verdict) channel.answers = [verdict](const ChannelCall&) { return *verdict; };
    for (int i = 0; i < count; ++i) {
      call();
      settle();
    }
    return channel.calls.size() - before;
  }

  // Answers the oldest call that waits.
  void answer(V verdict) {
    channel.fate_of_answers = fate_of(verdict);
    channel.answer(verdict);
  }

  std::string state() { return std::string(name_of(breaker_view().state)); }
  std::string story() const { return StepSystem::story(breaker_id_of("sandbox")); }
  bool available() { return context().routes->routes("sandbox").at(0).available; }
  void trip() {
    calls(4, V::unknown);
    REQUIRE(state() == "OPEN");
  }
  // "HALF_OPEN" and the like, or "!" and the problem's code, or "" while nothing has come.
  std::string answer_to(std::uint64_t token) {
    const auto answer = order_answer(token);
    if (!answer) return "";
    if (const auto* problem = std::get_if<Problem>(&*answer))
      return "!" + std::string(spec_of(problem->code).name);
    return std::string(name_of(std::get<BreakerView>(*answer).state));
  }
  std::string ordered(A action) {
    const std::uint64_t token = order(action);
    settle();
    return answer_to(token);
  }

  std::vector<ReportRequest> reports;

 private:
  static CallFate fate_of(std::optional<V> verdict) {
    return verdict == V::unknown ? CallFate::no_answer : CallFate::answered;
  }

  caf::behavior listener(caf::event_based_actor* self, const PaymentId& id) {
    const auto heard = std::make_shared<std::uint64_t>(0);
    return {
        [this, heard](report_atom, const ReportRequestPtr& request) {
          ++*heard;
          reports.push_back(*request);
        },
        [this, self, id, heard](passivate_atom) {
          ++*heard;
          caf::anon_send(context().shard(id), settled_atom::value, id, self->id(), *heard);
        },
        [self](bury_atom) { self->quit(); },
    };
  }

  int calls_made_ = 0;
};

}  // namespace

TEST_CASE_METHOD(AccountBreaker, "a breaker opens when half of its calls fail, and says so") {
  CHECK(state() == "CLOSED");
  CHECK(story().empty());
  calls(2, V::accepted);
  calls(1, V::unknown);
  CHECK(state() == "CLOSED");
  CHECK(available());
  calls(1, V::unknown);
  CHECK(state() == "OPEN");
  CHECK_FALSE(available());
  CHECK(story() == "opened");
  const BreakerView view = breaker_view();
  CHECK(view.reason == "2 of 4 calls failed");
  CHECK(view.trips == 1);
  CHECK(view.next_probe_at_us == clock.now_us() + 10 * us_per_s);
  const EventRow row = rows(breaker_id_of("sandbox")).at(0);
  CHECK(row.causation_id.rfind("calls:", 0) == 0);
  CHECK(row.payload.find(R"("account":"sandbox")") != std::string::npos);
}

TEST_CASE_METHOD(AccountBreaker, "definite refusals do not trip it, however many") {
  CHECK(calls(50, V::refused) == 50);
  CHECK(calls(50, V::not_found) == 50);
  CHECK(state() == "CLOSED");
  CHECK(breaker_view().figures.calls == 100);
  CHECK(breaker_view().figures.failures == 0);
}

TEST_CASE_METHOD(AccountBreaker, "slow calls trip it") {
  for (int i = 0; i < 4; ++i) call();
  pass(3 * us_per_s + 100 * us_per_ms);
  for (int i = 0; i < 4; ++i) answer(V::accepted);
  settle();
  CHECK(state() == "OPEN");
  CHECK(breaker_view().reason == "4 of 4 calls were slow");
}

TEST_CASE_METHOD(AccountBreaker, "what an open breaker refuses is reported as not taken, at once") {
  trip();
  reports.clear();
  CHECK(calls(3, V::accepted) == 0);
  REQUIRE(reports.size() == 3);
  for (const ReportRequest& request : reports) {
    CHECK(request.report.verdict == V::not_taken);
    CHECK(request.report.code == "breaker_open");
    CHECK(request.report.channel_order_no == channel_order_no(request.report.payment, 1));
    CHECK_FALSE(request.is_query);
  }
  CHECK(breaker_view().refused == 3);
  CHECK(metrics().text().find(R"(welkin_breaker_refused_total{account="sandbox"} 3)") !=
        std::string::npos);
  CHECK(metrics().text().find(R"(welkin_breaker_state{account="sandbox",state="OPEN"} 1)") !=
        std::string::npos);
  CHECK(metrics().text().find(R"(welkin_breaker_state{account="sandbox",state="CLOSED"} 0)") !=
        std::string::npos);
}

TEST_CASE_METHOD(AccountBreaker,
                 "after its time two probes go through, then a growing share, then all") {
  trip();
  pass(9 * us_per_s);
  CHECK(calls(5, V::accepted) == 0);
  pass(2 * us_per_s);
  CHECK(state() == "HALF_OPEN");
  CHECK(available());
  CHECK(calls(1, V::accepted) == 1);
  CHECK(state() == "HALF_OPEN");
  CHECK(calls(1, V::accepted) == 1);
  CHECK(state() == "RECOVERING");
  CHECK(calls(100, V::accepted) == 10);
  pass(5 * us_per_s);
  const std::size_t half = calls(100, V::accepted);
  CHECK(half > 50);
  CHECK(half < 60);
  pass(6 * us_per_s);
  CHECK(state() == "CLOSED");
  CHECK(calls(100, V::accepted) == 100);
  CHECK(story() == "opened+half_opened+recovering+closed");
}

TEST_CASE_METHOD(AccountBreaker,
                 "half-open lets its probes through and nothing else while they are away") {
  trip();
  pass(10 * us_per_s + 100 * us_per_ms);
  REQUIRE(state() == "HALF_OPEN");
  CHECK(calls(50, std::nullopt) == 2);
  answer(V::accepted);
  settle();
  CHECK(calls(50, std::nullopt) == 0);
  answer(V::unknown);
  settle();
  CHECK(state() == "OPEN");
  CHECK(breaker_view().trips == 2);
  CHECK(breaker_view().next_probe_at_us == clock.now_us() + 20 * us_per_s);
}

TEST_CASE_METHOD(AccountBreaker, "a recovery that goes wrong opens it again, and for longer") {
  trip();
  pass(11 * us_per_s);
  calls(2, V::accepted);
  REQUIRE(state() == "RECOVERING");
  pass(9 * us_per_s);
  calls(4, V::unknown);
  CHECK(state() == "OPEN");
  CHECK(breaker_view().trips == 2);
  pass(19 * us_per_s);
  CHECK(state() == "OPEN");
  pass(2 * us_per_s);
  CHECK(state() == "HALF_OPEN");
}

TEST_CASE_METHOD(AccountBreaker,
                 "outcomes of calls made before it opened do not decide its probes") {
  for (int i = 0; i < 3; ++i) call();
  settle();
  calls(4, V::unknown);
  REQUIRE(state() == "OPEN");
  pass(11 * us_per_s);
  REQUIRE(state() == "HALF_OPEN");
  for (int i = 0; i < 3; ++i) answer(V::unknown);
  settle();
  CHECK(state() == "HALF_OPEN");
  CHECK(breaker_view().figures.calls == 0);
}

TEST_CASE_METHOD(AccountBreaker, "nothing holds before it is durable") {
  io.hold(Kind::commit);
  calls(4, V::unknown);
  CHECK(state() == "CLOSED");
  CHECK(available());
  CHECK(calls(10, V::unknown) == 10);
  CHECK(io.waiting(Kind::commit) == 1);
  io.release(Kind::commit);
  settle();
  CHECK(state() == "OPEN");
  CHECK_FALSE(available());
  CHECK(story() == "opened");
}

TEST_CASE_METHOD(AccountBreaker,
                 "an append that fails is decided again, from what is counted then") {
  store.next_append = Next::fails;
  calls(4, V::unknown);
  CHECK(state() == "CLOSED");
  CHECK(story().empty());
  SECTION("and the reason is still there") {
    pass(2 * us_per_s);
    CHECK(state() == "OPEN");
    CHECK(story() == "opened");
  }
  SECTION("and the reason is gone") {
    calls(10, V::accepted);
    pass(2 * us_per_s);
    CHECK(state() == "CLOSED");
    CHECK(story().empty());
  }
}

TEST_CASE_METHOD(AccountBreaker, "a transition whose commit is in doubt is made once") {
  SECTION("when it was written") { store.next_append = Next::loses_the_answer; }
  SECTION("when it was not") { store.next_append = Next::loses_the_request; }
  calls(4, V::unknown);
  pass(2 * us_per_s);
  CHECK(state() == "OPEN");
  CHECK(story() == "opened");
}

TEST_CASE_METHOD(AccountBreaker, "a restart keeps the state, and how often it tripped") {
  trip();
  pass(11 * us_per_s);
  calls(2, V::unknown);
  REQUIRE(breaker_view().trips == 2);
  const UnixUs probe_at_us = breaker_view().next_probe_at_us;
  crash();
  start();
  CHECK(state() == "OPEN");
  CHECK_FALSE(available());
  CHECK(breaker_view().trips == 2);
  CHECK(breaker_view().next_probe_at_us == probe_at_us);
  CHECK(calls(5, V::accepted) == 0);
  pass(21 * us_per_s);
  CHECK(state() == "HALF_OPEN");
  crash();
  start();
  CHECK(state() == "HALF_OPEN");
  CHECK(calls(5, std::nullopt) == 2);
  CHECK(story() == "opened+half_opened+opened+half_opened");
}

TEST_CASE_METHOD(AccountBreaker,
                 "a breaker whose time is up while the node is down tries again at its start") {
  trip();
  crash();
  clock.advance(3'600 * us_per_s);
  start();
  pass(us_per_s);
  CHECK(state() == "HALF_OPEN");
}

TEST_CASE_METHOD(AccountBreaker,
                 "forced open it refuses every call until it is released, over restarts too") {
  CHECK(ordered(A::force_open) == "FORCED_OPEN");
  CHECK(breaker_view().by == "operator");
  CHECK(breaker_view().reason == "a reason");
  CHECK_FALSE(available());
  CHECK(calls(5, V::accepted) == 0);
  pass(3'600 * us_per_s);
  crash();
  start();
  CHECK(state() == "FORCED_OPEN");
  CHECK_FALSE(available());
  CHECK(calls(5, V::accepted) == 0);
  CHECK(ordered(A::release) == "HALF_OPEN");
  CHECK(calls(2, V::accepted) == 2);
  CHECK(state() == "RECOVERING");
  CHECK(story() == "forced_open+released+recovering");
  CHECK(rows(breaker_id_of("sandbox")).at(0).causation_id.rfind("request:", 0) == 0);
}

TEST_CASE_METHOD(AccountBreaker, "disabled it lets every call through and counts none") {
  CHECK(ordered(A::disable) == "DISABLED");
  CHECK(calls(50, V::unknown) == 50);
  CHECK(state() == "DISABLED");
  CHECK(breaker_view().figures.calls == 0);
  CHECK(ordered(A::release) == "CLOSED");
  CHECK(breaker_view().figures.calls == 0);
}

TEST_CASE_METHOD(AccountBreaker, "an order that changes nothing is answered and leaves no trace") {
  CHECK(ordered(A::release) == "!illegal_transition");
  CHECK(ordered(A::disable) == "DISABLED");
  CHECK(ordered(A::disable) == "DISABLED");
  CHECK(story() == "disabled");
}

TEST_CASE_METHOD(
    AccountBreaker,
    "an order is answered when it is durable, and in order with what is decided meanwhile") {
  io.hold(Kind::commit);
  calls(4, V::unknown);
  const std::uint64_t disable = order(A::disable);
  const std::uint64_t force = order(A::force_open);
  settle();
  CHECK(answer_to(disable).empty());
  io.release(Kind::commit);
  settle();
  CHECK(answer_to(disable) == "DISABLED");
  CHECK(answer_to(force) == "FORCED_OPEN");
  CHECK(story() == "opened+disabled+forced_open");
}

TEST_CASE_METHOD(AccountBreaker,
                 "an order that cannot be written is refused, and may be given again") {
  store.next_append = Next::fails;
  CHECK(ordered(A::force_open) == "!store_unavailable");
  CHECK(state() == "CLOSED");
  pass(us_per_s);
  CHECK(ordered(A::force_open) == "FORCED_OPEN");
  CHECK(story() == "forced_open");
}

TEST_CASE_METHOD(AccountBreaker, "orders that wait are bounded") {
  io.hold(Kind::commit);
  std::vector<std::uint64_t> tokens;
  for (int i = 0; i < 20; ++i) tokens.push_back(order(i % 2 == 0 ? A::disable : A::force_open));
  settle();
  CHECK(answer_to(tokens.back()) == "!overloaded");
  io.release(Kind::commit);
  settle();
  CHECK(answer_to(tokens.front()) == "DISABLED");
  for (const std::uint64_t token : tokens) CHECK_FALSE(answer_to(token).empty());
}

TEST_CASE_METHOD(AccountBreaker,
                 "a breaker that somebody else has changed is read again and goes on from there") {
  // As a node would that had the account before: behind this one's back.
  JournalCommitter other(*memory);
  auto request = std::make_shared<AppendRequest>();
  request->stream = breaker_id_of("sandbox");
  request->shard = context().shard_index(request->stream);
  request->epoch = context().epochs[request->shard];
  request->at_us = clock.now_us();
  request->causation_id = "req_other";
  request->recorded = std::make_shared<const BreakerEvents>(
      std::vector<BreakerEvent>{BreakerForcedOpen{"sandbox", "operator", "elsewhere"}}, nullptr);
  REQUIRE(other.commit({request}) == JournalCommitter::Verdict::settled);

  SECTION("by an order, which is decided again") {
    CHECK(ordered(A::disable) == "DISABLED");
    CHECK(story() == "forced_open+disabled");
  }
  SECTION("by its calls") {
    calls(4, V::unknown);
    CHECK(state() == "FORCED_OPEN");
    CHECK(story() == "forced_open");
  }
  SECTION("and when it cannot be read now, later") {
    store.reads_down = true;
    CHECK(ordered(A::disable) == "!store_unavailable");
    CHECK(state() == "CLOSED");
    store.reads_down = false;
    pass(us_per_s);
    CHECK(state() == "FORCED_OPEN");  // without anybody asking
    CHECK(ordered(A::disable) == "DISABLED");
    CHECK(story() == "forced_open+disabled");
  }
}

TEST_CASE_METHOD(AccountBreaker,
                 "against a writer that never stops it gives up, and tries again later") {
  store.taken.insert(breaker_id_of("sandbox"));
  CHECK(ordered(A::disable) == "!internal");
  store.taken.clear();
  pass(us_per_s);
  CHECK(ordered(A::disable) == "DISABLED");
}

TEST_CASE_METHOD(AccountBreaker, "a node that was fenced out changes no breaker") {
  REQUIRE_FALSE(error_of(memory->claim_epochs(shard_count)));
  CHECK(ordered(A::force_open) == "!shard_moved");
  calls(4, V::unknown);
  pass(5 * us_per_s);
  CHECK(state() == "CLOSED");
  CHECK(story().empty());
}

TEST_CASE_METHOD(AccountBreaker, "a breaker's stream that is broken stops the node's start") {
  trip();
  crash();
  store.corrupt.insert(breaker_id_of("sandbox"));
  const auto found = breaker_at_start(store, "sandbox");
  const StoreError* error = error_of(found);
  REQUIRE(error);
  CHECK(error->kind == StoreErrorKind::corrupt);
  CHECK(error->detail.find("the breaker of sandbox") != std::string::npos);
  CHECK(error->detail.find("the hash chain is broken") != std::string::npos);
  CHECK(error->detail.find("restore a backup") != std::string::npos);  // the way out
}

TEST_CASE_METHOD(AccountBreaker,
                 "breakers have no cards, and do not keep the views from coming up to the end") {
  trip();
  pass(2 * us_per_s);
  CHECK(std::get<std::uint64_t>(memory->view_position()) == 1);
  CHECK(std::get<std::vector<Card>>(memory->list_cards({})).empty());
  crash();
  // One more event that no checkpoint has seen.
  clock.advance(11 * us_per_s);
  start();
  io.hold(Kind::checkpoint);
  pass(us_per_s);
  REQUIRE(state() == "HALF_OPEN");
  crash();
  start();
  CHECK(std::get<std::uint64_t>(memory->view_position()) == 2);
  CHECK(std::get<std::vector<Card>>(memory->list_cards({})).empty());
}

TEST_CASE("payments go through a breaker and back as if there were none") {
  StepSystem node;
  node.start();
  const PaymentId id = node.paid();
  CHECK(node.story(id) == "created+started+channel_accepted+paid");
  CHECK(node.breaker_view().figures.calls == 1);
  CHECK(node.breaker_view().figures.failures == 0);
}

TEST_CASE("a payment whose breaker is open is not charged and not failed") {
  StepSystem node;
  node.start();
  node.order(BreakerAction::force_open);
  node.settle();
  const auto token = node.submit(node.create());
  node.settle();
  CHECK(node.channel.calls.empty());
  CHECK(node.answer(token) == "PAYING");
  node.order(BreakerAction::release);
  node.channel.answers = [](const ChannelCall& call) {
    return call.query ? ChannelVerdict::not_found : ChannelVerdict::accepted;
  };
  node.pass(60 * us_per_s);
  CHECK_FALSE(node.channel.calls.empty());
  CHECK(node.outcome(token).view.payment->state == PaymentState::paying);
}
