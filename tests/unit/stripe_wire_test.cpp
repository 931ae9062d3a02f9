// What Stripe is asked, and what its answers and events are made of: each word once, and whatever
// is not certain is unknown.
#include <catch2/catch.hpp>
#include <functional>

#include "protocol/channels/stripe/amount.hpp"
#include "protocol/channels/stripe/meanings.hpp"
#include "tests/support/stripe_fixture.hpp"

using namespace welkin;
using namespace welkin::stripe;
using Op = ChannelOperation;
using V = ChannelVerdict;
using nlohmann::json;

namespace {

ChannelCall call_of(Op operation, bool query = false) {
  ChannelCall call = example_call(operation, "USD");
  call.query = query;
  if (operation != Op::create) call.channel_reference = "pi_1";
  return call;
}

WireRequest encoded(const ChannelCall& call, UnixUs now_us = vectors_now_us,
                    const std::string& nonce = "n") {
  auto made = encode_call(stripe_account(), call, {now_us, nonce});
  REQUIRE(std::holds_alternative<WireRequest>(made));
  return std::get<WireRequest>(std::move(made));
}

ChannelReport answered(const ChannelCall& call, int status, const std::string& body) {
  return parse_answer(stripe_account(), call, {status, {}, body});
}

CallbackVerdict heard(const std::string& type, const json& object) {
  return parse_callback(stripe_account(), stripe_callback(stripe_event(type, object)),
                        vectors_now_us);
}

std::string code_of(const CallbackVerdict& verdict) {
  if (const auto* refused = std::get_if<CallbackRefused>(&verdict))
    return std::string(spec_of(refused->problem.code).name);
  if (const auto* ignored = std::get_if<CallbackIgnored>(&verdict))
    return std::string(name_of(ignored->reason));
  return "report";
}

std::string wrong_field(void (*bend)(AccountConfig&)) {
  AccountConfig config = stripe_config();
  bend(config);
  const auto made = make_account(config);
  const auto* faults = std::get_if<AccountFaults>(&made);
  return faults != nullptr ? faults->front().field : "none";
}

}  // namespace

TEST_CASE("Stripe: an account that cannot work names the field") {
  CHECK(wrong_field([](AccountConfig&) {}) == "none");
  CHECK(wrong_field([](AccountConfig& c) { c.base_url = "api.stripe.com"; }) == "base_url");
  CHECK(wrong_field([](AccountConfig& c) { c.secret_key = "pk_test_TESTONLY"; }) == "secret_key");
  CHECK(wrong_field([](AccountConfig& c) { c.secret_key += "\r\nx: y"; }) == "secret_key");
  CHECK(wrong_field([](AccountConfig& c) { c.webhook_secrets.clear(); }) == "webhook_secrets");
  CHECK(wrong_field([](AccountConfig& c) { c.webhook_secrets.push_back("secret"); }) ==
        "webhook_secrets/1");
  CHECK(wrong_field([](AccountConfig& c) { c.api_version = ""; }) == "api_version");
  AccountConfig live = stripe_config();
  live.secret_key = "sk_live_0123456789";
  CHECK(std::get<Account>(make_account(live)).live);
  CHECK_FALSE(stripe_account().live);
}

