#include "tests/simulation/planted_bugs.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "protocol/name_table.hpp"
#include "tests/simulation/channel_decorator.hpp"
#include "tests/simulation/store_decorator.hpp"

namespace welkin::simulation {
namespace {

constexpr std::string_view names[] = {"none",
                                      "reply_before_commit",
                                      "timeout_is_failure",
                                      "amount_not_checked",
                                      "timers_forgotten",
                                      "callbacks_not_deduplicated",
                                      "fallback_after_timeout",
                                      "refusals_trip_breaker",
                                      "half_open_lets_all_through",
                                      "breakers_forgotten",
                                      "breaker_changes_unwritten",
                                      "calls_behind_breaker",
                                      "payer_forgotten",
                                      "second_charge_unseen",
                                      "reversals_ignored",
                                      "desk_refunds_ignored"};

// ---- the store

class ForgetsTimers : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;
  StoreResult<std::vector<Card>> open_cards(const StreamId&, std::size_t) const override {
    return std::vector<Card>();
  }
};

class ForgetsBreakers : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;
  StoreResult<std::vector<EventRow>> read_stream(const StreamId& stream,
                                                 std::uint64_t after_seq) const override {
    if (stream.kind == StreamKind::breaker) return std::vector<EventRow>();
    return inner_.read_stream(stream, after_seq);
  }
};

// Says of every batch that it is written.
class WritesNothing : public StoreDecorator {
 public:
  using StoreDecorator::StoreDecorator;
  StoreResult<std::vector<AppendResult>> append(std::vector<StreamAppend>& batch) override {
    return std::vector<AppendResult>(batch.size());
  }
};

// Stands before the node's store, with a committer that writes nothing, for bugs in what is
// committed: `bend` says what of a batch is written.
class BentStoreIo : public StoreIo {
 public:
  BentStoreIo(StoreIo& inner, JournalStore& store)
      : inner_(inner), nothing_(store), committer_(nothing_) {}
  void write(AppendSourcePtr appends, const JournalEars& ears) override {
    ears_ = ears;
    inner_.write(std::make_shared<BentSource>(*this, std::move(appends)), ears);
  }
  void probe(const caf::actor& journal) override { inner_.probe(journal); }
  void load(const StreamId& stream, const caf::actor& reply_to) override {
    inner_.load(stream, reply_to);
  }
  void checkpoint(std::shared_ptr<const ViewDelta> delta, const caf::actor& reply_to) override {
    inner_.checkpoint(std::move(delta), reply_to);
  }
  void read_missed(std::uint64_t after, std::uint64_t until, const caf::actor& views) override {
    inner_.read_missed(after, until, views);
  }

 protected:
  virtual std::vector<AppendRequestPtr> bend(std::vector<AppendRequestPtr> batch) = 0;
  void acknowledge_unwritten(const std::vector<AppendRequestPtr>& batch) {
    committer_.commit(batch);
    deliver_to_appenders(committer_.acks(), batch, ears_);
  }

 private:
  class BentSource : public AppendSource {
   public:
    BentSource(BentStoreIo& io, AppendSourcePtr inner) : io_(io), inner_(std::move(inner)) {}
    std::vector<AppendRequestPtr> take() override {
      for (;;) {
        auto batch = inner_->take();
        if (batch.empty()) return batch;
        batch = io_.bend(std::move(batch));
        if (!batch.empty()) return batch;
      }
    }

   private:
    BentStoreIo& io_;
    AppendSourcePtr inner_;
  };

  StoreIo& inner_;
  WritesNothing nothing_;
  JournalCommitter committer_;
  JournalEars ears_;
};

// Acknowledges a batch and writes it then.
class AnswersFirst : public BentStoreIo {
 public:
  using BentStoreIo::BentStoreIo;

 private:
  std::vector<AppendRequestPtr> bend(std::vector<AppendRequestPtr> batch) override {
    acknowledge_unwritten(batch);
    std::vector<AppendRequestPtr> unheard;
    for (const AppendRequestPtr& request : batch) {
      auto copy = std::make_shared<AppendRequest>();
      static_cast<AppendContent&>(*copy) = *request;
      unheard.push_back(std::move(copy));
    }
    return unheard;
  }
};

// Acknowledges what breakers want to write and leaves it unwritten.
class DropsBreakerChanges : public BentStoreIo {
 public:
  using BentStoreIo::BentStoreIo;

