#include "tests/support/step_system.hpp"

#include <spdlog/spdlog.h>

#include <deque>
#include <stdexcept>
#include <utility>

#include "persistence/memory/memory_store.hpp"
#include "tests/support/payment_script.hpp"
#include "tests/support/stepped_node.hpp"

namespace welkin {
namespace {

// As often as the views tick, so that nothing periodic is skipped over.
constexpr UnixUs time_step_us = 100 * us_per_ms;

std::unique_ptr<JournalStore> fresh_store() {
  auto opened = open_memory_store({"memory:"});
  if (const StoreError* error = error_of(opened)) throw std::runtime_error(error->detail);
  return std::move(std::get<std::unique_ptr<JournalStore>>(opened));
}

template <class T>
T value_of(StoreResult<T> result) {
  if (const StoreError* error = error_of(result)) throw std::runtime_error(error->detail);
  return std::move(std::get<T>(result));
}

// One account of the scripted channel, which answers for all of them.
class AccountPort : public ChannelPort {
 public:
  AccountPort(std::string account, ScriptedChannel& channel)
      : account_(std::move(account)), channel_(channel) {}
  std::string_view name() const override { return account_; }
  void call(const ChannelCall& call, Done done) override { channel_.call(call, std::move(done)); }
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override {
    return channel_.verify(callback, now_us);
  }
  void settle(const VerifiedCallback& callback, Settled how) override {
    channel_.settle(callback, how);
  }
  CallbackAck refusal(const Problem& why) const override { return channel_.refusal(why); }

 private:
  const std::string account_;
  ScriptedChannel& channel_;
};

}  // namespace

struct StepSystem::Node {
  std::deque<AccountPort> ports;
  std::unique_ptr<SteppedNode> actors;
};

StepSystem::StepSystem() : memory(fresh_store()), store(*memory), io(store) {
  spdlog::set_level(spdlog::level::off);  // the failures are the test's own
  breaker.minimum_calls = 1'000;
}

StepSystem::~StepSystem() { crash(); }

void StepSystem::start() {
  if (node_) throw std::logic_error("the node runs already");
  auto node = std::make_unique<Node>();
  NodePlan plan{store, io, clock, std::string(channel.name())};
  plan.breaker = breaker;
  plan.shard_count = shard_count;
  plan.limits = limits;
  plan.spawn = spawn;
  for (const std::string& account :
       accounts.empty() ? std::vector<std::string>{plan.channel} : accounts)
    plan.accounts.push_back(
        {node->ports.emplace_back(account, channel), static_cast<int>(plan.accounts.size()) + 1});
  node->actors = value_of(SteppedNode::start(plan));
  node_ = std::move(node);
  node_->actors->desk = system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
    return {
        [this](reply_atom, const ReplyPtr& reply) { replies_[reply->token] = reply; },
        [this](reply_atom, const IdempotencyAnswerPtr& reply) { found_[reply->token] = reply; },
        [this](committed_atom, const CommitAck& ack) { acks.push_back(ack); },
        [this, self](submit_atom, std::uint64_t token, const BreakerCommandPtr& command) {
          self->request(context().channels.begin()->second, caf::infinite, submit_atom::value,
                        command)
              .then([this, token](const BreakerAnswerPtr& answer) { orders_[token] = *answer; });
        },
        [self](stop_atom) { self->quit(); },
    };
  });
  scheduler().run();
}

void StepSystem::crash() {
  if (!node_) return;
  node_->actors->stop([this] {
    io.forget();
    channel.forget();
  });
  node_.reset();
}

void StepSystem::settle() {
  do scheduler().run();
  while (io.step());
}

void StepSystem::settle_one() {
  if (!scheduler().try_run_once()) io.step();
}

void StepSystem::pass(UnixUs by_us) {
  settle();
  while (by_us > 0) {
    const UnixUs step_us = std::min(by_us, time_step_us);
    clock.advance(step_us);
    scheduler().advance_time(std::chrono::microseconds(step_us));
    settle();
    by_us -= step_us;
  }
}

// ---- asking

ReplyTo StepSystem::reply_to() { return {desk(), ++tokens_}; }

std::uint64_t StepSystem::submit(PaymentCommand command) {
  auto request = std::make_shared<CommandRequest>();
  request->reply_to = reply_to();
  request->command = std::move(command);
  const caf::actor& shard = context().shard(request->command.payment);
  caf::anon_send(shard, submit_atom::value, CommandRequestPtr(std::move(request)));
  return tokens_;
}

std::uint64_t StepSystem::look(const PaymentId& id) {
  auto request = std::make_shared<LookRequest>();
  request->payment = id;
  request->reply_to = reply_to();
  caf::anon_send(context().shard(id), look_atom::value, LookRequestPtr(std::move(request)));
  return tokens_;
}

std::uint64_t StepSystem::callback(ChannelReport report) {
  auto request = std::make_shared<ReportRequest>();
  report.source = ReportSource::callback;
  request->report = std::move(report);
  request->reply_to = reply_to();
  const caf::actor& shard = context().shard(request->report.payment);
  caf::anon_send(shard, report_atom::value, ReportRequestPtr(std::move(request)));
  return tokens_;
}

std::uint64_t StepSystem::resume_actor(const PaymentId& id) {
  caf::anon_send(context().shard(id), resume_atom::value, id, reply_to());
  return tokens_;
}

