// What actors of one node say to each other. Payloads travel as pointers to immutable values: they
// never leave the process (between nodes goes one versioned envelope instead), and copying them at
// every hop was measured to cost more than the hop.
#pragma once

#include <caf/all.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/commit_slot.hpp"
#include "actors/payment_service.hpp"
#include "persistence/journal_store.hpp"
#include "protocol/breaker/kind.hpp"
#include "protocol/channel/call_outcome.hpp"
#include "protocol/channel/channel.hpp"
#include "protocol/payment/kind.hpp"

namespace welkin {

using submit_atom = caf::atom_constant<caf::atom("submit")>;  // a command for a payment
using report_atom = caf::atom_constant<caf::atom("report")>;  // a channel's report about one
using look_atom = caf::atom_constant<caf::atom("look")>;      // what is its state?
using wake_atom = caf::atom_constant<caf::atom("wake")>;      // something is due
using reply_atom = caf::atom_constant<caf::atom("reply")>;
using answer_atom = caf::atom_constant<caf::atom("answer")>;  // answers that are due
using committed_atom = caf::atom_constant<caf::atom("committed")>;
using written_atom = caf::atom_constant<caf::atom("written")>;  // nothing is being written
using doubt_atom = caf::atom_constant<caf::atom("doubt")>;      // it cannot be read back for now
using probed_atom = caf::atom_constant<caf::atom("probed")>;
using batch_atom = caf::atom_constant<caf::atom("batch")>;    // what was committed, for the views
using missed_atom = caf::atom_constant<caf::atom("missed")>;  // what the views were not told of
using fenced_atom = caf::atom_constant<caf::atom("fenced")>;  // a checkpoint was, by a newer node
using loaded_atom = caf::atom_constant<caf::atom("loaded")>;
using call_atom = caf::atom_constant<caf::atom("call")>;
using outcome_atom = caf::atom_constant<caf::atom("outcome")>;      // how a permitted call went
using retry_atom = caf::atom_constant<caf::atom("retry")>;          // a call that may be made again
using passivate_atom = caf::atom_constant<caf::atom("passivate")>;  // have you nothing left to do?
using settled_atom = caf::atom_constant<caf::atom("settled")>;  // an entity has nothing left to do
using failed_atom = caf::atom_constant<caf::atom("failed")>;
using bury_atom = caf::atom_constant<caf::atom("bury")>;
using resume_atom = caf::atom_constant<caf::atom("resume")>;
using parked_atom = caf::atom_constant<caf::atom("parked")>;
using tick_atom = caf::atom_constant<caf::atom("tick")>;
using flush_atom = caf::atom_constant<caf::atom("flush")>;
using find_atom = caf::atom_constant<caf::atom("find")>;
using stop_atom = caf::atom_constant<caf::atom("stop")>;

// An answer to whoever waits under `token`. Late ones are recognised by it and dropped.
struct Reply {
  std::uint64_t token = 0;
  CommandAnswer answer;
};
using ReplyPtr = std::shared_ptr<const Reply>;

// Someone outside the actors who waits for answers. Called on the answering actor's thread: it must
// not block.
class AnswerSink {
 public:
  virtual void deliver(std::uint64_t token, CommandAnswer answer) = 0;

 protected:
  ~AnswerSink() = default;
};

// Nobody waits when both are null.
struct ReplyTo {
  caf::actor actor;
  std::uint64_t token = 0;
  AnswerSink* sink = nullptr;  // outlives every actor

