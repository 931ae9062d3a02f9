// The sandbox channel's wire format: what one end writes the other reads, and nothing else is
// believed.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "protocol/channel/sandbox_wire.hpp"

using namespace welkin;
namespace wire = welkin::sandbox_wire;
using nlohmann::json;

namespace {

constexpr UnixUs now_us = 1'700'000'000 * us_per_s;
const std::string secret = "a shared secret";
const std::string nonce = "nonce-0123456789";

const PaymentId payment = payment_id_of("m_1", "order-1");
const RefundId refund = refund_id_of(payment, "refund-1");

ChannelCall call_for(ChannelOperation operation, bool query = false) {
  ChannelCall call;
  call.payment = payment;
  call.operation = operation;
  call.query = query;
  call.merchant_id = "m_1";
  call.channel_order_no = channel_order_no(payment, 1);
  call.channel_refund_no = channel_refund_no(refund);
  if (operation == ChannelOperation::refund) call.refund_id = refund.text();
  call.amount_minor = 1234;
  call.order_amount_minor = 1234;
  call.currency = *Currency::parse("CNY");
  call.subject = "two teapots";
  call.return_url = "https://shop.example/back";
  call.expires_at_us = now_us + us_per_s;
  return call;
}

wire::WireOrder order_with(wire::OrderStatus status) {
  wire::WireOrder order;
  order.out_order_no = channel_order_no(payment, 1);
  order.merchant_id = "m_1";
  order.status = status;
  order.amount_minor = 1234;
  order.captured_minor = status == wire::OrderStatus::paid ? 1234 : 0;
  order.currency = *Currency::parse("CNY");
  order.transaction_id = "sbx1";
  return order;
}

wire::WireRefund refund_with(wire::RefundStatus status) {
  wire::WireRefund wire_refund;
  wire_refund.out_refund_no = channel_refund_no(refund);
  wire_refund.out_order_no = channel_order_no(payment, 1);
  wire_refund.merchant_id = "m_1";
  wire_refund.status = status;
  wire_refund.amount_minor = 200;
  wire_refund.order_amount_minor = 1234;
  wire_refund.currency = *Currency::parse("CNY");
  wire_refund.transaction_id = "sbr1";
  return wire_refund;
}

std::string success(wire::WireOrder order) {
  return wire::encode_answer({"SUCCESS", "", order, {}});
}
std::string success(wire::WireRefund r) { return wire::encode_answer({"SUCCESS", "", {}, r}); }
std::string refusal(std::string code) {
  return wire::encode_answer({std::move(code), "no", {}, {}});
}

const Problem& problem_in(const wire::Parsed<ChannelReport>& parsed) {
  return std::get<Problem>(parsed);
}

}  // namespace

