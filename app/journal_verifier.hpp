// Checks a whole journal: positions and sequence numbers without gaps, every hash chain, the strict
// parse of every payload and every transition, through the same `apply` that live traffic takes.
//
// The caller's thread reads rows in order; workers, each with its share of the streams, check them.
// Memory is bounded: a stream that leaves a worker's memory is read again when it has another row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "persistence/journal_store.hpp"
#include "protocol/breaker/breaker.hpp"
#include "protocol/journal/event.hpp"
#include "protocol/payment/payment.hpp"

namespace welkin {

struct JournalFault {
  std::uint64_t position = 0;  // of the first bad row; 0 when no row can be named
  std::string stream;
  std::uint64_t seq = 0;
  std::string what;
};

struct VerifyOptions {
  std::size_t workers = 2;
  std::size_t batch_rows = 2'048;
  std::size_t streams_in_memory = 50'000;  // a worker
};

struct VerifyReport {
  std::uint64_t events = 0;  // rows checked and found good, when there is no fault
  std::uint64_t streams = 0;
  std::uint64_t breakers = 0;  // of the streams
  std::uint64_t remarks = 0;   // of the events: what happened to the journal itself
  double seconds = 0;
  std::optional<JournalFault> fault;
  std::optional<StoreError> error;  // the store could not be read to the end
};

// Rows that are written while it runs are left for the next time.
VerifyReport verify_journal(const JournalStore& store, const VerifyOptions& options = {});

// What is known of one stream while its rows are checked in order.
struct StreamCheck {
  std::uint64_t seq = 0;
  Hash hash{};
  std::variant<Payment, Breaker, JournalHistory> state;  // by the stream's kind

  // Empty when the row is the right next one; then it is folded in.
  std::string take(const EventRow& row);
  const Payment* payment() const { return std::get_if<Payment>(&state); }

 private:
  std::string fold(Payment& payment, const EventRow& row);
  std::string fold(Breaker& breaker, const EventRow& row);
  std::string fold(JournalHistory& history, const EventRow& row);
};

// A set of the ids seen so far, by their low 64 bits: ids are hashes, and a false hit only costs
// one more look at the store. About 12 bytes an id.
class SeenStreams {
 public:
  SeenStreams();
  bool insert(const StreamId& stream);  // false: it was there
  bool contains(const StreamId& stream) const;
  std::size_t size() const { return size_; }

 private:
  void grow();
  std::vector<std::uint64_t> slots_;  // 0 is an empty one
  std::size_t size_ = 0;
};

}  // namespace welkin