TEST_CASE("Stripe: an amount is said in its units, whatever ISO's minor unit is") {
  struct Row {
    const char* currency;
    std::int64_t ours;
    std::int64_t theirs;  // -1: cannot be said
  };
  const Row rows[] = {{"USD", 1'099, 1'099}, {"JPY", 500, 500}, {"KWD", 1'230, 1'230},
                      {"KWD", 1'234, -1},    {"ISK", 5, 500},   {"UGX", 1'000, 100'000},
                      {"MGA", 500, 5},       {"MGA", 550, -1},  {"CNY", 101, 101},
                      {"IQD", 1'230, 123},   {"IQD", 1'234, -1}};
  for (const Row& row : rows) {
    CAPTURE(row.currency, row.ours);
    const Currency currency = *Currency::parse(row.currency);
    const auto theirs = to_stripe_units(row.ours, currency);
    CHECK(theirs.value_or(-1) == row.theirs);
    if (theirs) CHECK(from_stripe_units(*theirs, currency) == row.ours);
  }
  CHECK_FALSE(from_stripe_units(550, *Currency::parse("ISK")));
  ChannelCall call = call_of(Op::create);
  call.currency = *Currency::parse("KWD");
  const auto made = encode_call(stripe_account(), call, vectors_context());
  REQUIRE(std::holds_alternative<Problem>(made));
  CHECK(std::get<Problem>(made).field == "/amount");
}

TEST_CASE("Stripe: an order has one key while it is young, and a refund for ever") {
  const auto key = [](const ChannelCall& call, const std::string& nonce) {
    return std::string(
        only_header(encoded(call, vectors_now_us, nonce).headers, "idempotency-key"));
  };
  const ChannelCall create = call_of(Op::create);
  CHECK(key(create, "a") == create.channel_order_no + ":create");
  CHECK(key(create, "b") == key(create, "a"));
  CHECK(encoded(create, vectors_now_us + 1, "b").body == encoded(create).body);
  // A fault of Stripe's is kept too: what a search does not find, and charges nobody, has another.
  const auto late_key = [](const ChannelCall& call) {
    const UnixUs late_us = vectors_now_us + repeat_window_us + 1;
    return std::string(only_header(encoded(call, late_us).headers, "idempotency-key"));
  };
  ChannelCall charging = create;
  charging.payer_instrument = "pm_1";
  CHECK(late_key(create) == create.channel_order_no + ":create:again");
  CHECK(late_key(charging) == create.channel_order_no + ":create");
  const ChannelCall refund = call_of(Op::refund);
  CHECK(key(refund, "a") == refund.channel_refund_no);
  CHECK(key(refund, "b") == refund.channel_refund_no);
  // These cannot happen twice, and a refusal must not be replayed for a day.
  for (const Op operation : {Op::capture, Op::close, Op::void_})
    CHECK(key(call_of(operation), "a") != key(call_of(operation), "b"));
}

TEST_CASE("Stripe: an instrument the merchant knows is confirmed with the order") {
  ChannelCall call = call_of(Op::create);
  CHECK(encoded(call).body.find("confirm") == std::string::npos);
  CHECK(encoded(call).body.find("return_url") == std::string::npos);
  call.payer_instrument = "pm_1";
  CHECK(encoded(call).body.find("&confirm=true&payment_method=pm_1&return_url=https%3A%2F%2F") !=
        std::string::npos);
  // Stripe confirms nothing that could send the payer away without a way back.
  const auto allows_none = [&call] {
    return encoded(call).body.find("[allow_redirects]=never") != std::string::npos;
  };
  CHECK_FALSE(allows_none());
  call.return_url.clear();
  CHECK(allows_none());
  call.method = "card";
  CHECK_FALSE(allows_none());
  call.method.clear();
  call.payer_instrument.clear();
  CHECK_FALSE(allows_none());
}

TEST_CASE(
    "Stripe: an unknown order is asked for by repeating it while it is young, then searched") {
  ChannelCall call = call_of(Op::create, true);
  CHECK(encoded(call).body == encoded(call_of(Op::create)).body);
  CHECK(encoded(call, vectors_now_us + repeat_window_us).method == "POST");
  const WireRequest search = encoded(call, vectors_now_us + repeat_window_us + 1);
  CHECK(search.method == "GET");
  CHECK(search.target.find("/v1/payment_intents/search?query=") == 0);
  call.channel_reference = "pi_1";
  CHECK(encoded(call).target == "/v1/payment_intents/pi_1");
}

TEST_CASE("Stripe: to ask about an order that is to end charges nobody for it") {
  const auto charges = [](const ChannelCall& call, UnixUs now_us) {
    const WireRequest request = encoded(call, now_us);
    REQUIRE(request.target == "/v1/payment_intents");
    CHECK(only_header(request.headers, "idempotency-key") == call.channel_order_no + ":create");
    CHECK(request.body.find("amount=101&") == 0);
    return request.body.find("confirm") != std::string::npos;
  };
  ChannelCall call = call_of(Op::create, true);
  call.payer_instrument = "pm_1";
  call.expires_at_us = vectors_now_us + us_per_s;
  CHECK(charges(call, vectors_now_us));
  CHECK_FALSE(charges(call, call.expires_at_us));
  call.operation = Op::close;
  CHECK_FALSE(charges(call, vectors_now_us));
  call.query = false;
  CHECK_FALSE(charges(*call_before(call), vectors_now_us));
  call.operation = Op::capture;
  call.amount_minor = 1;
  CHECK_FALSE(charges(*call_before(call), vectors_now_us));
}

TEST_CASE("Stripe: an intent that was found without its id is read again while it can change") {
  ChannelReport heard;
  heard.channel_reference = "pi_1";
  const auto is_read_again = [&heard](const ChannelCall& call, V verdict) {
    heard.verdict = verdict;
    const auto again = call_after(call, heard);
    if (again) CHECK(encoded(*again).target == "/v1/payment_intents/pi_1");
    return again.has_value();
  };
  for (const Op operation : {Op::create, Op::close}) {
    ChannelCall call = call_of(operation, true);
    call.channel_reference.clear();
    CHECK(is_read_again(call, V::accepted));
    CHECK(is_read_again(call, V::authorized));
    CHECK(is_read_again(call, V::try_failed));
    for (const V verdict : {V::paid, V::closed, V::not_found, V::refused, V::unknown})
      CHECK_FALSE(is_read_again(call, verdict));
    call.channel_reference = "pi_1";
    CHECK_FALSE(is_read_again(call, V::accepted));
  }
  CHECK_FALSE(is_read_again(call_of(Op::create), V::accepted));
  CHECK_FALSE(is_read_again(call_of(Op::refund, true), V::refund_pending));
}

TEST_CASE("Stripe: what needs the intent's id asks for it first") {
  for (const Op operation : {Op::capture, Op::close, Op::void_, Op::refund}) {
    CAPTURE(name_of(operation));
    ChannelCall call = call_of(operation);
    CHECK_FALSE(call_before(call));
    call.channel_reference.clear();
    const auto first = call_before(call);
    REQUIRE(first);
    CHECK(first->query);
    CHECK(first->operation == (operation == Op::refund ? Op::create : operation));
    CHECK(first->refund_id.empty());
    CHECK(encoded(*first).body == encoded(call_of(Op::create)).body);
    CHECK(std::holds_alternative<Problem>(encode_call(stripe_account(), call, vectors_context())));
  }
  CHECK_FALSE(call_before(call_of(Op::create)));
  ChannelCall refund_query = call_of(Op::refund, true);
  refund_query.channel_reference.clear();
  CHECK(call_before(refund_query));
  ChannelCall close_query = call_of(Op::close, true);
  close_query.channel_reference.clear();
  CHECK_FALSE(call_before(close_query));
}

TEST_CASE("Stripe: each state of an intent and of a refund means one thing") {
  struct Row {
    const char* state;
    V intent;
    V refund;
  };
  const Row rows[] = {
      {"requires_payment_method", V::accepted, V::unknown},
      {"requires_confirmation", V::accepted, V::unknown},
      {"requires_action", V::accepted, V::refund_needs_action},
      {"processing", V::accepted, V::unknown},
      {"requires_capture", V::authorized, V::unknown},
      {"succeeded", V::paid, V::refunded},
      {"canceled", V::closed, V::refund_refused},
      {"pending", V::unknown, V::refund_pending},
      {"failed", V::unknown, V::refund_refused},
      {"something_new", V::unknown, V::unknown},
      {"", V::unknown, V::unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(row.state);
    const std::string intent = stripe_intent(row.state).dump();
    CHECK(answered(call_of(Op::create, true), 200, intent).verdict == row.intent);
    CHECK(answered(call_of(Op::create), 200, intent).verdict == row.intent);
    CHECK(answered(call_of(Op::close), 200, intent).verdict == row.intent);
    const json refund = stripe_refund(row.state);
    CHECK(answered(call_of(Op::refund), 200, refund.dump()).verdict == row.refund);
    const json list{{"object", "list"}, {"has_more", false}, {"data", {refund}}};
    CHECK(answered(call_of(Op::refund, true), 200, list.dump()).verdict == row.refund);
  }
}

TEST_CASE("Stripe: a refund that waits for money or for the payer needs somebody to see to it") {
  json refund = stripe_refund("pending");
  refund["pending_reason"] = "processing";
  CHECK(answered(call_of(Op::refund), 200, refund.dump()).verdict == V::refund_pending);
  refund["pending_reason"] = "insufficient_funds";
  ChannelReport report = answered(call_of(Op::refund), 200, refund.dump());
  CHECK(report.verdict == V::refund_needs_action);
  CHECK(report.code == "insufficient_funds");
  report = answered(call_of(Op::refund), 200, stripe_refund("requires_action").dump());
  CHECK(report.code == "requires_action");
  CHECK_FALSE(report.message.empty());
}

TEST_CASE("Stripe: a payment method that failed, or its authentication, is a try that failed") {
  json intent = stripe_intent("requires_payment_method");
  intent["last_payment_error"] = {{"type", "invalid_request_error"},
                                  {"code", "payment_intent_authentication_failure"},
                                  {"message", "has failed authentication"}};
  for (const auto& report :
       {answered(call_of(Op::create, true), 200, intent.dump()),
        std::get<ChannelReport>(heard("payment_intent.payment_failed", intent))}) {
    CHECK(report.verdict == V::try_failed);
    CHECK(report.code == "payment_intent_authentication_failure");
    CHECK(report.message == "has failed authentication");
    CHECK(report.amount_minor == 101);
  }
}

TEST_CASE("Stripe: an intent says what to do next, and what was received") {
  ChannelReport report =
      answered(call_of(Op::create), 200, stripe_intent("requires_action").dump());
  CHECK(report.next_action.type == "client_secret");
  CHECK(report.next_action.value == "pi_1_secret_x");
  CHECK(report.channel_reference == "pi_1");
  json redirecting = stripe_intent("requires_action");
  redirecting["next_action"] = {{"type", "redirect_to_url"},
                                {"redirect_to_url", {{"url", "https://hooks.example/3ds"}}}};
  report = answered(call_of(Op::create), 200, redirecting.dump());
  CHECK(report.next_action.type == "redirect");
  CHECK(report.next_action.value == "https://hooks.example/3ds");
  json partly = stripe_intent("succeeded");
  partly["amount_received"] = 90;
  report = answered(call_of(Op::capture), 200, partly.dump());
  CHECK(report.amount_minor == 90);
  json held = stripe_intent("requires_capture");
  held["amount_capturable"] = 80;
  CHECK(answered(call_of(Op::create), 200, held.dump()).amount_minor == 80);
  CHECK(report.currency.code() == "USD");
  CHECK(report.next_action.type.empty());
}

TEST_CASE("Stripe: an answer that does not hold together is unknown and says why") {
  const auto intent = [](const std::function<void(json&)>& bend) {
    json object = stripe_intent("succeeded");
    bend(object);
    return answered(call_of(Op::close, true), 200, object.dump());
  };
  const ChannelReport reports[] = {
      intent([](json& i) { i["metadata"]["order_no"] = "other"; }),
      intent([](json& i) { i["id"] = "pi_2"; }),
      intent([](json& i) { i["livemode"] = true; }),
      intent([](json& i) { i["object"] = "charge"; }),
      intent([](json& i) { i["amount_received"] = "101"; }),
      intent([](json& i) { i.erase("amount_received"); }),
      intent([](json& i) { i["amount_received"] = 101.0; }),
      intent([](json& i) { i["amount_received"] = 0; }),
      intent([](json& i) { i["amount_received"] = -101; }),
      intent([](json& i) { i["amount_received"] = 18'446'744'073'709'551'615ULL; }),
      intent([](json& i) {
        i["status"] = "requires_capture";
        i.erase("amount_capturable");
      }),
      intent([](json& i) { i["currency"] = "dollar"; }),
      answered(call_of(Op::create, true), 200, "<html>"),
      answered(call_of(Op::create, true), 500, "<html>"),
      answered(call_of(Op::create, true), 200, R"({"id":"a","id":"b"})"),
      answered(call_of(Op::create), 200, R"({"object":"search_result","data":[]})"),
      answered(call_of(Op::create, true), 200,
               json{{"object", "search_result"},
                    {"data", {stripe_intent("succeeded"), stripe_intent("succeeded")}}}
                   .dump()),
      answered(call_of(Op::refund, true), 200, R"({"object":"list","data":[],"has_more":true})"),
      answered(call_of(Op::refund, true), 200, R"({"object":"list","data":[]})"),
      answered(
          call_of(Op::refund), 200,
          replaced(stripe_refund("succeeded").dump(), "\"refund_no\":\"R", "\"refund_no\":\"S")),
  };
  for (const ChannelReport& report : reports) {
    CHECK(report.verdict == V::unknown);
    CHECK_FALSE(report.code.empty());
    CHECK_FALSE(report.message.empty());
  }
}

TEST_CASE("Stripe: what a search and a list do not have is not found") {
  CHECK(
      answered(call_of(Op::create, true), 200, R"({"object":"search_result","data":[]})").verdict ==
      V::not_found);
  const json found{{"object", "search_result"}, {"data", {stripe_intent("succeeded")}}};
  CHECK(answered(call_of(Op::create, true), 200, found.dump()).verdict == V::paid);
  json other = stripe_refund("succeeded");
  other["metadata"]["refund_no"] = "RX";
  const json list{{"object", "list"}, {"has_more", false}, {"data", {other}}};
  CHECK(answered(call_of(Op::refund, true), 200, list.dump()).verdict == V::not_found);
}

TEST_CASE("Stripe: each error means what its table says") {
  struct Row {
    Op operation;
    bool query;
    int status;
    const char* type;
    const char* code;
    V verdict;
  };
  const char* const invalid = "invalid_request_error";
  const Row rows[] = {
      {Op::create, false, 400, invalid, "amount_too_small", V::refused},
      {Op::create, false, 400, invalid, "", V::refused},
      {Op::create, false, 401, invalid, "", V::not_taken},
      {Op::create, false, 403, invalid, "", V::not_taken},
      {Op::create, false, 400, invalid, "testmode_charges_only", V::not_taken},
      {Op::create, false, 402, "card_error", "card_declined", V::refused},
      {Op::create, false, 402, "card_error", "insufficient_funds", V::refused},
      {Op::create, false, 402, "card_error", "authentication_required", V::refused},
      {Op::create, false, 402, "card_error", "processing_error", V::unknown},
      {Op::create, false, 400, "idempotency_error", "", V::unknown},
      {Op::create, false, 409, "idempotency_error", "idempotency_key_in_use", V::unknown},
      {Op::create, false, 424, "api_error", "", V::unknown},
      {Op::create, false, 429, invalid, "rate_limit", V::not_taken},
      {Op::create, false, 429, invalid, "lock_timeout", V::unknown},
      {Op::create, false, 500, "api_error", "", V::unknown},
      {Op::create, false, 503, invalid, "", V::unknown},
      // What is kept under the key of an order whose answer was lost.
      {Op::create, true, 402, "card_error", "card_declined", V::refused},
      {Op::create, true, 402, "card_error", "processing_error", V::unknown},
      {Op::create, true, 400, "idempotency_error", "", V::unknown},
      // A search may be refused too, which says nothing of the order.
      {Op::create, true, 400, invalid, "", V::unknown},
      {Op::create, true, 429, invalid, "rate_limit", V::unknown},
      {Op::close, true, 404, invalid, "resource_missing", V::not_found},
      {Op::capture, false, 400, invalid, "payment_intent_unexpected_state", V::unknown},
      {Op::capture, false, 400, invalid, "amount_too_large", V::refused},
      {Op::capture, false, 400, invalid, "amount_too_small", V::refused},
      {Op::capture, false, 400, invalid, "", V::refused},
      {Op::capture, false, 402, "card_error", "card_declined", V::refused},
      {Op::capture, false, 402, "card_error", "processing_error", V::unknown},
      {Op::capture, false, 429, invalid, "lock_timeout", V::unknown},
      {Op::close, false, 400, invalid, "payment_intent_unexpected_state", V::refused},
      {Op::void_, false, 400, invalid, "payment_intent_unexpected_state", V::refused},
      {Op::close, false, 404, invalid, "resource_missing", V::not_found},
      {Op::close, false, 400, invalid, "", V::unknown},
      {Op::refund, false, 400, invalid, "charge_already_refunded", V::unknown},
      {Op::refund, false, 400, invalid, "insufficient_funds", V::refund_needs_action},
      {Op::refund, false, 400, invalid, "balance_insufficient", V::refund_needs_action},
      {Op::refund, false, 400, invalid, "amount_too_large", V::refund_refused},
      {Op::refund, false, 401, invalid, "", V::unknown},
      {Op::refund, false, 403, invalid, "", V::unknown},
      {Op::refund, false, 404, invalid, "resource_missing", V::unknown},
      {Op::refund, false, 409, invalid, "lock_timeout", V::unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(row.operation), row.status, row.type, row.code);
    const json body{{"error", {{"type", row.type}, {"code", row.code}, {"message", "why"}}}};
    const ChannelReport report =
        answered(call_of(row.operation, row.query), row.status, body.dump());
    CHECK(report.verdict == row.verdict);
    CHECK_FALSE(report.code.empty());
    CHECK(report.message == "why");
  }
}

TEST_CASE("Stripe: an error that brings the intent is judged by it where nothing can change") {
  const auto capture_refused = [](const char* state) {
    const json body{{"error",
                     {{"type", "invalid_request_error"},
                      {"code", "payment_intent_unexpected_state"},
                      {"payment_intent", stripe_intent(state)}}}};
    return answered(call_of(Op::close), 400, body.dump()).verdict;
  };
  CHECK(capture_refused("succeeded") == V::paid);
  CHECK(capture_refused("canceled") == V::closed);
  CHECK(capture_refused("processing") == V::refused);
}

TEST_CASE("Stripe: a decline is named by its own code") {
  const json body{{"error",
                   {{"type", "card_error"},
                    {"code", "card_declined"},
                    {"decline_code", "insufficient_funds"},
                    {"message", "Your card has insufficient funds."}}}};
  CHECK(answered(call_of(Op::create), 402, body.dump()).code == "insufficient_funds");
}

TEST_CASE("Stripe: an event about an intent or a refund of ours is a report") {
  struct Row {
    const char* type;
    const char* state;
    V verdict;
    Op operation;
  };
  const Row rows[] = {
      {"payment_intent.succeeded", "succeeded", V::paid, Op::create},
      {"payment_intent.payment_failed", "requires_payment_method", V::accepted, Op::create},
      {"payment_intent.canceled", "canceled", V::closed, Op::close},
      {"payment_intent.amount_capturable_updated", "requires_capture", V::authorized, Op::create},
      {"payment_intent.processing", "processing", V::accepted, Op::create},
      {"payment_intent.requires_action", "requires_action", V::accepted, Op::create},
      {"refund.created", "pending", V::refund_pending, Op::refund},
      {"refund.updated", "succeeded", V::refunded, Op::refund},
      {"refund.failed", "failed", V::refund_refused, Op::refund},
      {"charge.refund.updated", "succeeded", V::refunded, Op::refund},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type);
    const bool of_refund = row.operation == Op::refund;
    const auto verdict =
        heard(row.type, of_refund ? stripe_refund(row.state) : stripe_intent(row.state));
    REQUIRE(std::holds_alternative<ChannelReport>(verdict));
    const auto& report = std::get<ChannelReport>(verdict);
    CHECK(report.verdict == row.verdict);
    CHECK(report.operation == row.operation);
    CHECK(report.id == "evt_1");
    CHECK(report.payment == payment_id_of("m_1", "order-1"));
    CHECK(report.source == ReportSource::callback);
    CHECK(report.merchant_by_account);
    CHECK(report.amount_minor == (of_refund ? 50 : 101));
    CHECK(report.refund_id == (of_refund ? example_call(Op::refund).refund_id : ""));
  }
}

TEST_CASE("Stripe: a refund made at its desk is known by its charge, and ours by the refund") {
  json charge{{"id", "ch_1"},
              {"object", "charge"},
              {"amount", 101},
              {"amount_captured", 101},
              {"amount_refunded", 50},
              {"captured", true},
              {"currency", "usd"},
              {"payment_intent", "pi_1"},
              {"metadata", stripe_intent("succeeded")["metadata"]}};
  const auto report_of = [](const json& told) {
    return std::get<ChannelReport>(heard("charge.refunded", told));
  };
  const ChannelReport report = report_of(charge);
  CHECK(report.verdict == V::refunded);
  CHECK(report.outside_refund);
  CHECK(report.amount_is_total);
  CHECK(report.amount_minor == 50);
  CHECK(report.currency.code() == "USD");
  CHECK(report.channel_reference == "ch_1/50");
  CHECK(report.charge_reference == "pi_1");
  CHECK(report.payment == payment_id_of("m_1", "order-1"));

  // Of our own refund the event names the key under which we asked for it.
  json event = json::parse(stripe_event("charge.refunded", charge));
  event["request"] = {{"idempotency_key", example_call(Op::refund).channel_refund_no}};
  const auto judge = [](const json& told) {
    return code_of(parse_callback(stripe_account(), stripe_callback(told.dump()), vectors_now_us));
  };
  CHECK(judge(event) == "no_news");
  event["request"]["idempotency_key"] = "somebody's own";
  CHECK(judge(event) == "report");

  // What was never captured was let go of and not refunded.
  charge["amount_captured"] = 60;
  charge["amount_refunded"] = 41;
  CHECK(report_of(charge).verdict == V::refund_pending);
  charge["amount_refunded"] = 51;
  CHECK(report_of(charge).amount_minor == 10);
  charge["captured"] = false;
  CHECK(report_of(charge).verdict == V::refund_pending);
  charge.erase("amount_refunded");
  CHECK(code_of(heard("charge.refunded", charge)) == "malformed_callback");
  charge["metadata"] = json::object();
  CHECK(code_of(heard("charge.refunded", charge)) == "foreign_order");
}

TEST_CASE("Stripe: an event that is not about us is taken, one that does not hold is refused") {
  const auto bent = [](const std::function<void(json&)>& bend) {
    json object = stripe_intent("succeeded");
    bend(object);
    return code_of(heard("payment_intent.succeeded", object));
  };
  for (const char* type : {"charge.dispute.created", "charge.refunded", "something.new"})
    CHECK(code_of(heard(type, json::object())) == "other_kind");
  CHECK(bent([](json& i) { i["metadata"] = json::object(); }) == "foreign_order");
  for (const char* number : {"1042", "T202601010800000003"})
    CHECK(bent([number](json& i) { i["metadata"]["order_no"] = number; }) == "foreign_order");
  CHECK(bent([](json& i) { i["amount_received"] = nullptr; }) == "malformed_callback");
  CHECK(bent([](json& i) { i["object"] = "charge"; }) == "malformed_callback");
  json refund = stripe_refund("succeeded");
  refund["metadata"]["refund_no"] = "R1";
  CHECK(code_of(heard("refund.updated", refund)) == "foreign_refund");
  refund["metadata"] = json::object();
  CHECK(code_of(heard("refund.created", refund)) == "foreign_refund");

  const auto judge = [](const std::string& body, UnixUs now_us = vectors_now_us) {
    return code_of(parse_callback(stripe_account(), stripe_callback(body), now_us));
  };
  const std::string good = stripe_event("payment_intent.succeeded", stripe_intent("succeeded"));
  CHECK(judge(good) == "report");
  json in_yen = stripe_intent("succeeded");
  in_yen["currency"] = "jpy";
  const auto of_yen = heard("payment_intent.succeeded", in_yen);
  CHECK(std::get<ChannelReport>(of_yen).currency.code() == "JPY");
  CHECK(judge(good, vectors_now_us + 300 * us_per_s) == "report");
  CHECK(judge(good, vectors_now_us + 301 * us_per_s) == "stale_timestamp");
  CHECK(judge(good, vectors_now_us - 301 * us_per_s) == "stale_timestamp");
  CHECK(judge(replaced(good, "\"livemode\": false,\n  \"object\": \"event\"",
                       "\"livemode\": true,\n  \"object\": \"event\"")) == "other_mode");
  CHECK(judge(replaced(good, "\"id\": \"evt_1\"", "\"account\": \"acct_1\", \"id\": \"evt_1\"")) ==
        "other_account");
  CHECK(judge(replaced(good, "\"object\": \"event\"", "\"object\": \"v2.core.event\"")) ==
        "thin_event");
  CHECK(judge("{}") == "malformed_callback");
  CHECK(judge("[]") == "malformed_callback");
  CHECK(judge("not JSON") == "malformed_callback");
  RawCallback twice = stripe_callback(good);
  twice.headers.push_back(twice.headers.front());
  CHECK(code_of(parse_callback(stripe_account(), twice, vectors_now_us)) == "bad_signature");
  RawCallback minified = stripe_callback(good);
  minified.body = json::parse(good).dump();
  CHECK(code_of(parse_callback(stripe_account(), minified, vectors_now_us)) == "bad_signature");
}

TEST_CASE("Stripe: what is taken is answered with 200, what is not with a status that is none") {
  CHECK(taken().http_status == 200);
  CHECK(not_taken().http_status == 500);
}

TEST_CASE("Stripe: a report's run is followed to its file") {
  const auto run = parse_report_run(
      {200, {}, R"({"object":"reporting.report_run","id":"frr_1","status":"succeeded",
                    "result":{"url":"https://files.example/f"}})"});
  REQUIRE(std::holds_alternative<ReportRun>(run));
  CHECK(std::get<ReportRun>(run).status == "succeeded");
  CHECK(std::get<ReportRun>(run).url == "https://files.example/f");
  CHECK(std::holds_alternative<Problem>(parse_report_run({500, {}, "{}"})));
  CHECK(encode_report_query(stripe_account(), "frr_1").target == "/v1/reporting/report_runs/frr_1");
}
