#include "tests/simulation/simulation.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "app/journal_commands.hpp"
#include "persistence/memory/memory_store.hpp"
#include "tests/simulation/lying_channel.hpp"
#include "tests/simulation/node.hpp"
#include "tests/simulation/operators.hpp"
#include "tests/simulation/shopper.hpp"
#include "tests/simulation/store_lanes.hpp"
#include "tests/simulation/watched_channel.hpp"

namespace welkin::simulation {
namespace {

constexpr UnixUs shortest_leap_us = 100 * us_per_ms;
constexpr UnixUs longest_leap_us = 20 * us_per_s;
// An actor's turn may take longer than something outside needs to happen.
constexpr int overtaken_percent = 12;
constexpr UnixUs overtaken_by_us = 5 * us_per_ms;
// An order that no account took, because a breaker was still finding out whether all is well, is
// offered again after 2, 5, 15, 30 and 60 s: the sixth offer may be the one.
constexpr UnixUs recovery_bound_us = 150 * us_per_s;
constexpr UnixUs storm_bound_us = 2 * 3600 * us_per_s;
constexpr UnixUs settling_bound_us = 3 * 3600 * us_per_s;
constexpr std::uint64_t crash_within_steps = 1'500;
constexpr std::uint64_t crash_again_within_steps = 300;
// Forks of the dice from here on are the channels'.
constexpr std::uint64_t first_channel_fork = 100;
constexpr std::uint64_t steps_bound = 5'000'000;

std::unique_ptr<JournalStore> fresh_store() {
  return std::move(std::get<std::unique_ptr<JournalStore>>(open_memory_store({"memory:"})));
}

template <class Catalog>
const auto& chosen(const Catalog& catalog, const std::string& name, Dice& dice) {
  if (name.empty()) return catalog[dice.below(catalog.size())];
  for (const auto& entry : catalog)
    if (entry.name == name) return entry;
  throw std::invalid_argument("there is no " + name + " here");
}

// Most runs have everything break; the catalogue's other sets are narrower.
const FaultSet& chosen_faults(const std::string& name, Dice& dice) {
  if (name.empty() && dice.percent(60)) return fault_sets().front();
  return chosen(fault_sets(), name, dice);
}

class Run {
 public:
  explicit Run(const Scenario& scenario);
  RunResult play();

 private:
  // ---- steps
  template <class Condition>
  bool drive(Condition condition, UnixUs bound_us);
  void step();
  void pass(UnixUs by_us);
  void let_time_pass();

  // ---- the node
  void die();
  void start_later(UnixUs after_us);
  void start();
  void look_at_breakers();
  std::uint64_t durable_seq_of(const std::string& account) const;

  // ---- faults
  void next_episode();
  void begin(const Episode& episode);
  void lift(const Episode& episode);
  void set_background();
  void prove_recovery(const std::string& after, std::function<void()> then);

  // ---- the end
  void settle();
  std::set<PaymentId> unfinished();
  void order_something_last();
  void find_out(Findings& findings);
  void summarise(const Findings& findings, RunResult& result);

  Shopper& add_shopper(OrderScript script);
  std::vector<ChannelPort*> open_channels();
  template <class Function>
  void each_channel(Function function);
  bool nothing_under_way() const {
    return std::all_of(channels_.begin(), channels_.end(),
                       [](const LyingChannel& channel) { return channel.under_way() == 0; });
  }

  const Scenario scenario_;
  Stage stage_;
  const World& world_;
  const Workload& workload_;
  const FaultSet& fault_set_;
  std::size_t orders_;
  std::unique_ptr<JournalStore> disk_;
  FaultyStore store_;
  StoreLanes lanes_;
  std::deque<LyingChannel> channels_;
  std::unique_ptr<JournalStore> store_bug_;
  std::unique_ptr<StoreIo> io_bug_;
  std::deque<WatchedChannel> witnesses_;
  std::vector<std::unique_ptr<ChannelPort>> channel_bugs_;
  std::vector<UnixUs> starts_at_us_;
  Evidence evidence_;
  std::deque<Shopper> shoppers_;
  std::deque<Episode> episodes_;
  bool storm_over_ = false;
  bool faults_over_ = false;
  Node node_;
  Operator operator_;