 private:
  std::vector<AppendRequestPtr> bend(std::vector<AppendRequestPtr> batch) override {
    const auto rest = std::stable_partition(
        batch.begin(), batch.end(),
        [](const AppendRequestPtr& append) { return append->of<PaymentKind>() != nullptr; });
    acknowledge_unwritten({rest, batch.end()});
    batch.erase(rest, batch.end());
    return batch;
  }
};

// ---- the channel

class TakesTimeoutForNo : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  void call(const ChannelCall& call, Done done) override {
    inner_.call(call, [done = std::move(done), call](ChannelReport report) {
      if (report.verdict == ChannelVerdict::unknown && report.code == "no_answer")
        report.verdict = call.operation == ChannelOperation::refund ? ChannelVerdict::refund_refused
                                                                    : ChannelVerdict::refused;
      done(std::move(report));
    });
  }
};

// Says of an order that nobody heard of it, when nobody has answered.
class TakesTimeoutForNotTaken : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  void call(const ChannelCall& call, Done done) override {
    inner_.call(call, [done = std::move(done), call](ChannelReport report) {
      if (call.operation == ChannelOperation::create && report.code == "no_answer")
        report.verdict = ChannelVerdict::not_taken;
      done(std::move(report));
    });
  }
};

class TakesNoForFailure : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  void call(const ChannelCall& call, Done done) override {
    inner_.call(call, [done = std::move(done)](ChannelReport report) {
      const bool refused = report.verdict == ChannelVerdict::refused ||
                           report.verdict == ChannelVerdict::refund_refused ||
                           report.verdict == ChannelVerdict::not_found;
      if (refused) report.fate = CallFate::unwell;
      done(std::move(report));
    });
  }
};

// Puts the amount that is expected where the callback says another.
class BelievesAmounts : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  void call(const ChannelCall& call, Done done) override {
    amounts_[call.channel_order_no + call.refund_id] = call.amount_minor;
    inner_.call(call, std::move(done));
  }
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override {
    auto verified = inner_.verify(callback, now_us);
    if (auto* good = std::get_if<VerifiedCallback>(&verified)) {
      const auto expected = amounts_.find(good->report.channel_order_no + good->report.refund_id);
      if (expected != amounts_.end()) good->report.amount_minor = expected->second;
    }
    return verified;
  }

 private:
  std::map<std::string, std::int64_t> amounts_;
};

// Asks one of its questions again whenever it hears something, and asks no breaker whether it may.
class AsksAgainByItself : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  void call(const ChannelCall& call, Done done) override {
    if (call.query) questions_.push_back(call);
    inner_.call(call, std::move(done));
  }
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override {
    if (!questions_.empty())
      inner_.call(questions_[next_++ % questions_.size()], [](const ChannelReport&) {});
    return inner_.verify(callback, now_us);
  }

 private:
  std::vector<ChannelCall> questions_;
  std::size_t next_ = 0;
};

// Says of the payer only once who he is.
class ForgetsPayers : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  void call(const ChannelCall& call, Done done) override {
    const bool creates = call.operation == ChannelOperation::create && !call.query;
    if (!creates || asked_.insert(call.channel_order_no).second)
      return inner_.call(call, std::move(done));
    ChannelCall again = call;
    again.payer_id.clear();
    again.payer_ip.clear();
    again.payer_instrument.clear();
    inner_.call(again, std::move(done));
  }

 private:
  std::set<std::string> asked_;
};

// Takes every charge of an order for its first one.
class SeesOneCharge : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override {
    auto verified = inner_.verify(callback, now_us);
    auto* good = std::get_if<VerifiedCallback>(&verified);
    if (good && good->report.verdict == ChannelVerdict::paid)
      good->report.channel_reference =
          first_.emplace(good->report.channel_order_no, good->report.channel_reference)
              .first->second;
    return verified;
  }

 private:
  std::map<std::string, std::string> first_;
};

// A refund that was made stays made.
class IgnoresReversals : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  void call(const ChannelCall& call, Done done) override {
    inner_.call(call, [this, done = std::move(done)](ChannelReport report) {
      note(report);
      done(std::move(report));
    });
  }
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override {
    auto verified = inner_.verify(callback, now_us);
    if (auto* good = std::get_if<VerifiedCallback>(&verified)) {
      note(good->report);
      if (made_.count(good->report.refund_id) > 0) good->report.verdict = ChannelVerdict::refunded;
    }
    return verified;
  }

 private:
  void note(const ChannelReport& report) {
    if (report.verdict == ChannelVerdict::refunded) made_.insert(report.refund_id);
  }
  std::set<std::string> made_;
};

