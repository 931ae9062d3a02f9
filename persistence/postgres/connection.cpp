// Making, classifying and replacing of sessions.
#include "persistence/postgres/connection.hpp"

#include <algorithm>
#include <string_view>

namespace welkin::postgres {
namespace {

// The server's five-letter code, or empty when the failure did not come from a server's answer.
std::string sqlstate_of(const std::exception& failure) {
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&failure);
  return sql != nullptr ? sql->sqlstate() : std::string{};
}

StoreErrorKind kind_of(std::string_view sqlstate) {
  if (sqlstate == "53100") return StoreErrorKind::full;
  // A number given twice, data pages that cannot be read, index and table at odds.
  if (sqlstate.substr(0, 2) == "23" || sqlstate.substr(0, 2) == "XX")
    return StoreErrorKind::corrupt;
  return StoreErrorKind::unavailable;
}

StoreError store_error(StoreErrorKind kind, std::string_view what, std::string_view sqlstate,
                       const ConnectTarget& target) {
  StoreError error{kind, "postgresql: " + target.redact(what)};
  if (!sqlstate.empty()) error.detail.append(" [SQLSTATE ").append(sqlstate).append("]");
  return error;
}

}  // namespace

void BackOff::failed(Clock::time_point now) {
  std::uniform_int_distribution<long> share{750, 1'000};
  next_try_ = now + delay_ * share(random_) / 1'000;
  delay_ = std::min(delay_ * 2, max_delay);
}

void BackOff::succeeded() {
  next_try_ = {};
  delay_ = first_delay;
}

Session::Session(const ConnectTarget& target) : connection(target.url()), quiet_(connection) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
}

Connector::Connector(ConnectTarget target, Prepare prepare)
    : target_(std::move(target)), prepare_(std::move(prepare)) {}

StoreResult<std::unique_ptr<Session>> Connector::connect() {
  {
    const std::lock_guard lock{mutex_};
    if (!back_off_.may_try(BackOff::Clock::now()))
      return StoreError{StoreErrorKind::unavailable,
                        "waiting to reconnect; last: " + last_failure_};
  }
  try {
    auto session = std::make_unique<Session>(target_);
    prepare_(session->connection);
    const std::lock_guard lock{mutex_};
    back_off_.succeeded();
    return session;
  } catch (const std::exception& failure) {
    StoreError error = error_before_commit(failure, target_);
    const std::lock_guard lock{mutex_};
    last_failure_ = error.detail;
    back_off_.failed(BackOff::Clock::now());
    return error;
  }
}

StoreError error_before_commit(const std::exception& failure, const ConnectTarget& target) {
  const std::string sqlstate = sqlstate_of(failure);
  return store_error(kind_of(sqlstate), failure.what(), sqlstate, target);
}

StoreError error_in_commit(const std::exception& failure, bool session_open,
                           const ConnectTarget& target) {
  const std::string sqlstate = sqlstate_of(failure);
  const bool rolled_back =
      !sqlstate.empty() ||
      (dynamic_cast<const pqxx::transaction_rollback*>(&failure) != nullptr &&
       dynamic_cast<const pqxx::statement_completion_unknown*>(&failure) == nullptr);
  const bool definite = session_open && rolled_back;
  return store_error(definite ? kind_of(sqlstate) : StoreErrorKind::in_doubt, failure.what(),
                     sqlstate, target);
}

StoreResult<Done> WriteLane::transact(const Body& body) {
  if (!session_) {
    auto connected = connector_.connect();
    if (const StoreError* error = error_of(connected)) return *error;
    session_ = std::move(std::get<std::unique_ptr<Session>>(connected));
  }
  bool committing = false;
  try {
    pqxx::work transaction{session_->connection};
    const StoreResult<Verdict> verdict = body(transaction);
    if (const StoreError* error = error_of(verdict)) return *error;
    if (std::get<Verdict>(verdict) == Verdict::commit) {
      committing = true;
      transaction.commit();
    }
    return Done{};
  } catch (const std::exception& failure) {
    StoreError error = committing
                           ? error_in_commit(failure, session_->is_open(), connector_.target())
                           : error_before_commit(failure, connector_.target());
    // A session that failed once is not trusted again; a new one costs milliseconds.
    session_.reset();
    return error;
  }
}

ReadPool::Slot ReadPool::acquire(bool fresh_only) {
  Slot slot;
  {
    std::unique_lock lock{mutex_};
    if (!freed_.wait_for(lock, wait_limit, [this] { return in_use_ < max_sessions; })) {
      slot.error = {StoreErrorKind::unavailable, "postgresql: every reading connection is busy"};
      return slot;
    }
    ++in_use_;
    // Where one idle session died, the others did too.
    if (fresh_only) idle_.clear();
    if (!idle_.empty()) {
      slot.session = std::move(idle_.back());
      idle_.pop_back();
      slot.reused = true;
      return slot;
    }
  }
  auto connected = connector_.connect();
  if (const StoreError* error = error_of(connected)) {
    slot.error = *error;
    release(nullptr);
    return slot;
  }
  slot.session = std::move(std::get<std::unique_ptr<Session>>(connected));
  return slot;
}

void ReadPool::release(std::unique_ptr<Session> session) {
  {
    const std::lock_guard lock{mutex_};
    --in_use_;
    if (session) idle_.push_back(std::move(session));
  }
  freed_.notify_one();
}

}  // namespace welkin::postgres
