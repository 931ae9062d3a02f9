// Connections that break loudly. libpqxx 6 would reconnect behind our back and lose the session's
// settings and the transaction with it, so that is switched off: a session that failed is thrown
// away and a new one is made here, not faster than the back-off allows.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <pqxx/pqxx>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "persistence/journal_store.hpp"
#include "persistence/postgres/connect_target.hpp"

namespace welkin::postgres {

// When the next connection may be tried: 100 ms after a failure, doubling to 5 s, each with up to a
// quarter taken off by chance, so that a fleet does not come back in step.
class BackOff {
 public:
  using Clock = std::chrono::steady_clock;

  bool may_try(Clock::time_point now) const { return now >= next_try_; }
  void failed(Clock::time_point now);
  void succeeded();

 private:
  static constexpr std::chrono::milliseconds first_delay{100};
  static constexpr std::chrono::milliseconds max_delay{5'000};

  Clock::time_point next_try_{};
  std::chrono::milliseconds delay_ = first_delay;
  std::minstd_rand random_{std::random_device{}()};
};

// One database session, used by one thread at a time.
struct Session {
  explicit Session(const ConnectTarget& target);
  // False once the server or the network ended it. Another failure leaves it open.
  bool is_open() const { return connection.is_open(); }

  pqxx::connection connection;

 private:
  pqxx::quiet_errorhandler quiet_;  // notices would be printed on stderr otherwise
};

// Makes sessions for all lanes of a store; any thread.
class Connector {
 public:
  using Prepare = std::function<void(pqxx::connection&)>;

  Connector(ConnectTarget target, Prepare prepare);

  // Blocks for one connection attempt at most; in the back-off's window it answers at once.
  StoreResult<std::unique_ptr<Session>> connect();
  const ConnectTarget& target() const { return target_; }

 private:
  const ConnectTarget target_;
  const Prepare prepare_;
  std::mutex mutex_;
  BackOff back_off_;
  std::string last_failure_;
};

// What a failure outside of a commit means: nothing was written.
StoreError error_before_commit(const std::exception& failure, const ConnectTarget& target);
// What a failure of the commit itself means: only a definite no of a server that still talks to us
// rules out that the rows are there.
StoreError error_in_commit(const std::exception& failure, bool session_open,
                           const ConnectTarget& target);

enum class Verdict : std::uint8_t { commit, roll_back };

// The session of one kind of writer; one thread at a time.
class WriteLane {
 public:
  using Body = std::function<StoreResult<Verdict>(pqxx::work&)>;

  explicit WriteLane(Connector& connector) : connector_(connector) {}

  // Runs `body` in a transaction and commits it, unless the body says otherwise.
  StoreResult<Done> transact(const Body& body);

 private:
  Connector& connector_;
  std::unique_ptr<Session> session_;
};

// A few sessions for readers of any thread. A reader that finds none free waits a bounded time.
class ReadPool {
 public:
  explicit ReadPool(Connector& connector) : connector_(connector) {}

  // Runs one reading `body`. A session that turns out to be dead (the server was restarted while it
  // lay idle) is replaced once, so the body must be able to run again.
  template <class T>
  StoreResult<T> read(const std::function<StoreResult<T>(pqxx::nontransaction&)>& body) {
    for (bool fresh_only = false;; fresh_only = true) {
      Slot slot = acquire(fresh_only);
      if (!slot.session) return std::move(slot.error);
      try {
        StoreResult<T> result = [&] {
          pqxx::nontransaction statements{slot.session->connection};
          return body(statements);
        }();
        release(std::move(slot.session));
        return result;
      } catch (const std::exception& failure) {
        StoreError error = error_before_commit(failure, connector_.target());
        const bool idle_death = slot.reused && !slot.session->is_open();
        release(nullptr);
        if (!idle_death || fresh_only) return error;
      }
    }
  }

 private:
  struct Slot {
    std::unique_ptr<Session> session;  // null: see error
    bool reused = false;
    StoreError error;
  };
  static constexpr std::size_t max_sessions = 4;
  static constexpr std::chrono::seconds wait_limit{5};

  Slot acquire(bool fresh_only);
  void release(std::unique_ptr<Session> session);  // null gives up the place alone

  Connector& connector_;
  std::mutex mutex_;
  std::condition_variable freed_;
  std::vector<std::unique_ptr<Session>> idle_;
  std::size_t in_use_ = 0;
};

}  // namespace welkin::postgres
