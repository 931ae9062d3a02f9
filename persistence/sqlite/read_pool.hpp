// Idle read-only connections, kept for the next reader with their prepared statements. Bounded over
// all files together: a journal may have thousands of segments, and each connection holds
// descriptors.
//
// Any thread.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "persistence/sqlite/sqlite_connection.hpp"

namespace welkin::sqlite {

class ReadPool {
 public:
  // Gives the connection back when it goes out of scope.
  class Lease {
   public:
    Lease(ReadPool& pool, std::unique_ptr<Connection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}
    ~Lease() {
      if (connection_) pool_->give_back(std::move(connection_));
    }
    Lease(Lease&&) = default;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Lease& operator=(Lease&&) = delete;
    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }

   private:
    ReadPool* pool_;
    std::unique_ptr<Connection> connection_;
  };

  StoreResult<Lease> acquire(const std::string& path);
  // Closes what is idle, so that the file can be changed in ways that need it alone.
  void discard(const std::string& path);
  // Before the writers close: the last connection to a file removes its write-ahead log, and one
  // that only reads cannot.
  void clear();

 private:
  static constexpr std::size_t idle_limit = 32;

  void give_back(std::unique_ptr<Connection> connection);

  std::mutex mutex_;
  std::list<std::unique_ptr<Connection>> idle_;  // most recently used first
};

}  // namespace welkin::sqlite