TEST_CASE("the signature is the HMAC-SHA256 that any other program computes") {
  // printf '1700000000\nnonce-0123456789\n{}' | openssl dgst -sha256 -hmac 'a shared secret'
  CHECK(wire::sign(secret, 1'700'000'000, nonce, "{}").signature ==
        "d0296d5ca2277078f8ae88c362ae295985a91ded957beb533309d174afe23596");
}

TEST_CASE("a signed message is believed, and none that differs in one place") {
  const auto headers = wire::sign(secret, 1'700'000'000, nonce, "the body");
  REQUIRE_FALSE(wire::check_signature(secret, headers, "the body", now_us));

  const auto code = [](const wire::SignatureHeaders& h, std::string_view body,
                       std::string_view key = secret) {
    const auto problem = wire::check_signature(key, h, body, now_us);
    return problem ? problem->code : ProblemCode::internal;
  };
  CHECK(code(headers, "the bodY") == ProblemCode::bad_signature);
  CHECK(code(headers, "the body", "another secret") == ProblemCode::bad_signature);
  auto changed = headers;
  changed.timestamp = "1700000001";
  CHECK(code(changed, "the body") == ProblemCode::bad_signature);
  changed = headers;
  changed.timestamp = "+1700000000";
  CHECK(code(changed, "the body") == ProblemCode::bad_signature);
  changed = headers;
  changed.nonce.back() = 'x';
  CHECK(code(changed, "the body") == ProblemCode::bad_signature);
  for (std::size_t i = 0; i < headers.signature.size(); ++i) {
    changed = headers;
    changed.signature[i] = changed.signature[i] == '0' ? '1' : '0';
    CHECK(code(changed, "the body") == ProblemCode::bad_signature);
  }
  for (const std::string& signature : {std::string(), headers.signature.substr(1)}) {
    changed.signature = signature;
    CHECK(code(changed, "the body") == ProblemCode::bad_signature);
  }
}

TEST_CASE("an empty secret verifies nothing, not even what was signed with it") {
  const auto headers = wire::sign("", 1'700'000'000, nonce, "x");
  REQUIRE(wire::check_signature("", headers, "x", now_us));
}

TEST_CASE("a nonce has 16 to 64 harmless characters") {
  const auto accepted = [](const std::string& text) {
    return !wire::check_signature(secret, wire::sign(secret, 1'700'000'000, text, "x"), "x",
                                  now_us);
  };
  CHECK(accepted(std::string(16, 'a')));
  CHECK(accepted(std::string(64, 'Z')));
  CHECK(accepted("abc-DEF_0123456789"));
  CHECK_FALSE(accepted(std::string(15, 'a')));
  CHECK_FALSE(accepted(std::string(65, 'a')));
  CHECK_FALSE(accepted("0123456789abcde\n"));
  CHECK_FALSE(accepted("0123456789abcde "));
}

TEST_CASE("a timestamp is stale beyond 300 seconds, in either direction") {
  const auto verdict = [](std::int64_t at_s) {
    return wire::check_signature(secret, wire::sign(secret, at_s, nonce, "x"), "x", now_us);
  };
  CHECK_FALSE(verdict(1'700'000'000 - 300));
  CHECK_FALSE(verdict(1'700'000'000 + 300));
  REQUIRE(verdict(1'700'000'000 - 301));
  CHECK(verdict(1'700'000'000 - 301)->code == ProblemCode::stale_timestamp);
  REQUIRE(verdict(1'700'000'000 + 301));
  CHECK(verdict(1'700'000'000 + 301)->code == ProblemCode::stale_timestamp);
  REQUIRE(verdict(INT64_MAX));
  CHECK(verdict(INT64_MAX)->code == ProblemCode::bad_signature);
}

TEST_CASE("a header that stands twice is no header") {
  const auto headers = wire::signature_headers({{std::string(wire::nonce_header), "a"},
                                                {std::string(wire::timestamp_header), "1"},
                                                {std::string(wire::timestamp_header), "2"},
                                                {"other", "x"}});
  CHECK(headers.nonce == "a");
  CHECK(headers.timestamp.empty());
  CHECK(headers.signature.empty());
}

TEST_CASE("a nonce is repeated until its timestamp cannot be fresh any more") {
  using Judgement = wire::NonceMemory::Judgement;
  wire::NonceMemory memory(10);
  CHECK(memory.judge("one", now_us) == Judgement::fresh);
  CHECK(memory.judge("one", now_us) == Judgement::fresh);  // judging alone uses nothing up
  memory.remember("one", now_us);
  CHECK(memory.judge("one", now_us) == Judgement::repeated);
  CHECK(memory.judge("one", now_us + 600 * us_per_s) == Judgement::repeated);
  CHECK(memory.judge("one", now_us + 602 * us_per_s) == Judgement::fresh);
  CHECK(memory.size() == 0);
}

TEST_CASE("a full nonce memory refuses new ones rather than forget one that still matters") {
  using Judgement = wire::NonceMemory::Judgement;
  wire::NonceMemory memory(2);
  memory.remember("one", now_us);
  memory.remember("two", now_us + us_per_s);
  CHECK(memory.judge("three", now_us + 2 * us_per_s) == Judgement::full);
  CHECK(memory.judge("one", now_us + 2 * us_per_s) == Judgement::repeated);
  CHECK(memory.judge("three", now_us + 601 * us_per_s + 1) == Judgement::fresh);
}

TEST_CASE("what the runtime asks is what the sandbox reads") {
  SECTION("create") {
    auto call = call_for(ChannelOperation::create);
    call.manual_capture = true;
    const auto request = wire::encode_request(call, "http://127.0.0.1:8600/notify");
    CHECK(request.method == "POST");
    CHECK(request.path == "/sandbox/v1/orders");
    const auto order = std::get<wire::CreateOrder>(wire::parse_create_order(request.body));
    CHECK(order.out_order_no == call.channel_order_no);
    CHECK(order.merchant_id == "m_1");
    CHECK(order.amount_minor == 1234);
    CHECK(order.currency.code() == "CNY");
    CHECK(order.subject == "two teapots");
    CHECK(order.manual_capture);
    CHECK(order.return_url == "https://shop.example/back");
    CHECK(order.notify_url == "http://127.0.0.1:8600/notify");
    CHECK(order.expires_at_us == call.expires_at_us);
  }
  SECTION("capture") {
    const auto request = wire::encode_request(call_for(ChannelOperation::capture), "");
    CHECK(request.path == "/sandbox/v1/orders/" + channel_order_no(payment, 1) + "/capture");
    const auto capture = std::get<wire::CaptureOrder>(wire::parse_capture_order(request.body));
    CHECK(capture.out_order_no == channel_order_no(payment, 1));
    CHECK(capture.amount_minor == 1234);
  }
  SECTION("close and void") {
    const auto close = wire::encode_request(call_for(ChannelOperation::close), "");
    CHECK(close.path == "/sandbox/v1/orders/" + channel_order_no(payment, 1) + "/close");
    const auto void_ = wire::encode_request(call_for(ChannelOperation::void_), "");
    CHECK(void_.path == "/sandbox/v1/orders/" + channel_order_no(payment, 1) + "/void");
    for (const auto& request : {close, void_})
      CHECK(
          std::get<wire::OrderReference>(wire::parse_order_reference(request.body)).out_order_no ==
          channel_order_no(payment, 1));
  }
  SECTION("refund") {
    const auto request = wire::encode_request(call_for(ChannelOperation::refund), "");
    CHECK(request.path == "/sandbox/v1/refunds");
    const auto asked = std::get<wire::CreateRefund>(wire::parse_create_refund(request.body));
    CHECK(asked.out_refund_no == channel_refund_no(refund));
    CHECK(asked.out_order_no == channel_order_no(payment, 1));
    CHECK(asked.merchant_id == "m_1");
    CHECK(asked.amount_minor == 1234);
    CHECK(asked.currency.code() == "CNY");
  }
  SECTION("queries") {
    for (const auto operation : {ChannelOperation::create, ChannelOperation::capture,
                                 ChannelOperation::close, ChannelOperation::void_}) {
      const auto request = wire::encode_request(call_for(operation, true), "");
      CHECK(request.method == "GET");
      CHECK(request.path == "/sandbox/v1/orders/" + channel_order_no(payment, 1));
      CHECK(request.body.empty());
    }
    CHECK(wire::encode_request(call_for(ChannelOperation::refund, true), "").path ==
          "/sandbox/v1/refunds/" + channel_refund_no(refund));
  }
}

TEST_CASE("the sandbox refuses a request that is not exactly as described, and names the field") {
  const json good =
      json::parse(wire::encode_request(call_for(ChannelOperation::create), "http://h/n").body);
  const auto refused = [](const json& body) {
    const auto parsed = wire::parse_create_order(body.dump());
    const auto* problem = std::get_if<Problem>(&parsed);
    return problem ? std::string(spec_of(problem->code).name) + " " + problem->field : "accepted";
  };
  REQUIRE(refused(good) == "accepted");
  for (const auto& item : good.items()) {
    json without = good;
    without.erase(item.key());
    CHECK(refused(without) == "missing_field /" + item.key());
    json mistyped = good;
    mistyped[item.key()] = json::object();
    CHECK(refused(mistyped) == "wrong_type /" + item.key());
  }
  json changed = good;
  changed["surprise"] = 1;
  CHECK(refused(changed) == "unknown_field /surprise");
  const auto with = [&](const char* name, json value) {
    json body = good;
    body[name] = std::move(value);
    return refused(body);
  };
  CHECK(with("amount_minor", 0) == "amount_out_of_range /amount_minor");
  CHECK(with("amount_minor", -1) == "amount_out_of_range /amount_minor");
  CHECK(with("amount_minor", max_amount_minor + 1) == "amount_out_of_range /amount_minor");
  CHECK(with("amount_minor", UINT64_MAX) == "amount_out_of_range /amount_minor");
  CHECK(with("amount_minor", 1.5) == "wrong_type /amount_minor");
  CHECK(with("currency", "XYZ") == "unknown_currency /currency");
  CHECK(with("out_order_no", "with/slash") == "invalid_value /out_order_no");
  CHECK(with("return_url", "http://h/\r\nx: y") == "invalid_value /return_url");
}

TEST_CASE("a body that two readers could read differently is refused") {
  for (const char* body :
       {R"({"out_order_no":"ABCDEFGH","out_order_no":"ABCDEFGI"})", R"(["out_order_no"])", "", "{",
        "null", R"({"out_order_no":"ABCDEFGH"} {})",
        "{\"out_order_no\":\"\xff\xff\xff\xff\xff\xff\xff\xff\"}"}) {
    CAPTURE(body);
    const auto parsed = wire::parse_order_reference(body);
    REQUIRE(std::holds_alternative<Problem>(parsed));
    CHECK(std::get<Problem>(parsed).code == ProblemCode::malformed_json);
  }
  std::string deep = "{\"a\":";
  for (int i = 0; i < 20'000; ++i) deep += "{\"a\":";
  CHECK(std::holds_alternative<Problem>(wire::parse_order_reference(deep)));
}

TEST_CASE("each order status means one verdict, to whoever asked for what") {
  struct Row {
    wire::OrderStatus status;
    ChannelOperation asked;
    ChannelVerdict verdict;
  };
  using S = wire::OrderStatus;
  using O = ChannelOperation;
  using V = ChannelVerdict;
  const Row rows[] = {
      {S::open, O::create, V::accepted},
      {S::open, O::close, V::accepted},
      {S::authorized, O::create, V::authorized},
      {S::authorized, O::capture, V::authorized},
      {S::authorized, O::void_, V::authorized},
      {S::paid, O::create, V::paid},
      {S::paid, O::capture, V::paid},
      {S::paid, O::close, V::paid},
      {S::closed, O::create, V::closed},
      {S::closed, O::close, V::closed},
      {S::closed, O::void_, V::closed},
      {S::closed, O::capture, V::closed},
      {S::declined, O::create, V::refused},
      {S::declined, O::close, V::closed},
  };
  for (const Row& row : rows) {
    for (const bool query : {false, true}) {
      CAPTURE(wire::name_of(row.status), name_of(row.asked), query);
      const auto report =
          wire::parse_answer(call_for(row.asked, query), 200, success(order_with(row.status)));
      CHECK(report.verdict == row.verdict);
      CHECK(report.source == (query ? ReportSource::query : ReportSource::answer));
      CHECK(report.operation == row.asked);
      CHECK(report.payment == payment);
      CHECK(report.merchant_id == "m_1");
      CHECK(report.amount_minor == 1234);
      CHECK(report.currency.code() == "CNY");
      CHECK(report.channel_order_no == channel_order_no(payment, 1));
      CHECK(report.channel_reference == "sbx1");
    }
  }
}

TEST_CASE("each refund status means one verdict") {
  using S = wire::RefundStatus;
  const std::pair<S, ChannelVerdict> rows[] = {{S::pending, ChannelVerdict::refund_pending},
                                               {S::succeeded, ChannelVerdict::refunded},
                                               {S::failed, ChannelVerdict::refund_refused},
                                               {S::stuck, ChannelVerdict::refund_needs_action}};
  for (const auto& [status, verdict] : rows) {
    const auto report =
        wire::parse_answer(call_for(ChannelOperation::refund), 200, success(refund_with(status)));
    CHECK(report.verdict == verdict);
    CHECK(report.refund_id == refund.text());
    CHECK(report.amount_minor == 200);
    CHECK(report.channel_reference == "sbr1");
  }
}

TEST_CASE("a status that is not listed leaves the outcome unknown") {
  json body = json::parse(success(order_with(wire::OrderStatus::paid)));
  body["order"]["status"] = "SETTLED";
  const auto report = wire::parse_answer(call_for(ChannelOperation::create), 200, body.dump());
  CHECK(report.verdict == ChannelVerdict::unknown);
  CHECK(report.code == "unreadable_answer");
  CHECK_THAT(report.message, Catch::Contains("/order/status"));

  json refund_body = json::parse(success(refund_with(wire::RefundStatus::succeeded)));
  refund_body["refund"]["status"] = "DONE";
  CHECK(wire::parse_answer(call_for(ChannelOperation::refund), 200, refund_body.dump()).verdict ==
        ChannelVerdict::unknown);
}

TEST_CASE("a partly captured order is paid with what was captured") {
  auto order = order_with(wire::OrderStatus::paid);
  order.captured_minor = 1000;
  CHECK(wire::parse_answer(call_for(ChannelOperation::capture), 200, success(order)).amount_minor ==
        1000);
}

TEST_CASE("what the payer has to do comes with the answer") {
  auto order = order_with(wire::OrderStatus::open);
  order.qr_code = "scan me";
  auto report = wire::parse_answer(call_for(ChannelOperation::create), 200, success(order));
  CHECK(report.next_action.type == "qr_code");
  CHECK(report.next_action.value == "scan me");
  order.qr_code.clear();
  order.pay_url = "http://127.0.0.1/pay";
  report = wire::parse_answer(call_for(ChannelOperation::create), 200, success(order));
  CHECK(report.next_action.type == "redirect");
  CHECK(report.next_action.value == "http://127.0.0.1/pay");
}

TEST_CASE("only a listed refusal of that very operation is a refusal") {
  struct Row {
    ChannelOperation operation;
    int status;
    const char* code;
    ChannelVerdict verdict;
  };
  using O = ChannelOperation;
  using V = ChannelVerdict;
  const Row rows[] = {
      {O::create, 400, "INVALID_REQUEST", V::refused},
      {O::create, 409, "ORDER_EXISTS_WITH_OTHER_DATA", V::unknown},
      {O::create, 401, "BAD_SIGNATURE", V::unknown},
      {O::create, 429, "TOO_MANY", V::unknown},
      {O::close, 409, "ORDER_PAID", V::refused},
      {O::close, 409, "ORDER_AUTHORIZED", V::refused},
      {O::close, 200, "ORDER_PAID", V::unknown},
      {O::close, 500, "ORDER_PAID", V::unknown},
      {O::close, 404, "ORDER_NOT_FOUND", V::not_found},
      {O::capture, 422, "AMOUNT_EXCEEDS_AUTHORIZED", V::refused},
      {O::capture, 409, "ORDER_CLOSED", V::refused},
      {O::capture, 409, "ORDER_NOT_AUTHORIZED", V::refused},
      {O::capture, 409, "ORDER_PAID", V::unknown},
      {O::void_, 409, "ORDER_PAID", V::refused},
      {O::void_, 409, "ORDER_NOT_AUTHORIZED", V::refused},
      {O::refund, 409, "ORDER_NOT_PAID", V::refund_refused},
      {O::refund, 422, "AMOUNT_EXCEEDS_REFUNDABLE", V::refund_refused},
      {O::refund, 400, "INVALID_REQUEST", V::refund_refused},
      {O::refund, 409, "REFUND_EXISTS_WITH_OTHER_DATA", V::unknown},
      {O::refund, 404, "REFUND_NOT_FOUND", V::not_found},
      {O::refund, 404, "ORDER_NOT_FOUND", V::not_found},
      {O::create, 404, "REFUND_NOT_FOUND", V::unknown},
      {O::create, 404, "NO_SUCH_ROUTE", V::unknown},
      {O::create, 200, "WHATEVER", V::unknown},
  };
  for (const Row& row : rows) {
    CAPTURE(name_of(row.operation), row.status, row.code);
    const auto report = wire::parse_answer(call_for(row.operation), row.status, refusal(row.code));
    CHECK(report.verdict == row.verdict);
    CHECK(report.code == row.code);
    CHECK(report.message == "no");
    CHECK(report.channel_order_no == channel_order_no(payment, 1));
  }
}

TEST_CASE("a query is never refused, only found or not") {
  CHECK(wire::parse_answer(call_for(ChannelOperation::close, true), 409, refusal("ORDER_PAID"))
            .verdict == ChannelVerdict::unknown);
  CHECK(wire::parse_answer(call_for(ChannelOperation::close, true), 404, refusal("ORDER_NOT_FOUND"))
            .verdict == ChannelVerdict::not_found);
}

TEST_CASE("an answer that cannot be read leaves the outcome unknown and says why") {
  const auto call = call_for(ChannelOperation::create);
  const auto verdict_and_code = [&](int status, const std::string& body) {
    const auto report = wire::parse_answer(call, status, body);
    CHECK_FALSE(report.message.empty());
    return std::make_pair(report.verdict, report.code);
  };
  using Pair = std::pair<ChannelVerdict, std::string>;
  const auto unknown = [](const char* code) { return Pair{ChannelVerdict::unknown, code}; };
  CHECK(verdict_and_code(200, "<html>") == unknown("unreadable_answer"));
  CHECK(verdict_and_code(200, "") == unknown("unreadable_answer"));
  CHECK(verdict_and_code(502, "<html>bad gateway") == unknown("server_error"));
  CHECK(verdict_and_code(200, R"({"code":"SUCCESS","message":""})") == unknown("wrong_shape"));
  CHECK(verdict_and_code(200, success(refund_with(wire::RefundStatus::succeeded))) ==
        unknown("wrong_shape"));
  // A success under an error status is no success.
  CHECK(wire::parse_answer(call, 500, success(order_with(wire::OrderStatus::paid))).verdict ==
        ChannelVerdict::unknown);
  CHECK(wire::parse_answer(call, 201, success(order_with(wire::OrderStatus::paid))).verdict ==
        ChannelVerdict::unknown);
}

TEST_CASE("an answer about another order keeps that order's number") {
  auto order = order_with(wire::OrderStatus::paid);
  order.out_order_no = channel_order_no(payment_id_of("m_1", "order-2"), 1);
  const auto report = wire::parse_answer(call_for(ChannelOperation::create), 200, success(order));
  CHECK(report.payment == payment);
  CHECK(report.channel_order_no == order.out_order_no);
}

TEST_CASE("an answer about another refund says nothing about this one") {
  auto other = refund_with(wire::RefundStatus::succeeded);
  other.out_refund_no = channel_refund_no(refund_id_of(payment, "refund-2"));
  const auto report = wire::parse_answer(call_for(ChannelOperation::refund), 200, success(other));
  CHECK(report.verdict == ChannelVerdict::unknown);
  CHECK(report.refund_id == refund.text());
}

TEST_CASE("voiding a surplus reports under the surplus's refund id") {
  auto call = call_for(ChannelOperation::void_);
  call.surplus = true;
  call.refund_id = refund.text();
  CHECK(wire::encode_request(call, "").path ==
        "/sandbox/v1/orders/" + channel_order_no(payment, 1) + "/void");
  const auto report = wire::parse_answer(call, 200, success(order_with(wire::OrderStatus::closed)));
  CHECK(report.verdict == ChannelVerdict::closed);
  CHECK(report.refund_id == refund.text());
}

TEST_CASE("a callback about an order finds its payment by the number alone") {
  struct Row {
    wire::CallbackEvent event;
    wire::OrderStatus status;
    bool manual;
    ChannelVerdict verdict;
    ChannelOperation operation;
  };
  using E = wire::CallbackEvent;
  using S = wire::OrderStatus;
  const Row rows[] = {
      {E::order_paid, S::paid, false, ChannelVerdict::paid, ChannelOperation::create},
      {E::order_paid, S::paid, true, ChannelVerdict::paid, ChannelOperation::capture},
      {E::order_authorized, S::authorized, true, ChannelVerdict::authorized,
       ChannelOperation::create},
      {E::order_closed, S::closed, false, ChannelVerdict::closed, ChannelOperation::close},
      {E::order_closed, S::closed, true, ChannelVerdict::closed, ChannelOperation::void_},
      {E::order_declined, S::declined, false, ChannelVerdict::refused, ChannelOperation::create},
  };
  for (const Row& row : rows) {
    CAPTURE(wire::name_of(row.event));
    auto order = order_with(row.status);
    order.manual_capture = row.manual;
    const auto parsed = wire::parse_callback(wire::encode_callback({row.event, order, {}}), nonce);
    const auto& report = std::get<ChannelReport>(parsed);
    CHECK(report.payment == payment);
    CHECK(report.id == nonce);
    CHECK(report.source == ReportSource::callback);
    CHECK(report.verdict == row.verdict);
    CHECK(report.operation == row.operation);
    CHECK(report.merchant_id == "m_1");
    CHECK(report.amount_minor == 1234);
    CHECK(report.channel_order_no == channel_order_no(payment, 1));
    CHECK(report.channel_reference == "sbx1");
    CHECK(report.refund_id.empty());
  }
}

TEST_CASE("a callback about a refund carries the refund's id") {
  const auto parse = [](wire::CallbackEvent event, wire::RefundStatus status) {
    return wire::parse_callback(wire::encode_callback({event, {}, refund_with(status)}), nonce);
  };
  const auto succeeded =
      parse(wire::CallbackEvent::refund_succeeded, wire::RefundStatus::succeeded);
  CHECK(std::get<ChannelReport>(succeeded).verdict == ChannelVerdict::refunded);
  CHECK(std::get<ChannelReport>(succeeded).refund_id == refund.text());
  CHECK(std::get<ChannelReport>(succeeded).payment == payment);
  const auto failed = parse(wire::CallbackEvent::refund_failed, wire::RefundStatus::failed);
  CHECK(std::get<ChannelReport>(failed).verdict == ChannelVerdict::refund_refused);
  CHECK(std::get<ChannelReport>(failed).code == "REFUND_FAILED");
  const auto stuck = parse(wire::CallbackEvent::refund_stuck, wire::RefundStatus::stuck);
  CHECK(std::get<ChannelReport>(stuck).verdict == ChannelVerdict::refund_needs_action);
  CHECK(std::get<ChannelReport>(stuck).code == "REFUND_STUCK");
}

TEST_CASE("a refund under a strange number of an order of ours was made at the channel's desk") {
  auto made = refund_with(wire::RefundStatus::succeeded);
  made.out_refund_no = "DESK0000000001";
  const auto parsed = wire::parse_callback(
      wire::encode_callback({wire::CallbackEvent::refund_succeeded, {}, made}), nonce);
  const auto& report = std::get<ChannelReport>(parsed);
  CHECK(report.outside_refund);
  CHECK(report.refund_id.empty());
  CHECK(report.verdict == ChannelVerdict::refunded);
  CHECK(report.payment == payment);
  CHECK(report.channel_reference == "sbr1");
}

TEST_CASE("a callback that contradicts itself, or is not ours, is refused with the field") {
  const auto refused = [](const wire::Callback& callback) {
    return problem_in(wire::parse_callback(wire::encode_callback(callback), nonce)).field;
  };
  using E = wire::CallbackEvent;
  CHECK(refused({E::order_paid, order_with(wire::OrderStatus::closed), {}}) == "/event");
  CHECK(refused({E::order_paid, order_with(wire::OrderStatus::open), {}}) == "/event");
  CHECK(refused({E::refund_succeeded, order_with(wire::OrderStatus::paid), {}}) == "/event");
  CHECK(refused({E::refund_succeeded, {}, refund_with(wire::RefundStatus::pending)}) == "/event");
  CHECK(refused({E::refund_succeeded, {}, refund_with(wire::RefundStatus::failed)}) == "/event");
  CHECK(refused({E::order_paid, {}, {}}) == "/order");
  CHECK(refused({E::order_paid, order_with(wire::OrderStatus::paid),
                 refund_with(wire::RefundStatus::succeeded)}) == "/order");
  auto foreign = order_with(wire::OrderStatus::paid);
  foreign.out_order_no = "ABCDEFGH01234567";
  CHECK(refused({E::order_paid, foreign, {}}) == "/order/out_order_no");
  auto foreign_refund = refund_with(wire::RefundStatus::succeeded);
  foreign_refund.out_order_no = "ABCDEFGH01234567";
  CHECK(refused({E::refund_succeeded, {}, foreign_refund}) == "/refund/out_order_no");

  json unlisted =
      json::parse(wire::encode_callback({E::order_paid, order_with(wire::OrderStatus::paid), {}}));
  unlisted["order"]["status"] = "SETTLED";
  CHECK(problem_in(wire::parse_callback(unlisted.dump(), nonce)).field == "/order/status");
  unlisted =
      json::parse(wire::encode_callback({E::order_paid, order_with(wire::OrderStatus::paid), {}}));
  unlisted["event"] = "order.settled";
  CHECK(problem_in(wire::parse_callback(unlisted.dump(), nonce)).field == "/event");
}

TEST_CASE("a strange field's long name is cut between characters, so that it can be recorded") {
  const std::string name = std::string(63, 'x') + "茶";
  const json answer{{"code", "SUCCESS"}, {"message", ""}, {name, 1}};
  const auto report = wire::parse_answer(call_for(ChannelOperation::create), 200, answer.dump());
  CHECK(report.verdict == ChannelVerdict::unknown);
  CHECK_NOTHROW(json(report.message).dump());
}

TEST_CASE("channel vocabulary is written and read under the same names") {
  const auto operation = static_cast<ChannelOperation>(GENERATE(range(0, 5)));
  CHECK(parse_channel_operation(name_of(operation)) == operation);
  const auto verdict =
      static_cast<ChannelVerdict>(GENERATE(range(0, static_cast<int>(channel_verdict_count))));
  CHECK(parse_channel_verdict(name_of(verdict)) == verdict);
  CHECK(name_of(ChannelOperation::void_) == "void");
  CHECK(name_of(Outcome::pending) == "pending");
  CHECK(parse_outcome("unknown") == Outcome::unknown);
  CHECK(parse_report_source("callback") == ReportSource::callback);
  CHECK_FALSE(parse_channel_verdict("PAID"));
  CHECK_FALSE(parse_report_source(""));
}
