// What the runtime reads from the store and asks of its actors, on threads that may block.
#include <spdlog/spdlog.h>

#include <set>
#include <tuple>
#include <utility>

#include "actors/list_cursor.hpp"
#include "actors/replay.hpp"
#include "actors/runtime_parts.hpp"
#include "actors/views_actor.hpp"
#include "persistence/journal_check.hpp"

namespace welkin {
namespace {

constexpr auto flush_timeout = std::chrono::seconds(2);
constexpr auto look_timeout = std::chrono::seconds(2);

Problem problem_of(const StoreError& error) {
  const auto code = error.kind == StoreErrorKind::corrupt ? ProblemCode::internal
                                                          : ProblemCode::store_unavailable;
  spdlog::error("store: {}", error.detail);
  return {code, "The journal cannot be read now.", ""};
}

// What a stream's own actor would answer, were it asked.
Problem problem_of_corrupt(const std::string& what) {
  spdlog::error("journal: {}", what);
  return {ProblemCode::entity_parked, "Parked: " + corrupt_reason + what, ""};
}

Problem problem_of_stream(const StoreError& error) {
  return error.kind == StoreErrorKind::corrupt ? problem_of_corrupt(error.detail)
                                               : problem_of(error);
}

template <class Result, class Read>
void read(TaskThreads& threads, std::size_t limit, Then<Result> then, Read work) {
  const auto task = [then, work = std::move(work)] { then(work()); };
  if (!threads.run_unless_full(task, limit))
    then(Problem{ProblemCode::overloaded, "Too many requests of this kind are waiting.", ""});
}

}  // namespace

void Runtime::list(PaymentListQuery query, Then<FoundPage> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  read<FoundPage>(parts_->queries, max_queued_queries, std::move(then),
                  [this, query = std::move(query)] { return list_now(query); });
}

void Runtime::events(const PaymentId& id, Then<FoundEvents> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  read<FoundEvents>(parts_->queries, max_queued_queries, std::move(then),
                    [this, id] { return events_now(id); });
}

void Runtime::find_idempotency(std::string_view merchant_id, std::string_view key,
                               Then<FoundKey> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  read<FoundKey>(parts_->keys, max_queued_keys, std::move(then),
                 [this, merchant = std::string(merchant_id), key = std::string(key)] {
                   return find_key_now(merchant, key);
                 });
}

void Runtime::replay(const IdempotencyHit& hit, Then<CommandAnswer> then) {
  if (auto problem = not_serving()) return then(std::move(*problem));
  read<CommandAnswer>(parts_->keys, max_queued_keys, std::move(then),
                      [this, hit] { return replay_now(hit); });
}

void Runtime::parked(Then<FoundParked> then) {
  read<FoundParked>(parts_->operators, max_queued_operators, std::move(then),
                    [this] { return parked_now(); });
}

void Runtime::breakers(Then<FoundBreakers> then) {
  read<FoundBreakers>(parts_->operators, max_queued_operators, std::move(then),
                      [this] { return breakers_now(); });
}

void Runtime::operate_breaker(const std::string& account, BreakerCommand command,
                              Then<BreakerAnswer> then) {
  read<BreakerAnswer>(parts_->operators, max_queued_operators, std::move(then),
                      [this, account, command = std::move(command)] {
                        return operate_breaker_now(account, command);
                      });
}

std::optional<Problem> Runtime::flush_views() {
  Desk desk(*parts_);
  caf::anon_send(parts_->context->views, flush_atom::value, desk.reply_to());
  const auto reply = desk.wait<ReplyPtr>(flush_timeout);
  if (!reply)
    return Problem{ProblemCode::store_unavailable, "The views were not written in time.", ""};
  if (const auto* problem = std::get_if<Problem>(&reply->answer)) return *problem;
  return std::nullopt;
}

Runtime::FoundPage Runtime::list_now(const PaymentListQuery& query) {
  CardQuery cards;
  cards.merchant_id = query.merchant_id;
  if (query.state) cards.state = name_of(*query.state);
  cards.created_from_us = query.created_from_us;
  cards.created_to_us = query.created_to_us;
  if (!query.cursor.empty()) {
    const auto cursor = ListCursor::parse(query.cursor);
    if (!cursor)
      return Problem{ProblemCode::invalid_value, "The cursor is not one of ours.", "?cursor"};
    cards.before_created_at_us = cursor->created_at_us;
    cards.before_stream = cursor->stream;
  }
  cards.limit = query.limit + 1;  // one more tells whether there is a next page
  if (auto problem = flush_views()) return *problem;
  auto read = store_.list_cards(cards);
  if (const StoreError* error = error_of(read)) return problem_of(*error);
  auto& found = std::get<std::vector<Card>>(read);
  PaymentListPage page;
  if (found.size() > query.limit) {
    found.resize(query.limit);
    page.next_cursor = ListCursor{found.back().created_at_us, found.back().stream}.text();
  }
  for (const Card& card : found) {
    if (auto shown = parts_->listed.find(card.stream, card.position)) {
      page.payments.push_back(std::move(*shown));
      continue;
    }
    const LoadResult result = load_payment(store_, card.stream);
    if (const auto* failure = std::get_if<LoadFailure>(&result))
      return problem_of_stream(
          {failure->corrupt ? StoreErrorKind::corrupt : StoreErrorKind::unavailable,
           failure->what});
    const auto& loaded = std::get<LoadedPayment>(result);
    page.payments.push_back({card.stream, loaded.seq, loaded.state});
    parts_->listed.keep(card.position, page.payments.back());
  }
  return page;
}

Runtime::FoundEvents Runtime::events_now(const PaymentId& id) const {
  auto read = store_.read_stream(id);
  if (const StoreError* error = error_of(read)) return problem_of_stream(*error);
  const std::string fault = fault_in_stream(std::get<std::vector<EventRow>>(read));
  if (!fault.empty()) return problem_of_corrupt(fault);
  std::vector<EventView> result;
  for (EventRow& row : std::get<std::vector<EventRow>>(read))
    result.push_back({row.seq, std::move(row.type), row.version, std::move(row.payload), row.at_us,
                      std::move(row.causation_id), std::move(row.correlation_id)});
  if (result.empty()) return Problem{ProblemCode::not_found, "There is no such payment.", ""};
  return result;
}

Runtime::FoundKey Runtime::find_key_now(const std::string& merchant_id, const std::string& key) {
  Desk desk(*parts_);
  caf::anon_send(parts_->context->views, find_atom::value, merchant_id, key, desk.reply_to());
  const auto answer =
      desk.wait<IdempotencyAnswerPtr>(std::chrono::milliseconds(config_.command_timeout_ms));
  if (!answer) return Problem{ProblemCode::overloaded, "The views did not answer in time.", ""};
  std::optional<IdempotencyRecord> record = answer->record;
  if (answer->ask_store) {
    auto read = store_.find_idempotency(merchant_id, key);
    if (const StoreError* error = error_of(read)) return problem_of(*error);
    record = std::get<std::optional<IdempotencyRecord>>(read);
  }
  // The store forgets what is too old only now and then.
  const bool remembered = record && is_remembered(record->at_us, parts_->clock.now_us());
  if (!remembered) return std::optional<IdempotencyHit>{};
  return std::optional<IdempotencyHit>{{record->fingerprint, record->stream, record->seq}};
}

CommandAnswer Runtime::replay_now(const IdempotencyHit& hit) const {
  auto read = store_.read_stream(hit.payment);
  if (const StoreError* error = error_of(read)) return problem_of_stream(*error);
  const auto& rows = std::get<std::vector<EventRow>>(read);
  const std::string fault = fault_in_stream(rows);
  if (!fault.empty()) return problem_of_corrupt(fault);
  auto replayed = replay_of(rows, hit);
  if (const StoreError* error = error_of(replayed)) return problem_of(*error);
  return std::move(std::get<CommandOutcome>(replayed));
}

std::vector<ParkedEntity> Runtime::parked_now() {
  Desk desk(*parts_);
  std::vector<ParkedEntity> result;
  std::set<std::tuple<StreamId, std::string, std::string>> seen;
  const auto collect = [&](const caf::actor& actor) {
    desk.self()
        ->request(actor, look_timeout, parked_atom::value)
        .receive(
            [&](const std::vector<ParkedEntity>& part) {
              // A corrupt one may be known to its shard and to the views.
              for (const ParkedEntity& entity : part)
                if (seen.insert({entity.payment, entity.refund_id, entity.reason}).second)
                  result.push_back(entity);
            },
            [](const caf::error&) { spdlog::warn("parked: a shard did not answer in time"); });
  };
  for (const caf::actor& shard : parts_->context->shards) collect(shard);
  collect(parts_->context->views);
  return result;
}

Runtime::FoundBreakers Runtime::breakers_now() {
  Desk desk(*parts_);
  std::vector<BreakerView> result;
  for (const auto& [account, breaker] : parts_->context->channels)
    desk.self()
        ->request(breaker, look_timeout, look_atom::value)
        .receive(
            [&](const BreakerAnswerPtr& answer) {
              result.push_back(std::get<BreakerView>(*answer));
            },
            [](const caf::error&) {});
  if (result.size() < parts_->context->channels.size())
    return Problem{ProblemCode::overloaded, "A breaker did not answer in time.", ""};
  return result;
}

BreakerAnswer Runtime::operate_breaker_now(const std::string& account,
                                           const BreakerCommand& command) {
  const auto breaker = parts_->context->channels.find(account);
  if (breaker == parts_->context->channels.end())
    return Problem{ProblemCode::not_found, "There is no such channel account.", ""};
  Desk desk(*parts_);
  BreakerAnswer result = Problem{ProblemCode::outcome_unknown, "Ask for the breakers' states.", ""};
  desk.self()
      ->request(breaker->second, std::chrono::milliseconds(config_.command_timeout_ms),
                submit_atom::value, std::make_shared<const BreakerCommand>(command))
      .receive([&](const BreakerAnswerPtr& answer) { result = *answer; }, [](const caf::error&) {});
  return result;
}

}  // namespace welkin
