#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/exit_codes.hpp"
#include "app/journal_commands.hpp"
#include "app/journal_timeline.hpp"
#include "app/text_table.hpp"
#include "tests/unit/journal_rows.hpp"

using namespace welkin;
using namespace welkin::testing;
using Catch::Contains;
using Catch::StartsWith;

namespace {

struct Journal {
  RowsStore store;
  JournalWriter writer{store};
  StreamId payment = writer.paid("A1");
  std::ostringstream out;
  std::ostringstream err;

  Journal() { writer.refund(payment, "R1", 200); }
  Output text() { return {out, err, false}; }
  Output json() { return {out, err, true}; }
  nlohmann::json parsed() const { return nlohmann::json::parse(out.str()); }
};

Card card_of(const std::string& order_no, const std::string& state, bool open,
             UnixUs created_at_us) {
  Card card;
  card.stream = payment_id_of("m_1", order_no);
  card.merchant_id = "m_1";
  card.merchant_order_no = order_no;
  card.state = state;
  card.currency = "CNY";
  card.amount_minor = 1'234;
  card.created_at_us = created_at_us;
  card.open = open;
  return card;
}

}  // namespace

TEST_CASE("show prints a row an event with time, gap, state after, cause and amounts") {
  Journal journal;
  CHECK(journal_show(journal.store, {journal.payment.text(), {}}, journal.text()) == exit_fine);
  const std::string text = journal.out.str();
  CHECK_THAT(text, StartsWith(journal.payment.text() + "  m_1/A1  PARTIALLY_REFUNDED  12.34 CNY, "
                                                       "captured 12.34 CNY, refunded 2.00 CNY\n"));
  CHECK_THAT(text, Contains("2023-11-14 22:13:20.003100"));
  CHECK_THAT(text, Contains("+3.1ms    3  payment_paid"));
  CHECK_THAT(text,
             Contains("PAID                request:3  12.34 CNY, by callback, reference ch_1"));
  CHECK_THAT(text, Contains("2.00 CNY, refund R1"));
}