std::uint64_t StepSystem::flush() {
  caf::anon_send(context().views, flush_atom::value, reply_to());
  return tokens_;
}

std::uint64_t StepSystem::find(const std::string& merchant_id, const std::string& key) {
  caf::anon_send(context().views, find_atom::value, merchant_id, key, reply_to());
  return tokens_;
}

std::string StepSystem::answer(std::uint64_t token) const {
  const auto reply = replies_.find(token);
  if (reply == replies_.end()) return "";
  if (const auto* problem = std::get_if<Problem>(&reply->second->answer))
    return "!" + std::string(spec_of(problem->code).name);
  const auto& outcome = std::get<CommandOutcome>(reply->second->answer);
  return outcome.view.payment ? std::string(name_of(outcome.view.payment->state)) : "done";
}

CommandOutcome StepSystem::outcome(std::uint64_t token) const {
  return std::get<CommandOutcome>(replies_.at(token)->answer);
}

const IdempotencyAnswer* StepSystem::found(std::uint64_t token) const {
  const auto answer = found_.find(token);
  return answer == found_.end() ? nullptr : answer->second.get();
}

// ---- what there is

PaymentCommand StepSystem::command(const PaymentId& id, PaymentCommandBody body) const {
  PaymentCommand command;
  command.payment = id;
  command.merchant_id = "m_1";
  command.request.fingerprint = "f1";
  command.cause = "request:" + std::to_string(tokens_ + 1);
  command.body = std::move(body);
  return command;
}

PaymentCommand StepSystem::create(const std::string& order_no) const {
  CreatePayment body;
  body.merchant_order_no = order_no;
  body.amount_minor = 10'000;
  body.currency = currency_of("CNY");
  body.channel = "sandbox";
  body.subject = "tea";
  body.expires_in_s = 1'800;
  return command(payment_id_of("m_1", order_no), std::move(body));
}

ChannelReport StepSystem::callback_report(const PaymentId& id, ChannelVerdict verdict,
                                          const std::string& reference) const {
  ChannelReport report;
  report.payment = id;
  report.source = ReportSource::callback;
  report.verdict = verdict;
  report.id = "nonce-" + reference;
  report.channel_order_no = channel_order_no(id, 1);
  report.merchant_id = "m_1";
  report.amount_minor = 10'000;
  report.currency = currency_of("CNY");
  report.channel_reference = reference;
  return report;
}

PaymentId StepSystem::paid(const std::string& order_no) {
  const PaymentCommand wanted = create(order_no);
  submit(wanted);
  settle();
  channel.answer(ChannelVerdict::accepted);
  callback(callback_report(wanted.payment, ChannelVerdict::paid));
  settle();
  return wanted.payment;
}

std::vector<EventRow> StepSystem::rows(const PaymentId& id) const {
  return value_of(memory->read_stream(id));
}

std::string StepSystem::story(const PaymentId& id) const {
  std::string words;
  for (const EventRow& row : rows(id)) {
    if (!words.empty()) words += '+';
    words += row.type.substr(row.type.find('_') + 1);
  }
  return words;
}

std::size_t StepSystem::entities() const {
  return static_cast<std::size_t>(node_->actors->metrics().active.load());
}

std::vector<ParkedEntity> StepSystem::ask_parked(const std::vector<caf::actor>& actors) {
  std::vector<ParkedEntity> result;
  caf::scoped_actor self(system(), true);
  for (const caf::actor& actor : actors) {
    auto response = self->request(actor, caf::infinite, parked_atom::value);
    scheduler().run();
    response.receive(
        [&](const std::vector<ParkedEntity>& part) {
          result.insert(result.end(), part.begin(), part.end());
        },
        [](const caf::error&) { throw std::runtime_error("parked was not answered"); });
  }
  return result;
}

std::vector<ParkedEntity> StepSystem::parked_actors() { return ask_parked(context().shards); }
std::vector<ParkedEntity> StepSystem::parked_settling() { return ask_parked({context().views}); }

BreakerView StepSystem::breaker_view() {
  BreakerView view;
  caf::scoped_actor self(system(), true);
  auto response =
      self->request(context().channels.begin()->second, caf::infinite, look_atom::value);
  scheduler().run();
  response.receive(
      [&](const BreakerAnswerPtr& answer) { view = std::get<BreakerView>(*answer); },
      [](const caf::error&) { throw std::runtime_error("the breaker did not answer"); });
  return view;
}

std::uint64_t StepSystem::order(BreakerAction action, const std::string& reason) {
  BreakerCommand command{action, "operator", reason, "request:" + std::to_string(++tokens_)};
  caf::anon_send(desk(), submit_atom::value, tokens_,
                 std::make_shared<const BreakerCommand>(std::move(command)));
  return tokens_;
}

std::optional<BreakerAnswer> StepSystem::order_answer(std::uint64_t token) const {
  const auto answer = orders_.find(token);
  return answer == orders_.end() ? std::nullopt : std::optional(answer->second);
}

RuntimeContext& StepSystem::context() { return node_->actors->context(); }
RuntimeMetrics& StepSystem::metrics() { return node_->actors->metrics(); }
caf::actor_system& StepSystem::system() { return node_->actors->system(); }
caf::scheduler::test_coordinator& StepSystem::scheduler() { return node_->actors->scheduler(); }
const caf::actor& StepSystem::desk() const { return node_->actors->desk; }

}  // namespace welkin
