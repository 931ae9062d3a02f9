// `welkin journal …` as functions of a store: each prints to `out`, tells what is wrong on `err`
// and returns the exit code. The command line stands in journal_cli.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <ostream>
#include <string>

#include "persistence/journal_store.hpp"

namespace welkin {

struct Output {
  std::ostream& out;
  std::ostream& err;
  bool json = false;
};

struct JournalListOptions {
  std::string merchant_id;
  std::string state;
  bool open_only = false;
  std::size_t limit = 20;
};
int journal_list(const JournalStore& store, const JournalListOptions& options, Output output);

// `id` is a stream's id, MERCHANT/ORDER_NO or breaker:ACCOUNT. With `at_seq`, the whole state after
// that event.
struct JournalShowOptions {
  std::string id;
  std::optional<std::uint64_t> at_seq;
};
int journal_show(const JournalStore& store, const JournalShowOptions& options, Output output);

struct JournalTailOptions {
  std::optional<std::uint64_t> from_position;  // inclusive; absent: the last `rows`
  std::size_t rows = 10;
  bool follow = false;
  std::string type;
  std::string stream;
};
// Called between looks at the journal with how long it may wait; true: it is time to end.
using TailWait = std::function<bool(std::int64_t time_ms)>;
int journal_tail(const JournalStore& store, const JournalTailOptions& options, Output output,
                 const TailWait& wait);

struct JournalExportOptions {
  std::uint64_t from_position = 1;
  std::uint64_t to_position = UINT64_MAX;  // inclusive
};
int journal_export(const JournalStore& store, const JournalExportOptions& options, Output output);

int journal_verify(const JournalStore& store, Output output);
int journal_stats(const JournalStore& store, Output output);

// ---- shared by the files of the subcommands

// One row as a JSON object without loss: text that is not UTF-8 goes under "<column>_hex".
std::string export_line(const EventRow& row);
// The stream a person named, or nullopt.
std::optional<StreamId> parse_stream_name(const std::string& name);
int report_store_error(const StoreError& error, Output output);

}  // namespace welkin
