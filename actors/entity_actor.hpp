// The machine behind every entity: an actor that owns one stream. It recovers from the journal,
// judges what comes by the rules of its kind, makes their events durable, and only then lets them
// hold. Its mailbox is the lock: everything about one entity is judged here, in order, against one
// state. What is special to a kind stands in the class derived from this one.
//
// Phases: `recovering` reads the journal, `live` judges, `persisting` waits for the one append it
// has under way, `failed` answers that it cannot until it is buried. What comes while it recovers
// or persists waits in a bounded stash.
//
// What follows on a commit (calls, answers) is laid out when its events are decided and carried out
// by whoever commits them; the actor has a turn for it only if something waits in its stash.
#pragma once

#include <algorithm>
#include <caf/event_based_actor.hpp>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "actors/journal_actor.hpp"
#include "actors/messages.hpp"
#include "actors/runtime_context.hpp"
#include "protocol/invariant.hpp"

namespace welkin {

// `Work` is a variant of what its kind may be asked to judge.
template <class Kind, class Work>
class EntityActor : public caf::event_based_actor {
 protected:
  using State = typename Kind::State;
  using Event = typename Kind::Event;
  using StatePtr = std::shared_ptr<const State>;
  enum class Phase : std::uint8_t { recovering, live, persisting, failed };

  // `assume_new`: nothing is read first; if the store then knows the stream, the append conflicts
  // and the entity recovers. Saves every new entity a look-up.
  EntityActor(caf::actor_config& config, RuntimeContextPtr context, const StreamId& id,
              bool assume_new)
      : caf::event_based_actor(config),
        context_(std::move(context)),
        id_(id),
        phase_(assume_new ? Phase::live : Phase::recovering),
        state_(no_state()) {}
  // One whose stream has been read already.
  EntityActor(caf::actor_config& config, RuntimeContextPtr context, const StreamId& id,
              Loaded<Kind> start)
      : EntityActor(config, std::move(context), id, /*assume_new=*/true) {
    hold(std::move(start));
  }

  // What is decided about the stream at once, and what follows.
  struct Decided {
    std::vector<Event> events;
    std::string causation_id;
    bool new_work = false;            // may be refused when too much waits to be written
    bool wakes = false;               // the actor is to have a turn when they are durable
    std::string correlation_id = {};  // empty: that of the stream's first events
  };

  // ---- what the kind's own part says

  // Judges one piece of work against `state()`. May call `persist` once, as its last act.
  virtual void judge(const Work& work) = 0;
  // Tells whoever waits for `work` that nothing, or nothing known, comes of it.
  virtual void refuse(const Work& work, ProblemCode code, const std::string& detail) = 0;
  // What follows once `next` is durable; `cause` led to it.
  virtual Aftermath aftermath_of(const StatePtr& next, const std::vector<Event>& events,
                                 const Work& cause) = 0;
  // The append that `cause` led to is durable and the state is the one after it, or it never will
  // be.
  virtual void committed(const EventsOf<Kind>& events, const Work& cause) = 0;
  virtual void not_committed() {}
  // The stream has been read.
  virtual void recovered() {}
  // It is live again after an append or a reading, and nothing waits.
  virtual void came_to_rest() {}
  // It cannot go on; an empty `what` when the store is at fault. Its supervisor is to be told.
  virtual void report_failure(const std::string& what) = 0;
  // What its stream holds is not to be believed, and will not be when it is read again.
  virtual void report_corruption(const std::string& what) { report_failure(what); }
  // Another node has taken the stream over.
  virtual void fenced(const Work& cause) = 0;

  // ---- what the kind's own part uses

  const State& state() const { return *state_; }
  const StatePtr& state_ptr() const { return state_; }
  std::uint64_t seq() const { return seq_; }
  Phase phase() const { return phase_; }
  bool has_given_up() const { return given_up_ != nullptr; }  // its rows are not believed
  bool is_at_rest() const { return phase_ == Phase::live && stash_.empty(); }
  UnixUs now_us() const { return context_->clock->now_us(); }

  void take(Work work);
  void persist(Decided decided, Work cause);
  // To be called before the state is looked at outside of `judge`: nobody may have been woken for
  // the last commit.
  void take_note_of_commit();
  // Reads the stream; what comes meanwhile waits.
  void recover();
  void fail(const std::string& what);
  // Its last turn. An append that is never carried out would hold it for ever.
  void end() {
    append_ = nullptr;
    quit();
  }
  // The messages that every entity takes; the kind's own part puts its own beside them.
  caf::message_handler own_messages();
  // A throwing handler must not take messages down with it: the entity answers what it has, tells
  // its supervisor, and answers the rest until it is buried.
  template <class Function>
  void guarded(Function function);

