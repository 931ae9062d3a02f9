// Stripe against what its own library signs and sends, and against variants that must be refused.
#include <catch2/catch.hpp>

#include "protocol/channels/stripe/bill.hpp"
#include "tests/support/stripe_fixture.hpp"

using namespace welkin;
using Op = ChannelOperation;

namespace {

const nlohmann::json& vectors() {
  static const nlohmann::json file = vector_json("stripe.json");
  return file.at("vectors");
}

// The library's request by that name.
const nlohmann::json& wire(const std::string& name) {
  for (const auto& vector : vectors())
    if (vector["name"] == "wire_" + name) return vector["out"];
  FAIL("no vector " << name);
  return vectors();
}

WireRequest encoded(ChannelCall call, UnixUs now_us = vectors_now_us) {
  if (call.channel_reference.empty()) call.channel_reference = "pi_TESTONLY0001";
  if (call.channel_reference == "none") call.channel_reference.clear();
  auto made = stripe::encode_call(stripe_account(), call, {now_us, ""});
  REQUIRE(std::holds_alternative<WireRequest>(made));
  return std::get<WireRequest>(std::move(made));
}

// As the library sent it, but for our own numbers.
void check_same(const WireRequest& ours, const nlohmann::json& theirs,
                const std::string& number = "T202601010800000003",
                const std::string& refund_no = "R202601010800000003") {
  const ChannelCall call = example_call(Op::refund);
  const auto renumbered = [&](std::string text) {
    for (const auto& [from, to] :
         {std::pair(call.channel_order_no, number), std::pair(call.channel_refund_no, refund_no)})
      for (std::size_t at; (at = text.find(from)) != std::string::npos;)
        text.replace(at, from.size(), to);
    return text;
  };
  CHECK(ours.method == theirs["method"]);
  CHECK(renumbered(ours.target) == theirs["path"].get<std::string>());
  CHECK(renumbered(ours.body) == theirs["body"].get<std::string>());
  for (const auto& header : theirs["headers"].items())
    CHECK(renumbered(std::string(only_header(ours.headers, header.key()))) ==
          header.value().get<std::string>());
  CHECK((ours.method == "POST") != only_header(ours.headers, "idempotency-key").empty());
}

}  // namespace

TEST_CASE("Stripe: webhooks its library signs are believed, and those it refuses are refused") {
  std::size_t judged = 0;
  for (const auto& vector : vectors()) {
    if (vector["kind"] != "callback") continue;
    ++judged;
    const std::string name = vector["name"];
    CAPTURE(name);
    const auto& in = vector["in"];
    const UnixUs now_us = in["received_at"].get<std::int64_t>() * us_per_s;
    const auto problem = stripe::check_webhook({in["secret"].get<std::string>()},
                                               in["headers"]["Stripe-Signature"].get<std::string>(),
                                               in["body"].get<std::string>(), now_us);
    // The library lets the future pass; we do not.
    const bool valid = vector["out"]["valid"].get<bool>() && name != "future_timestamp_sdk_accepts";
    CHECK(problem.has_value() == !valid);
    if (!problem) continue;
    const bool stale = name == "neg_past_tolerance" || name == "future_timestamp_sdk_accepts";
    CHECK(problem->code == (stale ? ProblemCode::stale_timestamp : ProblemCode::bad_signature));
  }
  CHECK(judged == 15);
}

TEST_CASE("Stripe: we sign a webhook as its library does") {
  const auto& vector = vectors().front();
  CHECK(vector["name"] == "pi_succeeded");
  CHECK(stripe::sign_webhook(stripe_secret, vector["in"]["body"].get<std::string>(),
                             vectors_now_us) ==
        vector["in"]["headers"]["Stripe-Signature"].get<std::string>());
}

TEST_CASE("Stripe: while a secret is rolled, either one signs") {
  const std::string body = "{}";
  const std::string signature = stripe::sign_webhook(stripe_old_secret, body, vectors_now_us);
  CHECK(stripe::check_webhook({stripe_secret}, signature, body, vectors_now_us));
  CHECK_FALSE(
      stripe::check_webhook({stripe_secret, stripe_old_secret}, signature, body, vectors_now_us));
  CHECK(stripe::check_webhook({}, signature, body, vectors_now_us));
}

TEST_CASE("Stripe: a signature header that could be read in two ways is refused") {
  const std::string good = stripe::sign_webhook(stripe_secret, "{}", vectors_now_us);
  const auto judge = [](const std::string& header) {
    return stripe::check_webhook({stripe_secret}, header, "{}", vectors_now_us).has_value();
  };
  CHECK_FALSE(judge(good));
  CHECK_FALSE(judge(good + ",v0=ab"));
  CHECK(judge(good + ",t=1767225600"));
  CHECK(judge(good + ",x"));
  CHECK(judge("t=," + good.substr(13)));
  CHECK(judge(""));
  CHECK(judge(replaced(good, "t=17", "t=+17")));
  std::string upper = good;
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'f' ? c - 32 : c);
  CHECK(judge(upper));
}