// Acknowledges a refund that was made at the channel's desk, and keeps nothing of it.
class IgnoresDeskRefunds : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override {
    auto verified = inner_.verify(callback, now_us);
    if (auto* good = std::get_if<VerifiedCallback>(&verified); good && good->report.outside_refund)
      good->report.verdict = ChannelVerdict::refund_pending;
    return verified;
  }
};

// Takes the number of the message for the number of the charge, so that each message is a new one.
class CountsEveryCallback : public ChannelDecorator {
 public:
  using ChannelDecorator::ChannelDecorator;
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override {
    auto verified = inner_.verify(callback, now_us);
    if (auto* good = std::get_if<VerifiedCallback>(&verified))
      good->report.channel_reference = good->report.id;
    return verified;
  }
};

}  // namespace

std::string_view name_of(PlantedBug bug) { return names[static_cast<std::size_t>(bug)]; }
std::optional<PlantedBug> parse_planted_bug(std::string_view name) {
  return find_name<PlantedBug>(names, name);
}

const std::vector<PlantedBug>& planted_bugs() {
  static const std::vector<PlantedBug> bugs = {
      PlantedBug::reply_before_commit,        PlantedBug::timeout_is_failure,
      PlantedBug::amount_not_checked,         PlantedBug::timers_forgotten,
      PlantedBug::callbacks_not_deduplicated, PlantedBug::fallback_after_timeout,
      PlantedBug::refusals_trip_breaker,      PlantedBug::half_open_lets_all_through,
      PlantedBug::breakers_forgotten,         PlantedBug::breaker_changes_unwritten,
      PlantedBug::calls_behind_breaker,       PlantedBug::payer_forgotten,
      PlantedBug::second_charge_unseen,       PlantedBug::reversals_ignored,
      PlantedBug::desk_refunds_ignored};
  return bugs;
}

std::unique_ptr<JournalStore> with_bug(PlantedBug bug, JournalStore& store) {
  if (bug == PlantedBug::timers_forgotten) return std::make_unique<ForgetsTimers>(store);
  if (bug == PlantedBug::breakers_forgotten) return std::make_unique<ForgetsBreakers>(store);
  return nullptr;
}

std::unique_ptr<StoreIo> with_bug(PlantedBug bug, StoreIo& io, JournalStore& store) {
  if (bug == PlantedBug::reply_before_commit) return std::make_unique<AnswersFirst>(io, store);
  if (bug == PlantedBug::breaker_changes_unwritten)
    return std::make_unique<DropsBreakerChanges>(io, store);
  return nullptr;
}

std::unique_ptr<ChannelPort> with_bug(PlantedBug bug, ChannelPort& channel) {
  switch (bug) {
    case PlantedBug::timeout_is_failure:
      return std::make_unique<TakesTimeoutForNo>(channel);
    case PlantedBug::amount_not_checked:
      return std::make_unique<BelievesAmounts>(channel);
    case PlantedBug::callbacks_not_deduplicated:
      return std::make_unique<CountsEveryCallback>(channel);
    case PlantedBug::fallback_after_timeout:
      return std::make_unique<TakesTimeoutForNotTaken>(channel);
    case PlantedBug::refusals_trip_breaker:
      return std::make_unique<TakesNoForFailure>(channel);
    case PlantedBug::calls_behind_breaker:
      return std::make_unique<AsksAgainByItself>(channel);
    case PlantedBug::payer_forgotten:
      return std::make_unique<ForgetsPayers>(channel);
    case PlantedBug::second_charge_unseen:
      return std::make_unique<SeesOneCharge>(channel);
    case PlantedBug::reversals_ignored:
      return std::make_unique<IgnoresReversals>(channel);
    case PlantedBug::desk_refunds_ignored:
      return std::make_unique<IgnoresDeskRefunds>(channel);
    default:
      return nullptr;
  }
}

BreakerConfig with_bug(PlantedBug bug, BreakerConfig breaker) {
  if (bug == PlantedBug::half_open_lets_all_through) breaker.probes = 1'000'000;
  return breaker;
}

}  // namespace welkin::simulation