  const RuntimeContextPtr context_;
  const StreamId id_;
  std::size_t stash_limit_ = context_->limits.stash_per_entity;

 private:
  static constexpr int max_conflicts_in_a_row = 3;

  static const StatePtr& no_state() {
    static const StatePtr none = std::make_shared<const State>();
    return none;
  }

  static std::string this_one() { return std::string("This ") + Kind::noun; }

  void judge_now(Work work);
  void work_off_stash();
  void stash(Work work);
  void heard_of_append(const CommitAck& ack);
  void append_failed(CommitStatus status);
  void loaded(const LoadResult& result);
  void give_up(const std::string& what);
  void hold(Loaded<Kind> loaded);

  Phase phase_;
  std::unique_ptr<const std::string> given_up_;  // why it has failed for good
  StatePtr state_;                               // as it is durable; never what is still on its way
  std::uint64_t seq_ = 0;
  Hash hash_{};
  std::string correlation_id_;

  AppendRequestPtr append_;      // under way
  std::optional<Work> cause_;    // of the append
  std::optional<Work> judging_;  // answered even when judging it throws
  int conflicts_ = 0;
  std::deque<Work> stash_;
};

// ---- taking work

template <class Kind, class Work>
template <class Function>
void EntityActor<Kind, Work>::guarded(Function function) {
  try {
    function();
  } catch (const std::exception& error) {
    fail(error.what());
  } catch (...) {
    fail("something that is no exception was thrown");
  }
}

template <class Kind, class Work>
caf::message_handler EntityActor<Kind, Work>::own_messages() {
  return {
      [this](committed_atom, const CommitAck& ack) { guarded([&] { heard_of_append(ack); }); },
      [this](loaded_atom, const LoadResultPtr& result) { guarded([&] { loaded(*result); }); },
      [this](bury_atom) { end(); },
  };
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::take(Work work) {
  take_note_of_commit();
  switch (phase_) {
    case Phase::live:
      return judge_now(std::move(work));
    case Phase::failed:
      if (given_up_) return refuse(work, ProblemCode::entity_parked, *given_up_);
      return refuse(work, ProblemCode::internal, this_one() + " is being restarted; try again.");
    case Phase::recovering:
    case Phase::persisting:
      return stash(std::move(work));
  }
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::stash(Work work) {
  if (stash_.size() >= stash_limit_) {
    context_->metrics->stash_overflows.Increment();
    return refuse(work, ProblemCode::overloaded,
                  "Too much waits for this " + std::string(Kind::noun) + ".");
  }
  stash_.push_back(std::move(work));
  // It may have been committed since the look at it: then no message comes.
  if (phase_ == Phase::persisting && !append_->slot.wants_message()) take_note_of_commit();
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::judge_now(Work work) {
  judging_ = std::move(work);
  judge(*judging_);
  judging_.reset();
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::work_off_stash() {
  while (phase_ == Phase::live && !stash_.empty()) {
    Work work = std::move(stash_.front());
    stash_.pop_front();
    judge_now(std::move(work));
  }
}

// ---- making events durable

template <class Kind, class Work>
void EntityActor<Kind, Work>::persist(Decided decided, Work cause) {
  assert_invariant(phase_ == Phase::live, "one append at a time");
  auto request = std::make_shared<AppendRequest>();
  auto next = std::make_shared<State>(*state_);
  request->at_us = std::max(now_us(), last_event_at_us(*state_));
  std::string problem;
  for (const Event& event : decided.events)
    if (!apply(*next, event, request->at_us, &problem))
      throw std::logic_error("decided against the rules: " + problem);
  if (correlation_id_.empty()) correlation_id_ = decided.causation_id;
  request->stream = id_;
  request->shard = context_->shard_index(id_);
  request->epoch = context_->epochs[request->shard];
  request->expected_seq = seq_;
  request->prev_hash = hash_;
  request->causation_id = std::move(decided.causation_id);
  request->correlation_id =
      decided.correlation_id.empty() ? correlation_id_ : std::move(decided.correlation_id);
  request->aftermath = aftermath_of(next, decided.events, cause);
  request->recorded =
      std::make_shared<const EventsOf<Kind>>(std::move(decided.events), std::move(next));
  request->reply_to = caf::actor_cast<caf::actor>(this);
  request->new_work = decided.new_work;
  if (decided.wakes || !stash_.empty()) request->slot.wants_message();
  append_ = std::move(request);
  cause_ = std::move(cause);
  phase_ = Phase::persisting;
  append(*context_, append_);
}

// Where nobody was woken for it.
template <class Kind, class Work>
void EntityActor<Kind, Work>::take_note_of_commit() {
  if (phase_ != Phase::persisting) return;
  if (const CommitAck* ack = append_->slot.noticed()) heard_of_append(*ack);
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::heard_of_append(const CommitAck& ack) {
  if (phase_ != Phase::persisting) return;
  if (ack.status != CommitStatus::committed) return append_failed(ack.status);
  const AppendRequestPtr append = std::exchange(append_, nullptr);
  const Work cause = std::move(*std::exchange(cause_, std::nullopt));
  const EventsOf<Kind>& events = *append->template of<Kind>();
  state_ = events.after;
  seq_ = ack.last_seq;
  hash_ = ack.hash;
  conflicts_ = 0;
  phase_ = Phase::live;
  committed(events, cause);
  work_off_stash();
  if (is_at_rest()) came_to_rest();
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::append_failed(CommitStatus status) {
  append_ = nullptr;
  const Work cause = std::move(*std::exchange(cause_, std::nullopt));
  not_committed();
  phase_ = Phase::live;
  switch (status) {
    case CommitStatus::conflict:
      context_->metrics->conflicts.Increment();
      if (++conflicts_ > max_conflicts_in_a_row) {
        refuse(cause, ProblemCode::internal, this_one() + " is being restarted; try again.");
        return fail("another writer is at work on this stream");
      }
      stash_.push_front(cause);
      return recover();
    case CommitStatus::stale_epoch:
      context_->end_node(fenced_reason, "its epochs are over: " + id_.text());
      return fenced(cause);
    case CommitStatus::overloaded:
      refuse(cause, ProblemCode::overloaded, "Too much waits to be written.");
      break;
    default:
      refuse(cause, ProblemCode::store_unavailable, "Nothing was written.");
  }
  work_off_stash();
  if (is_at_rest()) came_to_rest();
}

// ---- recovery

template <class Kind, class Work>
void EntityActor<Kind, Work>::recover() {
  phase_ = Phase::recovering;
  given_up_ = nullptr;
  context_->io->load(id_, caf::actor_cast<caf::actor>(this));
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::loaded(const LoadResult& result) {
  if (phase_ != Phase::recovering) return;
  if (const auto* failure = std::get_if<LoadFailure>(&result)) {
    if (failure->corrupt) return give_up(failure->what);
    // The store is not well now, which says nothing about this entity: whoever asks may ask again.
    for (const Work& work : std::exchange(stash_, {}))
      refuse(work, ProblemCode::store_unavailable, "The journal cannot be read now.");
    return fail("");
  }
  hold(std::get<Loaded<Kind>>(result));
  recovered();
  work_off_stash();
  if (is_at_rest()) came_to_rest();
}

// Nothing is appended behind rows that are not believed.
template <class Kind, class Work>
void EntityActor<Kind, Work>::give_up(const std::string& what) {
  phase_ = Phase::failed;
  given_up_ = std::make_unique<const std::string>("Parked: " + corrupt_reason + what);
  for (const Work& work : std::exchange(stash_, {}))
    refuse(work, ProblemCode::entity_parked, *given_up_);
  report_corruption(corrupt_reason + what);
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::hold(Loaded<Kind> loaded) {
  state_ = std::move(loaded.state);
  seq_ = loaded.seq;
  hash_ = loaded.hash;
  correlation_id_ = std::move(loaded.correlation_id);
  phase_ = Phase::live;
}

template <class Kind, class Work>
void EntityActor<Kind, Work>::fail(const std::string& what) {
  if (phase_ == Phase::failed) return;
  const bool in_doubt = phase_ == Phase::persisting;
  phase_ = Phase::failed;
  const std::string detail = this_one() + " is being restarted; repeat the same request.";
  if (in_doubt && cause_)
    refuse(*std::exchange(cause_, std::nullopt), ProblemCode::outcome_unknown, detail);
  if (judging_) refuse(*std::exchange(judging_, std::nullopt), ProblemCode::internal, detail);
  for (const Work& work : std::exchange(stash_, {})) refuse(work, ProblemCode::internal, detail);
  report_failure(what);
}

}  // namespace welkin