  bool is_awaited() const { return actor || sink; }
};

inline void answer_to(const ReplyTo& to, CommandAnswer answer) {
  if (to.sink)
    to.sink->deliver(to.token, std::move(answer));
  else if (to.actor)
    caf::anon_send(to.actor, reply_atom::value,
                   std::make_shared<const Reply>(Reply{to.token, std::move(answer)}));
}

struct CommandRequest {
  PaymentCommand command;
  ReplyTo reply_to;
};
using CommandRequestPtr = std::shared_ptr<const CommandRequest>;

struct ReportRequest {
  ChannelReport report;
  ReplyTo reply_to;       // callbacks wait until the report is durable
  bool is_query = false;  // which of our calls this answers
  // A callback that was not believed: nothing of the report but the payment and the account counts,
  // and the payment keeps the reason.
  std::optional<Problem> refused;
};
using ReportRequestPtr = std::shared_ptr<const ReportRequest>;

struct LookRequest {
  PaymentId payment;
  ReplyTo reply_to;
  // Asks the channel how the order stands, whether that is due or not. Answered when what it says
  // is recorded, with a problem when it says nothing.
  bool ask_channel = false;
};
using LookRequestPtr = std::shared_ptr<const LookRequest>;

// (call_atom, ChannelCallPtr) to the account's breaker, which passes it on as (call_atom,
// ChannelCallPtr, CallPermit) and hears (outcome_atom, CallPermit, CallOutcome) of it.
using ChannelCallPtr = std::shared_ptr<const ChannelCall>;

// An answer that is to be given.
struct DueAnswer {
  ReplyTo to;
  CommandAnswer answer;
};
using DueAnswersPtr = std::shared_ptr<const std::vector<DueAnswer>>;

// What follows once events are durable. Known beforehand, because the rules are pure, it travels
// with them and is carried out by whoever commits them.
struct Aftermath {
  struct Parcel {
    caf::actor to;
    caf::message what;
  };
  std::vector<Parcel> parcels;
  std::vector<DueAnswer> answers;
};

// What one actor wants written.
struct AppendContent {
  StreamId stream;
  std::uint32_t shard = 0;
  std::uint64_t epoch = 0;
  std::uint64_t expected_seq = 0;
  Hash prev_hash{};
  UnixUs at_us = 0;
  std::string causation_id;
  std::string correlation_id;
  std::shared_ptr<const RecordedEvents> recorded;
  bool new_work = false;  // may be refused when too much is waiting; settling never is

  template <class Kind>
  const EventsOf<Kind>* of() const {
    if (stream.kind != Kind::stream_kind) return nullptr;
    return static_cast<const EventsOf<Kind>*>(recorded.get());
  }
};

// It on its way to the journal, with who waits for it.
struct AppendRequest : AppendContent {
  // Moved out when they are carried out: the views keep the rest for a while.
  mutable Aftermath aftermath;
  // Hears (committed_atom, CommitAck) when it must, and is let go of then.
  mutable caf::actor reply_to;
  mutable CommitSlot slot;
};
using AppendRequestPtr = std::shared_ptr<const AppendRequest>;

struct CommittedItem {
  AppendRequestPtr request;
  std::uint64_t last_seq = 0;
  std::uint64_t last_position = 0;
  Hash hash{};
};
using CommittedBatchPtr = std::shared_ptr<const std::vector<CommittedItem>>;

// A stream as the journal has it. An empty stream's state is that of an entity without events.
template <class Kind>
struct Loaded {
  std::shared_ptr<const typename Kind::State> state =
      std::make_shared<const typename Kind::State>();
  std::uint64_t seq = 0;
  std::uint64_t snapshot_seq = 0;  // 0: no snapshot was of use
  Hash hash{};
  std::string correlation_id;
};
using LoadedPayment = Loaded<PaymentKind>;
using LoadedBreaker = Loaded<BreakerKind>;
struct LoadFailure {
  bool corrupt = false;  // reading again will not help
  std::string what;
};
using LoadResult = std::variant<LoadedPayment, LoadedBreaker, LoadFailure>;
using LoadResultPtr = std::shared_ptr<const LoadResult>;

// Payments with events that are in the journal and of which the views were never told.
struct MissedPayment {
  StreamId stream;
  std::uint64_t last_position = 0;  // of those events
  LoadedPayment now;                // with all that was in the journal when it was read
  UnixUs at_us = 0;
  std::vector<IdempotencyRecord> records;
};
struct Missed {
  std::uint64_t until = 0;  // the position up to which they were looked for
  bool could_be_read = false;
  std::vector<MissedPayment> payments;
};
using MissedPtr = std::shared_ptr<const Missed>;

using BreakerCommandPtr = std::shared_ptr<const BreakerCommand>;
using BreakerAnswerPtr = std::shared_ptr<const BreakerAnswer>;

struct IdempotencyAnswer {
  std::uint64_t token = 0;
  std::optional<IdempotencyRecord> record;
  bool ask_store = false;  // not among the records in memory
};
using IdempotencyAnswerPtr = std::shared_ptr<const IdempotencyAnswer>;

}  // namespace welkin

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::StreamId)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::ReplyTo)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::ReplyPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::CommandRequestPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::ReportRequestPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::LookRequestPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::ChannelCallPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::CallPermit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::CallOutcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::DueAnswersPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::CommitAck)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::CommittedBatchPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::LoadResultPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::MissedPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::IdempotencyAnswerPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::BreakerCommandPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::BreakerAnswerPtr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::vector<welkin::ParkedEntity>)