  std::uint64_t steps_ = 0;
  std::uint64_t crash_at_step_ = 0;
  bool crashes_again_ = false;
  UnixUs leap_us_ = shortest_leap_us;
  std::uint64_t activity_seen_ = 0;
  std::uint64_t proofs_ = 0;
  int proving_ = 0;  // that service has resumed
};

Run::Run(const Scenario& scenario)
    : scenario_(scenario),
      stage_(scenario.seed),
      world_(chosen(worlds(), scenario.world, stage_.dice)),
      workload_(chosen(workloads(), scenario.workload, stage_.dice)),
      fault_set_(chosen_faults(scenario.faults, stage_.dice)),
      orders_(scenario.orders ? scenario.orders : 10 + stage_.dice.below(40)),
      disk_(fresh_store()),
      store_(*disk_, stage_),
      lanes_(store_, *disk_, stage_),
      store_bug_(with_bug(scenario.bug, static_cast<JournalStore&>(store_))),
      io_bug_(with_bug(scenario.bug, lanes_, *disk_)),
      node_(stage_, world_,
            {store_bug_ ? *store_bug_ : store_, io_bug_ ? *io_bug_ : static_cast<StoreIo&>(lanes_),
             open_channels(), with_bug(scenario.bug, world_.breaker)}),
      operator_(stage_, node_, evidence_, draw_interventions(world_, stage_.dice),
                [this] { return proving_ > 0; }) {
  stage_.chronicle.on = scenario.with_chronicle;
}

// The account's own end and the world's, with the bug between them if there is to be one.
std::vector<ChannelPort*> Run::open_channels() {
  std::vector<ChannelPort*> ports;
  for (const WorldAccount& account : world_.accounts) {
    LyingChannel& channel = channels_.emplace_back(
        stage_, std::string(account.name), stage_.dice.fork(first_channel_fork + channels_.size()));
    channel.deliver = [this](const RawCallback& callback, std::function<void(int)> answered) {
      node_.notify(callback, std::move(answered));
    };
    ChannelPort& witness = witnesses_.emplace_back(stage_, channel);
    auto bug = with_bug(scenario_.bug, witness);
    ports.push_back(bug ? bug.get() : &witness);
    if (bug) channel_bugs_.push_back(std::move(bug));
  }
  return ports;
}

template <class Function>
void Run::each_channel(Function function) {
  for (LyingChannel& channel : channels_) function(channel);
}

// ---- steps

template <class Condition>
bool Run::drive(Condition condition, UnixUs bound_us) {
  const UnixUs until_us = stage_.now_us() + bound_us;
  while (!condition()) {
    if (stage_.now_us() > until_us) return false;
    if (steps_ > steps_bound) throw std::runtime_error("a run does not come to an end");
    step();
  }
  return true;
}

void Run::step() {
  ++steps_;
  if (stage_.crash_wanted || steps_ == crash_at_step_) return die();
  Agenda& agenda = stage_.agenda;
  if (node_.has_work()) {
    const bool overtaken = stage_.dice.percent(overtaken_percent) && !agenda.empty() &&
                           agenda.next_at_us() - stage_.now_us() <= overtaken_by_us;
    if (!overtaken) return node_.work_once();
    pass(agenda.next_at_us() - stage_.now_us());
    agenda.run_one(stage_.now_us());
    return;
  }
  if (!agenda.run_one(stage_.now_us())) let_time_pass();
}

void Run::pass(UnixUs by_us) {
  if (by_us <= 0) return;
  stage_.clock.advance(by_us);
  node_.time_passed(by_us);
}

// To the next thing that is to happen, and where nothing happens in longer and longer leaps: what
// ticks then ticks late, as on a machine that was busy.
void Run::let_time_pass() {
  if (stage_.activity != activity_seen_) leap_us_ = shortest_leap_us;
  activity_seen_ = stage_.activity;
  const Agenda& agenda = stage_.agenda;
  const UnixUs to_next_us = agenda.empty() ? leap_us_ : agenda.next_at_us() - stage_.now_us();
  if (to_next_us >= leap_us_) {
    pass(leap_us_);
    leap_us_ = std::min(leap_us_ * 2, longest_leap_us);
  } else {
    pass(to_next_us);
  }
}

// ---- the node

void Run::die() {
  stage_.crash_wanted = false;
  crash_at_step_ = 0;
  if (!node_.is_up()) return start_later(us_per_s);
  stage_.note([] { return "node: dies"; });
  lanes_.cut();
  each_channel([](LyingChannel& channel) { channel.cut(); });
  node_.crash();
  lanes_.node_died();
  lanes_.connect();
  each_channel([](LyingChannel& channel) {
    channel.node_died();
    channel.connect();
  });
  const bool stays_down = crashes_again_ && stage_.dice.percent(20);
  start_later(stays_down ? stage_.dice.between(10 * us_per_s, 60 * us_per_s)
                         : stage_.dice.between(10 * us_per_ms, 2 * us_per_s));
}

void Run::start_later(UnixUs after_us) {
  stage_.after(after_us, [this] { start(); });
}

void Run::start() {
  ++stage_.activity;
  if (node_.is_up()) return;
  const bool started = node_.start();
  if (started) look_at_breakers();
  stage_.note([&] { return started ? "node: starts" : "node: the store does not let it start"; });
  stage_.crash_wanted = false;  // it may have died of starting: then it is not up
  if (!started) return start_later(us_per_s);
  if (crashes_again_) {
    crash_at_step_ = steps_ + 1 + stage_.dice.below(crash_again_within_steps);
    stage_.faults.count(FaultKind::node_crash);
  }
}

// How they stand at once after a start, beside what was durable then.
void Run::look_at_breakers() {
  starts_at_us_.push_back(stage_.now_us());
  std::map<std::string, std::uint64_t> known;
  for (const WorldAccount& account : world_.accounts)
    known[std::string(account.name)] = durable_seq_of(std::string(account.name));
  node_.look_at_breakers([this, known, start = node_.starts()](const BreakerView& breaker) {
    evidence_.breakers_at_starts.push_back(
        {breaker.account, start, known.at(breaker.account), breaker.state, stage_.now_us()});
  });
}

std::uint64_t Run::durable_seq_of(const std::string& account) const {
  return std::get<std::vector<EventRow>>(disk_->read_stream(breaker_id_of(account), 0)).size();
}

// ---- faults

void Run::next_episode() {
  if (episodes_.empty()) {
    storm_over_ = true;
    return;
  }
  const Episode episode = episodes_.front();
  episodes_.pop_front();
  stage_.after(episode.pause_us, [this, episode] { begin(episode); });
}

void Run::begin(const Episode& episode) {
  ++stage_.activity;
  stage_.note([&] { return "faults begin: " + text_of(episode); });
  for (const Fault& fault : episode.faults) {
    if (fault.kind != FaultKind::node_crash) {
      stage_.faults.begin(fault);
      continue;
    }
    crash_at_step_ = steps_ + 1 + stage_.dice.below(crash_within_steps);
    crashes_again_ = fault.form == FaultForm::lasting;
    stage_.faults.count(FaultKind::node_crash);
  }
  stage_.after(episode.lasts_us, [this, episode] { lift(episode); });
}

void Run::lift(const Episode& episode) {
  stage_.note([&] { return "faults are lifted: " + text_of(episode); });
  stage_.faults.lift_all();
  crash_at_step_ = 0;
  crashes_again_ = false;
  start_later(us_per_s);  // one that was to stay down
  prove_recovery(text_of(episode), [this] { next_episode(); });
}

// What goes wrong besides: nothing while service is proven, for a payment that nothing strikes is
// struck all the same when its account's breaker opens for what strikes others.
void Run::set_background() {
  const bool calm = proving_ > 0 || faults_over_;
  stage_.faults.set_background(calm ? 0 : fault_set_.background_percent);
}

// A payment that nothing strikes has to succeed now.
void Run::prove_recovery(const std::string& after, std::function<void()> then) {
  OrderScript script;
  script.merchant_id = "m_1";
  script.order_no = "proof-" + std::to_string(++proofs_);
  script.subject = spared_subject;
  script.amount_minor = 100;
  script.expires_in_s = 600;
  script.max_tries = 60;
  script.acts.resize(2);
  script.acts[0].kind = ActKind::create;
  script.acts[1].kind = ActKind::await_payment;
  const Shopper& shopper = add_shopper(script);
  ++proving_;
  set_background();
  const UnixUs until_us = stage_.now_us() + recovery_bound_us;
  // Looked at each second, because nobody tells.
  auto look = std::make_shared<std::function<void()>>();
  *look = [this, &shopper, until_us, after, then = std::move(then),
           weak = std::weak_ptr<std::function<void()>>(look)] {
    const bool paid = shopper.last_state() == PaymentState::paid;
    if (!paid && stage_.now_us() < until_us) {
      stage_.after(us_per_s, [again = weak.lock()] { (*again)(); });
      return;
    }
    if (!paid)
      evidence_.no_recoveries.push_back(
          {after, shopper.script().payment(), std::string(name_of(shopper.last_state()))});
    --proving_;
    set_background();
    then();
  };
  stage_.after(us_per_s, [look] { (*look)(); });
}

Shopper& Run::add_shopper(OrderScript script) {
  Shopper& shopper = shoppers_.emplace_back(stage_, node_, evidence_, std::move(script));
  shopper.begin();
  return shopper;
}

// ---- the end

std::set<PaymentId> Run::unfinished() {
  std::set<PaymentId> open;
  for (const Shopper& shopper : shoppers_) {
    const PaymentId payment = shopper.script().payment();
    const LoadResult result = load_payment(*disk_, payment);
    const auto* loaded = std::get_if<LoadedPayment>(&result);
    if (loaded && loaded->seq > 0 && !is_at_rest(*loaded->state)) open.insert(payment);
  }
  return open;
}

// No more faults: payments come to rest, callbacks arrive, questions are answered.
void Run::settle() {
  const UnixUs until_us = stage_.now_us() + settling_bound_us;
  while (stage_.now_us() < until_us) {
    const auto open = unfinished();
    const bool quiet = open.empty() && nothing_under_way() && node_.is_up() &&
                       node_.unanswered() == 0 &&
                       std::all_of(shoppers_.begin(), shoppers_.end(),
                                   [](const Shopper& shopper) { return shopper.is_done(); });
    if (quiet) return;
    // Nobody but the merchant ends an authorization.
    for (std::size_t i = 0, count = shoppers_.size(); i < count; ++i) {
      OrderScript script = shoppers_[i].script();
      if (open.count(script.payment()) == 0 || !shoppers_[i].is_done()) continue;
      if (shoppers_[i].script().acts.front().kind == ActKind::void_authorization) continue;
      const LoadResult result = load_payment(*disk_, script.payment());
      const Payment& payment = *std::get<LoadedPayment>(result).state;
      if (payment.state != PaymentState::authorized || payment.pending) continue;
      script.acts.assign(1, Act{});
      script.acts.front().kind = ActKind::void_authorization;
      script.starts_after_us = 0;
      add_shopper(std::move(script));
    }
    const UnixUs slice_us = 60 * us_per_s;
    drive([] { return false; }, slice_us);
  }
}

// What an operator has ordered is to be there after the last death, which in half of the runs comes
// when the order is written and its answer on its way.
void Run::order_something_last() {
  if (stage_.dice.percent(50)) return;
  const std::string account(stage_.dice.pick(world_.accounts).name);
  const auto action = stage_.dice.percent(50) ? BreakerAction::force_open : BreakerAction::disable;
  const bool dies_before_the_answer = stage_.dice.percent(50);
  const std::uint64_t before = durable_seq_of(account);
  const auto answered = std::make_shared<bool>(false);
  operator_.order(account, action,
                  [answered](const std::optional<BreakerAnswer>&) { *answered = true; });
  drive([&] { return *answered || (dies_before_the_answer && durable_seq_of(account) > before); },
        60 * us_per_s);
}

void Run::find_out(Findings& findings) {
  findings.unanswered = node_.unanswered();
  findings.unfinished = unfinished();
  // Once more from nothing but what is durable.
  order_something_last();
  die();
  drive([this] { return node_.is_up(); }, 60 * us_per_s);
  const auto breakers_shown = [this] {
    return std::count_if(
        evidence_.breakers_at_starts.begin(), evidence_.breakers_at_starts.end(),
        [this](const BreakerAtStart& shown) { return shown.start == node_.starts(); });
  };
  drive([&] { return static_cast<std::size_t>(breakers_shown()) == world_.accounts.size(); },
        60 * us_per_s);
  read_journal(*disk_, findings);
  findings.starts_at_us = starts_at_us_;
  findings.ended_at_us = stage_.now_us();
  std::size_t waiting = 0;
  const auto answered = [&waiting] { return waiting == 0; };
  for (const auto& [payment, history] : findings.journal) {
    ++waiting;
    node_.look(payment, [&, id = payment](const Node::Answer& answer) {
      --waiting;
      if (answer) findings.live.emplace(id, *answer);
    });
  }
  // Before the flush: the keys must be there whether they are written down or not.
  for (const auto& [merchant_and_key, bound] : findings.evidence.keys()) {
    ++waiting;
    node_.find_key(merchant_and_key.first, merchant_and_key.second,
                   [&, key = merchant_and_key](const Node::KeyAnswer& found) {
                     --waiting;
                     if (found.record) findings.keys.emplace(key, *found.record);
                   });
  }
  drive(answered, 60 * us_per_s);
  ++waiting;
  node_.flush_views([&](const Node::Answer&) { --waiting; });
  drive(answered, 60 * us_per_s);
  findings.unanswered += waiting;
  findings.ended = node_.ended();
  CardQuery all;
  all.limit = 100'000;
  const auto cards = std::get<std::vector<Card>>(disk_->list_cards(all));
  for (const Card& card : cards) findings.cards.emplace(card.stream, card);
}

void Run::summarise(const Findings& findings, RunResult& result) {
  std::string text;
  for (const auto& [payment, history] : findings.journal) {
    for (const EventRow& row : history.rows) {
      text += hex(row.hash);
      text += std::to_string(row.position);
    }
  }
  result.events = findings.rows;
  const auto last = std::get<std::vector<EventRow>>(
      disk_->read_all(result.events == 0 ? 0 : result.events - 1, 1));
  if (!last.empty())
    result.last_event = "position " + std::to_string(last[0].position) + ": " + last[0].type +
                        " of " + last[0].stream.text();
  result.digest = sha256_hex(text);
  result.payments = findings.journal.size();
  result.faults_injected = stage_.faults.injected() + (store_.has_failed() ? 1 : 0);
  result.injected_by_kind = stage_.faults.injected_by_kind();
  result.starts = node_.starts();
  result.events_by_type = findings.rows_by_type;
  result.landed_late = lanes_.landed_late();
  result.steps = steps_;
  result.store_operations = store_.operations();
  result.drawn = "world " + std::string(world_.name) + ", workload " + std::string(workload_.name) +
                 ", faults " + std::string(fault_set_.name) + ", " + std::to_string(orders_) +
                 " orders, " + std::to_string(operator_.interventions()) + " interventions";
  if (result.violation && result.violation->payment) {
    std::ostringstream timeline;
    journal_show(*disk_, {result.violation->payment->text(), std::nullopt}, {timeline, timeline});
    result.timeline = timeline.str();
  }
  result.chronicle = stage_.chronicle.lines();
}

RunResult Run::play() {
  const Surgery& surgery = scenario_.surgery;
  if (surgery.store_operation > 0)
    store_.fail_nth(surgery.store_operation, surgery.failure, surgery.lasting_us);
  crash_at_step_ = surgery.crash_at_step;
  start();
  for (OrderScript& script : draw_scripts(workload_, stage_.dice, orders_))
    add_shopper(std::move(script));
  set_background();
  for (Episode& episode : draw_episodes(fault_set_, stage_.dice))
    episodes_.push_back(std::move(episode));
  next_episode();
  operator_.begin();
  const auto calm = [this] {
    return storm_over_ && operator_.is_done() && stage_.now_us() > 0 &&
           std::all_of(shoppers_.begin(), shoppers_.end(),
                       [](const Shopper& shopper) { return shopper.is_done(); });
  };
  drive(calm, storm_bound_us);
  RunResult result;
  result.surgery_done =
      store_.has_failed() || (surgery.crash_at_step > 0 && steps_ >= surgery.crash_at_step);
  stage_.faults.lift_all();
  faults_over_ = true;
  store_.heal();
  bool proven = false;
  prove_recovery("all faults", [&proven] { proven = true; });
  drive([&proven] { return proven; }, 2 * recovery_bound_us);
  settle();
  Findings findings{evidence_, {}};
  each_channel([&](LyingChannel& channel) { findings.channels.push_back(&channel); });
  for (const WatchedChannel& witness : witnesses_) findings.witnesses.push_back(&witness);
  findings.breaker_config = world_.breaker;
  find_out(findings);
  result.violation = first_violation(findings);
  summarise(findings, result);
  lanes_.cut();
  each_channel([](LyingChannel& channel) { channel.cut(); });
  node_.crash();
  return result;
}

}  // namespace

RunResult run(const Scenario& scenario) {
  spdlog::set_level(spdlog::level::off);  // the failures are the run's own
  return Run(scenario).play();
}

std::string replay_command(const Scenario& scenario) {
  std::string command = "./dev sim --seed " + std::to_string(scenario.seed);
  if (!scenario.world.empty()) command += " --world " + scenario.world;
  if (!scenario.workload.empty()) command += " --workload " + scenario.workload;
  if (!scenario.faults.empty()) command += " --faults " + scenario.faults;
  if (scenario.orders > 0) command += " --orders " + std::to_string(scenario.orders);
  if (scenario.bug != PlantedBug::none) command += " --bug " + std::string(name_of(scenario.bug));
  return command;
}

}  // namespace welkin::simulation