TEST_CASE("Stripe: each request is the one its library sends, byte for byte") {
  ChannelCall call = example_call(Op::create, "USD");
  call.channel_reference = "none";
  call.amount_minor = 1'099;
  call.manual_capture = true;
  call.subject.clear();
  call.method = "card";
  check_same(encoded(call), wire("create_manual_capture"));

  call = example_call(Op::capture, "USD");
  call.amount_minor = 900;
  check_same(encoded(call), wire("capture"));
  check_same(encoded(example_call(Op::close, "USD")), wire("cancel"));
  check_same(encoded(example_call(Op::void_, "USD")), wire("cancel"));
  check_same(encoded(example_query(Op::refund, "USD")), wire("refund_list"));

  call = example_query(Op::create, "USD");
  call.channel_reference = "none";
  check_same(encoded(call, vectors_now_us + 181 * us_per_s), wire("search_by_order"));

  call = example_call(Op::create, "USD");
  call.channel_reference = "pi_TESTONLY0001";
  call.payer_instrument = "pm_card_visa";
  check_same(stripe::encode_confirm(stripe_account(), call, {vectors_now_us, ""}), wire("confirm"));
  check_same(stripe::encode_report_run(stripe_account(), 1'767'225'600, 1'767'312'000,
                                       "report:2026-01-01"),
             wire("report_run"));
}

TEST_CASE("Stripe: fields are encoded as its library encodes them") {
  using stripe::encode_fields;
  CHECK(encode_fields({{"amount", "1099"},
                       {"currency", "usd"},
                       {"metadata[order_no]", "T202601010800000003"},
                       {"automatic_payment_methods[enabled]", "true"},
                       {"description", "café & co"}}) == wire("create")["body"].get<std::string>());
  CHECK(encode_fields({{"payment_intent", "pi_TESTONLY0001"},
                       {"amount", "500"},
                       {"reason", "requested_by_customer"},
                       {"metadata[refund_no]", "R202601010800000003"}}) ==
        wire("refund")["body"].get<std::string>());
  CHECK("/v1/balance_transactions?" + encode_fields({{"created[gte]", "1767225600"},
                                                     {"created[lt]", "1767312000"},
                                                     {"limit", "100"}}) ==
        wire("balance_transactions")["path"].get<std::string>());
  CHECK("/v1/payment_intents/pi_TESTONLY0001?" +
            encode_fields({{"expand[0]", "latest_charge.balance_transaction"}}) ==
        wire("retrieve")["path"].get<std::string>());
}

TEST_CASE("Stripe: the balance report is read to the last cent, and half a file is none") {
  const std::string csv = vector_file("bills/stripe_balance_change_itemized_2026-01-01.csv");
  const auto parsed = stripe::parse_balance_report(csv);
  REQUIRE(std::holds_alternative<std::vector<stripe::BalanceRow>>(parsed));
  const auto& rows = std::get<std::vector<stripe::BalanceRow>>(parsed);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].balance_transaction_id == "txn_TESTONLY0001");
  CHECK(rows[0].at_us == vectors_now_us + 30 * us_per_s);
  CHECK(rows[0].currency.code() == "USD");
  CHECK(rows[0].gross_minor == 1'099);
  CHECK(rows[0].fee_minor == 62);
  CHECK(rows[0].net_minor == 1'037);
  CHECK(rows[0].payment_intent_id == "pi_TESTONLY0001");
  CHECK(rows[1].gross_minor == -500);
  CHECK(rows[1].reporting_category == "refund");
  CHECK(rows[1].source_id == "re_TESTONLY0001");

  const auto fault = [](const std::string& text) {
    const auto bad = stripe::parse_balance_report(text);
    return std::holds_alternative<Problem>(bad) ? std::get<Problem>(bad).field : "none";
  };
  CHECK(fault(csv.substr(0, csv.size() - 3)) == "line 0");
  CHECK(fault("") == "line 1");
  CHECK(fault(replaced(csv, "\"fee\"", "\"fees\"")) == "line 1");
  CHECK(fault(replaced(csv, "10.37", "10.38")) == "line 2");
  CHECK(fault(replaced(csv, "-5.00\",\"refund\"", "-5.00\",\"a\",\"refund\"")) == "line 3");
  CHECK(fault(replaced(csv, "usd", "dollars")) == "line 2");
  const auto quoted =
      stripe::parse_balance_report(replaced(csv, "ch_TESTONLY0001", "a \"\"quoted\"\", and\nlong"));
  CHECK(std::get<std::vector<stripe::BalanceRow>>(quoted)[0].source_id ==
        "a \"quoted\", and\nlong");
}

TEST_CASE("Stripe: a report's amount has the decimals of its currency, or two that are nought") {
  const auto gross_of = [](const std::string& currency, const std::string& gross) {
    const auto parsed = stripe::parse_balance_report(
        "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id,"
        "payment_intent_id\ntxn_1,2026-01-01 00:00:30," +
        currency + "," + gross + ",0," + gross + ",charge,ch_1,pi_1\n");
    const auto* rows = std::get_if<std::vector<stripe::BalanceRow>>(&parsed);
    return rows ? rows->front().gross_minor : -1;
  };
  CHECK(gross_of("jpy", "500") == 500);
  CHECK(gross_of("ugx", "1500.00") == 1'500);
  CHECK(gross_of("ugx", "1500.50") == -1);
  CHECK(gross_of("ugx", ".00") == -1);
  CHECK(gross_of("kwd", "1.230") == 1'230);
  CHECK(gross_of("usd", "1.230") == -1);
}
