#include <catch2/catch.hpp>
#include <iterator>

#include "protocol/journal/event.hpp"

namespace welkin {
namespace {

// clang-format off
const char* const golden[] = {
    R"({"reason":"cut off","last_position":7,"mark_position":9,"mark_hash":"ab"})",
    R"({"backup_position":7,"backup_at_us":1767225600000000,"ask_since_us":1766966400000000})",
    R"({"payments":12,"unanswered":1})",
};
// clang-format on

std::vector<JournalEvent> samples() {
  return {JournalTruncationAccepted{"cut off", 7, 9, "ab"},
          JournalRestored{7, 1'767'225'600'000'000, 1'766'966'400'000'000},
          JournalAskedAfterRestore{12, 1}};
}

}  // namespace

TEST_CASE("every remark on the journal is written as it stands here, and read as it was written") {
  REQUIRE(std::size(golden) == journal_event_kind_count);
  for (std::size_t i = 0; i < journal_event_kind_count; ++i) {
    const JournalEvent event = samples()[i];
    const std::string type(name_of(kind_of(event)));
    CAPTURE(type);
    REQUIRE(kind_of(event) == static_cast<JournalEventKind>(i));
    std::string text;
    write_event(event, text);
    CHECK(text == golden[i]);
    const auto read = parse_journal_event(type, version_of(event), golden[i]);
    REQUIRE(std::holds_alternative<JournalEvent>(read));
    std::string again;
    write_event(std::get<JournalEvent>(read), again);
    CHECK(again == golden[i]);
    CHECK(std::holds_alternative<CodecError>(parse_journal_event(type, 2, golden[i])));
    CHECK(std::holds_alternative<CodecError>(parse_journal_event(type, 1, "{}")));
  }
  CHECK(std::holds_alternative<CodecError>(parse_journal_event("payment_paid", 1, "{}")));
}

TEST_CASE("after a restore the channels are to be asked until it is noted that they were") {
  JournalHistory history;
  note(history, samples()[0]);
  CHECK_FALSE(history.to_ask);
  note(history, samples()[1]);
  REQUIRE(history.to_ask);
  CHECK(history.to_ask->backup_position == 7);
  note(history, samples()[2]);
  CHECK_FALSE(history.to_ask);
  CHECK(history.truncations_accepted == 1);
  CHECK(history.restores == 1);
}

TEST_CASE("the journal has one stream of its own, which is nobody's payment") {
  const StreamId id = journal_stream_id();
  CHECK(id.text().substr(0, 4) == "jnl_");
  CHECK(StreamId::parse(id.text()) == id);
  CHECK_FALSE(StreamId::parse(id.text(), StreamKind::payment));
}

}  // namespace welkin
