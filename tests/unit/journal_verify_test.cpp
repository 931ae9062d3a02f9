#include <catch2/catch.hpp>
#include <random>

#include "app/canonical_reader.hpp"
#include "app/journal_verifier.hpp"
#include "tests/unit/journal_rows.hpp"

using namespace welkin;
using namespace welkin::testing;

namespace {

struct Journal {
  RowsStore store;
  JournalWriter writer{store};

  // Three payments whose rows are mixed; the second is refunded in two parts.
  Journal() {
    const StreamId a = writer.create("A1");
    const StreamId b = writer.create("B1");
    writer.start(a);
    writer.start(b);
    writer.pay(b);
    writer.pay(a);
    writer.refund(b, "R1", 200);
    writer.paid("C1");
    writer.refund(b, "R2", 1'034);
  }
};

std::string fault_of(const VerifyReport& report) {
  REQUIRE(report.fault);
  return std::to_string(report.fault->position) + " " + report.fault->what;
}

using Catch::Contains;
using Catch::StartsWith;

}  // namespace

TEST_CASE("a sound journal verifies, and every event and payment is counted") {
  const Journal journal;
  const VerifyReport report = verify_journal(journal.store);
  CHECK_FALSE(report.fault);
  CHECK_FALSE(report.error);
  CHECK(report.events == journal.store.rows.size());
  CHECK(report.streams == 3);
}

TEST_CASE("breakers' streams are verified like payments', chain, payload and transition") {
  Journal journal;
  JournalWriter& writer = journal.writer;
  const UnixUs until_us = JournalWriter::first_us + 60 * us_per_s;
  writer.add(BreakerOpened{"a", TripCause::failures, {20, 12, 3}, 1, until_us});
  writer.add(BreakerDisabled{"b", "operator", "drill"});
  writer.paid("D1");
  writer.add(BreakerHalfOpened{"a", 5});
  const std::uint64_t last = journal.store.rows.size();
  SECTION("sound") {
    const VerifyReport report = verify_journal(journal.store);
    CHECK_FALSE(report.fault);
    CHECK(report.events == last);
    CHECK(report.streams == 6);
    CHECK(report.breakers == 2);
  }
  SECTION("sound, although its stream left memory meanwhile") {
    VerifyOptions options;
    options.streams_in_memory = 1;
    CHECK_FALSE(verify_journal(journal.store, options).fault);
  }
  SECTION("a row changed") {
    EventRow& row = journal.store.rows.back();
    row.payload.replace(row.payload.find('5'), 1, "6");
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               StartsWith(std::to_string(last) + " does not match its own hash"));
  }
  SECTION("a transition that is none") {
    writer.add(BreakerClosed{"a", {5, 0, 0}});
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               Contains("breaks the rules: breaker_closed may not follow in HALF_OPEN"));
  }
  SECTION("a payment's event in a breaker's stream") {
    EventRow& row = journal.store.rows.back();
    row.type = "payment_paid";
    JournalWriter::seal(row);
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               Contains("cannot be read: / is of an unknown type: payment_paid"));
  }
  SECTION("a breaker's event in a payment's stream") {
    EventRow& row = writer.add(writer.create("E1"), PaymentClosed{});
    row.type = "breaker_half_opened";
    JournalWriter::seal(row);
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               Contains("cannot be read: / is of an unknown type: breaker_half_opened"));
  }
  SECTION("the stream of another account") {
    EventRow& row = writer.add(BreakerDisabled{"c", "operator", "drill"});
    row.stream = breaker_id_of("d");
    JournalWriter::seal(row);
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               Contains("it stands in the stream of another account"));
  }
}

TEST_CASE("an empty journal verifies") {
  const RowsStore store;
  const VerifyReport report = verify_journal(store);
  CHECK_FALSE(report.fault);
  CHECK(report.events == 0);
}

TEST_CASE("a changed column is found in the row that holds it") {
  Journal journal;
  EventRow& row = journal.store.rows[4];
  SECTION("payload") { row.payload.replace(row.payload.find("1234"), 4, "9234"); }
  SECTION("time") { row.at_us += 1; }
  SECTION("type") { row.type = "payment_failed"; }
  SECTION("version") { row.version = 7; }
  SECTION("causation") { row.causation_id += "x"; }
  SECTION("correlation") { row.correlation_id.clear(); }
  SECTION("hash") { row.hash[31] ^= 1; }
  CHECK_THAT(fault_of(verify_journal(journal.store)), StartsWith("5 does not match its own hash"));
}

TEST_CASE("a row that was changed and hashed anew is found by the next row of its payment") {
  Journal journal;
  EventRow& row = journal.store.rows[2];  // A1 started; A1 paid is the sixth row
  row.causation_id = "forged";
  JournalWriter::seal(row);
  CHECK_THAT(fault_of(verify_journal(journal.store)),
             StartsWith("6 does not hold the hash of the event before it"));
}

TEST_CASE("a row taken out is found, in the middle, at the end and with the positions closed up") {
  Journal journal;
  SECTION("in the middle") {
    journal.store.rows.erase(journal.store.rows.begin() + 3);
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               StartsWith("4 is missing: the next row is position 5"));
  }
  SECTION("with the positions closed up") {
    journal.store.rows.erase(journal.store.rows.begin() + 3);
    for (std::size_t i = 0; i < journal.store.rows.size(); ++i)
      journal.store.rows[i].position = i + 1;
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               StartsWith("4 has sequence number 3 where 2 is next"));
  }
  SECTION("at the end, behind what the views were made from") {
    journal.store.views_up_to = journal.store.rows.size();
    journal.store.rows.pop_back();
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               StartsWith("13 is missing: the journal ends at position 12, but its views"));
  }
}