TEST_CASE("show finds a payment by merchant and order number") {
  Journal journal;
  CHECK(journal_show(journal.store, {"m_1/A1", {}}, journal.json()) == exit_fine);
  const auto json = journal.parsed();
  CHECK(json["stream"] == journal.payment.text());
  CHECK(json["sound"] == true);
  REQUIRE(json["events"].size() == 5);
  CHECK(json["events"][2]["state_after"] == "PAID");
  CHECK(json["events"][2]["gap_us"] == 3'100);
  CHECK(json["events"][2]["payload"]["captured_minor"] == 1'234);
}

TEST_CASE("show --at gives the state as it was") {
  Journal journal;
  CHECK(journal_show(journal.store, {"m_1/A1", 2}, journal.json()) == exit_fine);
  CHECK(journal.parsed()["payment"]["state"] == "PAYING");
  journal.out.str({});
  CHECK(journal_show(journal.store, {"m_1/A1", 3}, journal.text()) == exit_fine);
  CHECK_THAT(journal.out.str(), Contains("captured_minor               12.34 CNY"));
  CHECK(journal_show(journal.store, {"m_1/A1", 6}, journal.text()) == exit_found_wrong);
  CHECK_THAT(journal.err.str(), Contains("has no event 6; its last one is 5"));
}

TEST_CASE("show marks a damaged row, gives no state from it on, and exits with 1") {
  Journal journal;
  journal.store.rows[2].at_us += 1;
  CHECK(journal_show(journal.store, {"m_1/A1", {}}, journal.text()) == exit_found_wrong);
  CHECK_THAT(journal.out.str(), Contains("BAD: the row does not match its own hash"));
  CHECK(journal_show(journal.store, {"m_1/A1", 4}, journal.text()) == exit_found_wrong);
  CHECK_THAT(journal.err.str(), Contains("is not known"));
}

TEST_CASE("show tells a wrong name from a payment that is not there") {
  Journal journal;
  CHECK(journal_show(journal.store, {"nonsense", {}}, journal.text()) == exit_usage);
  CHECK(journal_show(journal.store, {"m_1/none", {}}, journal.text()) == exit_found_wrong);
}

TEST_CASE("show tells a breaker's story by its account: states, reasons and who") {
  Journal journal;
  const UnixUs open_until_us = JournalWriter::first_us + 20 * us_per_s;
  journal.writer.add(
      BreakerOpened{"wechat_main", TripCause::failures, {20, 12, 3}, 1, open_until_us});
  journal.writer.add(BreakerForcedOpen{"wechat_main", "operator", "they said so"});
  CHECK(journal_show(journal.store, {"breaker:wechat_main", {}}, journal.text()) == exit_fine);
  CHECK_THAT(journal.out.str(),
             StartsWith(breaker_id_of("wechat_main").text() +
                        "  breaker of wechat_main  FORCED_OPEN  since 2023-11-14 22:13:20 by "
                        "operator: they said so\n"));
  CHECK_THAT(journal.out.str(),
             Contains("wechat_main, 12 of 20 calls failed, trip 1, until 22:13:40"));
  CHECK_THAT(journal.out.str(), Contains("wechat_main, by operator, because: they said so"));
  journal.out.str({});
  const std::string id = breaker_id_of("wechat_main").text();
  CHECK(journal_show(journal.store, {id, {}}, journal.json()) == exit_fine);
  CHECK(journal.parsed()["account"] == "wechat_main");
  CHECK(journal.parsed()["state"] == "FORCED_OPEN");
  CHECK(journal.parsed()["events"][0]["state_after"] == "OPEN");
  journal.out.str({});
  CHECK(journal_show(journal.store, {id, 1}, journal.json()) == exit_fine);
  CHECK(journal.parsed()["breaker"]["state"] == "OPEN");
  CHECK(journal.parsed()["breaker"]["open_until_us"] == open_until_us);
  CHECK(journal_show(journal.store, {"breaker:other", {}}, journal.text()) == exit_found_wrong);
  CHECK(journal_show(journal.store, {"breaker:", {}}, journal.text()) == exit_usage);
}

TEST_CASE("tail keeps to one breaker, and to the types of breakers") {
  Journal journal;
  journal.writer.add(BreakerDisabled{"a", "operator", "drill"});
  journal.writer.add(BreakerDisabled{"b", "operator", "drill"});
  journal.writer.add(BreakerReleased{"a", "operator", "over"});
  JournalTailOptions options;
  options.stream = "breaker:a";
  const auto wait = [](std::int64_t) { return false; };
  CHECK(journal_tail(journal.store, options, journal.json(), wait) == exit_fine);
  const std::string text = journal.out.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  journal.out.str({});
  options = {};
  options.type = "breaker_released";
  CHECK(journal_tail(journal.store, options, journal.text(), wait) == exit_fine);
  CHECK_THAT(journal.out.str(), Contains("8  ") && Contains("breaker_released") &&
                                    Contains(breaker_id_of("a").text() + " #2"));
}

TEST_CASE("a timeline shows what the payer opens, and keeps what a browser pays with to itself") {
  const auto shown = [](const char* type) {
    PaymentChannelAccepted accepted;
    accepted.next_action = {type, "the-value"};
    return details_of(accepted, *Currency::parse("CNY"));
  };
  for (const char* type : {"qr_code", "redirect"})
    CHECK_THAT(shown(type), Contains(std::string(type) + " the-value"));
  for (const char* type : {"client_secret", "client_parameters", "form"}) {
    CHECK_THAT(shown(type), Contains(type));
    CHECK_THAT(shown(type), !Contains("the-value"));
  }
  PaymentCreated created;
  created.amount_minor = 1;
  created.currency = *Currency::parse("CNY");
  created.method = "card";
  created.payer.instrument = "pm_secret";
  const std::string details = details_of(created, created.currency);
  CHECK_THAT(details, Contains("by card"));
  CHECK_THAT(details, !Contains("pm_secret"));
}

TEST_CASE("what a stranger wrote cannot steer the terminal") {
  Journal journal;
  EventRow& row = journal.store.rows[0];
  row.causation_id = "\x1b[2J\xc2\x9b";
  JournalWriter::seal(row);
  journal_show(journal.store, {"m_1/A1", {}}, journal.text());
  JournalTailOptions tail;
  journal_tail(journal.store, tail, journal.text(), [](std::int64_t) { return true; });
  CHECK(journal.out.str().find('\x1b') == std::string::npos);
  CHECK(journal.out.str().find("\xc2\x9b") == std::string::npos);
  CHECK_THAT(journal.out.str(), Contains("?[2J?"));
}

TEST_CASE("list shows the newest first, filters, and says how far behind it is") {
  Journal journal;
  journal.store.cards = {card_of("A1", "PAID", false, 1), card_of("A2", "PAYING", true, 3),
                         card_of("A3", "PAYING", true, 2), card_of("A4", "CLOSED", false, 4)};
  journal.store.views_up_to = 3;
  CHECK(journal_list(journal.store, {}, journal.text()) == exit_fine);
  CHECK(journal.out.str().find("A4") < journal.out.str().find("A2"));
  CHECK_THAT(journal.out.str(),
             Contains("up to position 3; the journal has 2 newer one(s), up to 5."));
  journal.out.str({});
  JournalListOptions open;
  open.open_only = true;
  open.limit = 1;
  CHECK(journal_list(journal.store, open, journal.json()) == exit_fine);
  REQUIRE(journal.parsed()["payments"].size() == 1);
  CHECK(journal.parsed()["payments"][0]["merchant_order_no"] == "A2");
  CHECK(journal.parsed()["view_position"] == 3);
}

TEST_CASE("tail begins with the last rows that match and follows what comes") {
  Journal journal;
  JournalTailOptions options;
  options.rows = 1;
  options.type = "payment_paid";
  options.follow = true;
  int waits = 0;
  const auto wait = [&](std::int64_t) {
    if (++waits == 1) journal.writer.paid("B1");
    return waits == 3;
  };
  CHECK(journal_tail(journal.store, options, journal.json(), wait) == exit_fine);
  std::istringstream lines(journal.out.str());
  std::vector<nlohmann::json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  REQUIRE(rows.size() == 2);
  CHECK(rows[0]["position"] == 3);
  CHECK(rows[1]["position"] == 8);
}

TEST_CASE("tail --from begins at the position and --stream keeps to one payment") {
  Journal journal;
  journal.writer.paid("B1");
  JournalTailOptions options;
  options.from_position = 5;
  options.stream = "m_1/B1";
  CHECK(journal_tail(journal.store, options, journal.json(), [](std::int64_t) { return false; }) ==
        exit_fine);
  const std::string text = journal.out.str();
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  options.stream = "x";
  CHECK(journal_tail(journal.store, options, journal.json(), [](std::int64_t) { return false; }) ==
        exit_usage);
}

TEST_CASE("an exported row holds every column without loss") {
  Journal journal;
  EventRow& row = journal.store.rows[1];
  row.correlation_id = "bad \xff utf-8";
  CHECK(journal_export(journal.store, {2, 3}, journal.text()) == exit_fine);
  std::istringstream lines(journal.out.str());
  std::string line;
  std::getline(lines, line);
  const auto json = nlohmann::json::parse(line);
  CHECK(json["position"] == 2);
  CHECK(json["stream"] == row.stream.text());
  CHECK(json["payload"] == row.payload);
  CHECK(json["correlation_id_hex"] == "62616420ff207574662d38");
  CHECK(json["prev_hash"] == hex(row.prev_hash));
  CHECK(json["hash"] == hex(row.hash));
  CHECK(json["at_us"] == row.at_us);
  std::getline(lines, line);
  CHECK(nlohmann::json::parse(line)["position"] == 3);
  CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("verify exits with 1 and names the row, in JSON too") {
  Journal journal;
  CHECK(journal_verify(journal.store, journal.text()) == exit_fine);
  CHECK_THAT(journal.out.str(), StartsWith("Good: 5 events of 1 payments"));
  journal.writer.add(BreakerDisabled{"a", "operator", "drill"});
  journal.out.str({});
  CHECK(journal_verify(journal.store, journal.text()) == exit_fine);
  CHECK_THAT(journal.out.str(), StartsWith("Good: 6 events of 1 payments and 1 breakers;"));
  journal.store.rows[3].payload += " ";
  journal.out.str({});
  CHECK(journal_verify(journal.store, journal.json()) == exit_found_wrong);
  CHECK(journal.parsed()["ok"] == false);
  CHECK(journal.parsed()["fault"]["position"] == 4);
  CHECK(journal.parsed()["fault"]["stream"] == journal.payment.text());
}

TEST_CASE("stats tell how much there is") {
  Journal journal;
  CHECK(journal_stats(journal.store, journal.json()) == exit_fine);
  CHECK(journal.parsed()["events"] == 5);
  CHECK(journal.parsed()["first_event_at"] == "2023-11-14T22:13:20.003100Z");
}

TEST_CASE("gaps are short whatever their size") {
  CHECK(format_gap(850) == "+850us");
  CHECK(format_gap(3'140) == "+3.1ms");
  CHECK(format_gap(12'400'000) == "+12.4s");
  CHECK(format_gap(185 * us_per_s) == "+3m05s");
  CHECK(format_gap(7'380 * us_per_s) == "+2h03m");
  CHECK(format_gap(100'800 * us_per_s) == "+1d04h");
  CHECK(format_gap(-5'000) == "-5.0ms");
}

TEST_CASE("the rows in docs/journal.md are what the product writes and hashes") {
  std::ifstream document(WELKIN_SOURCE_DIR "/docs/journal.md");
  RowsStore store;
  JournalWriter writer(store);
  writer.start(writer.create("A1"));
  std::size_t found = 0;
  for (std::string line; std::getline(document, line);) {
    if (line.rfind("{\"position\":", 0) != 0) continue;
    REQUIRE(found < store.rows.size());
    CHECK(line == export_line(store.rows[found++]));
  }
  CHECK(found == 2);
}