TEST_CASE("a row that breaks the rules is found although its hashes hold") {
  Journal journal;
  JournalWriter& writer = journal.writer;
  SECTION("a transition that is none") {
    const StreamId stream = writer.create("D1");
    writer.pay(stream);
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               Contains("breaks the rules: payment_paid may not follow in CREATED"));
  }
  SECTION("a payment that does not begin with its creation") {
    writer.pay(payment_id_of("m_1", "E1"));
    CHECK_THAT(fault_of(verify_journal(journal.store)), Contains("may not follow in NONE"));
  }
  SECTION("a payload with a field too many") {
    const StreamId stream = writer.create("F1");
    EventRow& row = journal.store.rows.back();
    row.payload.insert(1, "\"tip\":1,");
    JournalWriter::seal(row);
    writer.start(stream);
    const std::uint64_t position = row.position;
    CHECK_THAT(fault_of(verify_journal(journal.store)),
               StartsWith(std::to_string(position) + " has a payload that cannot be read: /tip"));
  }
}

TEST_CASE("what the store itself finds corrupt is a fault; a store that is away is not") {
  Journal journal;
  VerifyOptions options;
  options.batch_rows = 4;
  journal.store.read_fails = StoreError{StoreErrorKind::corrupt, "page 7"};
  CHECK(fault_of(verify_journal(journal.store, options)) == "5 cannot be read: page 7");
  journal.store.read_fails = StoreError{StoreErrorKind::unavailable, "gone"};
  const VerifyReport report = verify_journal(journal.store, options);
  CHECK_FALSE(report.fault);
  REQUIRE(report.error);
  CHECK(report.error->detail == "gone");
}

TEST_CASE("of several bad rows the first one is named") {
  Journal journal;
  for (const std::size_t index : {9u, 3u, 7u}) journal.store.rows[index].at_us += 1;
  CHECK_THAT(fault_of(verify_journal(journal.store)), StartsWith("4 "));
}

TEST_CASE("a journal with far more payments than fit in memory verifies all the same") {
  RowsStore store;
  JournalWriter writer(store);
  std::vector<StreamId> streams;
  streams.reserve(60);
  for (int i = 0; i < 60; ++i) streams.push_back(writer.create("N" + std::to_string(i)));
  for (const StreamId& stream : streams) writer.start(stream);
  for (const StreamId& stream : streams) writer.pay(stream);
  for (const StreamId& stream : streams) writer.refund(stream, "R1", 100);
  VerifyOptions options;
  options.streams_in_memory = 8;
  options.batch_rows = 7;
  SECTION("sound") {
    const VerifyReport report = verify_journal(store, options);
    CHECK_FALSE(report.fault);
    CHECK(report.events == store.rows.size());
    CHECK(report.streams == streams.size());
  }
  SECTION("a second first event of a payment that has left memory") {
    EventRow again = store.rows.front();
    again.position = store.rows.size() + 1;
    store.rows.push_back(again);
    CHECK_THAT(
        fault_of(verify_journal(store, options)),
        StartsWith(std::to_string(again.position) + " has sequence number 1 where 6 is next"));
  }
  SECTION("a damaged late row") {
    store.rows[250].payload += " ";
    CHECK_THAT(fault_of(verify_journal(store, options)),
               StartsWith("251 does not match its own hash"));
  }
}

TEST_CASE("the quick reader reads what the writer writes, and all kinds of it") {
  const Journal journal;
  std::size_t read = 0;
  for (const EventRow& row : journal.store.rows) {
    const auto event =
        read_canonical_event(*parse_payment_event_kind(row.type), row.version, row.payload);
    REQUIRE(event);
    std::string again;
    write_event(*event, again);
    CHECK(again == row.payload);
    ++read;
  }
  CHECK(read == journal.store.rows.size());
  // The kinds that the journal above does not hold, with their defaults.
  for (std::size_t kind = 1; kind < payment_event_kind_count; ++kind) {
    const auto of_kind = static_cast<PaymentEventKind>(kind);
    for (const PaymentEvent& event :
         {PaymentEvent{PaymentChannelAccepted{}}, PaymentEvent{PaymentUnsettled{}},
          PaymentEvent{PaymentCloseRequested{}}, PaymentEvent{PaymentSurplusRecorded{}}}) {
      if (kind_of(event) != of_kind) continue;
      std::string text;
      write_event(event, text);
      CHECK(read_canonical_event(of_kind, version_of(event), text));
    }
  }
}

TEST_CASE("the quick reader never accepts what the strict parser reads otherwise") {
  const Journal journal;
  const auto seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  constexpr std::string_view bytes = "{}[]\",:0123456789-+.eE\\u \x7f\xc3\xa9_antrufls";
  std::size_t accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    const EventRow& row = journal.store.rows[random() % journal.store.rows.size()];
    std::string text = row.payload;
    const std::size_t at = random() % text.size();
    switch (random() % 3) {
      case 0:
        text[at] = bytes[random() % bytes.size()];
        break;
      case 1:
        text.insert(at, 1, bytes[random() % bytes.size()]);
        break;
      default:
        text.erase(at, 1 + random() % 3);
    }
    const auto quick = read_canonical_event(*parse_payment_event_kind(row.type), row.version, text);
    if (!quick) continue;
    ++accepted;
    const auto strict = parse_event(row.type, row.version, text);
    CAPTURE(text);
    REQUIRE(std::holds_alternative<PaymentEvent>(strict));
    std::string quick_text;
    std::string strict_text;
    write_event(*quick, quick_text);
    write_event(std::get<PaymentEvent>(strict), strict_text);
    REQUIRE(quick_text == strict_text);
    REQUIRE(quick_text == text);
  }
  CHECK(accepted > 0);
}
