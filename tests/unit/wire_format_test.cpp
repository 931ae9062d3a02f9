// The channels behind one interface: what each adds to the free functions it is made of.
#include "protocol/channels/wire_format.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "protocol/channel/sandbox_format.hpp"
#include "protocol/channel/sandbox_wire.hpp"
#include "protocol/channels/alipay/format.hpp"
#include "protocol/channels/default_method.hpp"
#include "protocol/channels/stripe/format.hpp"
#include "protocol/channels/union_pay/format.hpp"
#include "protocol/channels/wechat_pay/format.hpp"
#include "protocol/payment/payment.hpp"
#include "tests/support/alipay_fixture.hpp"
#include "tests/support/stripe_fixture.hpp"
#include "tests/support/union_pay_fixture.hpp"
#include "tests/support/wechat_certificates.hpp"
#include "tests/support/wechat_fixture.hpp"

using namespace welkin;
using nlohmann::json;
using Op = ChannelOperation;
using V = ChannelVerdict;

namespace {

WireFormatPtr wechat(const wechat_pay::AccountConfig& config,
                     wechat_pay::Certificates certificates) {
  auto made = wechat_pay::make_account(config, vectors_now_us);
  REQUIRE(std::holds_alternative<wechat_pay::Account>(made));
  return wechat_pay::wire_format_of(std::get<wechat_pay::Account>(std::move(made)), certificates);
}

PlatformCertificate current() { return platform_certificate("wechat_platform"); }
PlatformCertificate next_one() { return platform_certificate("alipay_platform"); }

V verdict_of_code_url(const WireFormat& format, const PlatformCertificate& signer) {
  const WireAnswer answer = signed_by(signer, R"({"code_url":"weixin://wxpay/bizpayurl?pr=1"})");
  return format.parse_answer(example_call(Op::create), answer, vectors_context()).verdict;
}

CallFate fate_of_alipay(const std::string& code, const std::string& sub_code = {}) {
  const auto format =
      alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config()));
  json node{{"code", code}, {"msg", "m"}};
  if (!sub_code.empty()) node["sub_code"] = sub_code;
  return format
      ->parse_answer(alipay_test::call_for(Op::create),
                     alipay_test::answer_of("alipay_trade_precreate_response", node.dump()),
                     vectors_context())
      .fate;
}

}  // namespace

TEST_CASE(
    "WeChat's certificates are fetched, and a key is followed to the next one while running") {
  const auto format = wechat(wechat_config_without_keys(), wechat_pay::Certificates::fetched);
  const auto request = format->encode_upkeep(vectors_context());
  REQUIRE(request);
  CHECK(request->target == "/v3/certificates");
  CHECK(verdict_of_code_url(*format, current()) == V::unknown);

  CHECK_FALSE(format->take_upkeep(certificates_answer({current()}, current()), vectors_now_us));
  CHECK(verdict_of_code_url(*format, current()) == V::accepted);
  CHECK(verdict_of_code_url(*format, next_one()) == V::unknown);

  // Both are there for a while, and messages signed with either are believed.
  CHECK_FALSE(
      format->take_upkeep(certificates_answer({current(), next_one()}, current()), vectors_now_us));
  CHECK(verdict_of_code_url(*format, current()) == V::accepted);
  CHECK(verdict_of_code_url(*format, next_one()) == V::accepted);
}

TEST_CASE("certificates that somebody else has sealed or signed change nothing") {
  const auto format = wechat(wechat_config_without_keys(), wechat_pay::Certificates::fetched);
  const std::string other_key = "another APIv3 key of 32 letters.";
  REQUIRE(other_key.size() == 32);
  CHECK(format->take_upkeep(certificates_answer({current()}, current(), other_key), vectors_now_us)
            ->code == ProblemCode::broken_ciphertext);
  CHECK(format->take_upkeep(certificates_answer({current()}, next_one()), vectors_now_us));
  CHECK(format->take_upkeep({500, {}, "down"}, vectors_now_us));
  CHECK(verdict_of_code_url(*format, current()) == V::unknown);
}

TEST_CASE(
    "before WeChat's certificates are there nothing is asked whose answer nobody could check") {
  const auto format = wechat(wechat_config_without_keys(), wechat_pay::Certificates::fetched);
  const auto encoded = format->encode(example_call(Op::create), vectors_context());
  REQUIRE(std::holds_alternative<Problem>(encoded));
  CHECK(std::get<Problem>(encoded).field == "platform_certificates");
  format->take_upkeep(certificates_answer({current()}, current()), vectors_now_us);
  CHECK(std::holds_alternative<WireRequest>(
      format->encode(example_call(Op::create), vectors_context())));
}

TEST_CASE("an account whose keys are configured fetches nothing") {
  CHECK_FALSE(wechat(wechat_config(), wechat_pay::Certificates::as_configured)
                  ->encode_upkeep(vectors_context()));
  CHECK_FALSE(stripe::wire_format_of(stripe_account())->encode_upkeep(vectors_context()));
}

TEST_CASE("WeChat's notification is known again by what it signs, whatever else its head says") {
  const auto format = wechat(wechat_config(), wechat_pay::Certificates::as_configured);
  RawCallback callback = wechat_callback("TRANSACTION.SUCCESS", wechat_transaction("SUCCESS"));
  const ReplayMark mark = format->replay_mark(callback);
  CHECK(mark.nonce == "5K8264ILTKCH16CQ2502SI8ZNMTM67VS");
  callback.headers.emplace_back("x-forwarded-for", "somebody");
  CHECK(format->replay_mark(callback).nonce == mark.nonce);
  CHECK(format->replay_mark(callback).content == mark.content);
  callback.body += " ";
  CHECK(format->replay_mark(callback).nonce == mark.nonce);
  CHECK(format->replay_mark(callback).content != mark.content);
}

TEST_CASE("what a channel could never be asked for it objects to before anything is signed") {
  const auto wechat_format = wechat(wechat_config(), wechat_pay::Certificates::as_configured);
  const auto alipay_format =
      alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config()));
  const auto union_pay_format =
      union_pay::wire_format_of(union_pay_test::account_of(union_pay_test::secret_config()));
  const auto stripe_format = stripe::wire_format_of(stripe_account());
  CreatePayment good;
  good.amount_minor = 100;
  good.currency = *Currency::parse("CNY");
  const auto objection = [&good](const WireFormatPtr& format, void (*bend)(CreatePayment&)) {
    CreatePayment order = good;
    bend(order);
    const auto problem = format->objection(proposed_call(order));
    return problem ? std::string(spec_of(problem->code).name) + " " + problem->field : "none";
  };
  for (const auto* format : {&wechat_format, &alipay_format, &union_pay_format, &stripe_format})
    CHECK(objection(*format, [](CreatePayment&) {}) == "none");
  for (const auto* format : {&wechat_format, &alipay_format, &union_pay_format}) {
    CAPTURE((*format)->kind());
    CHECK(objection(*format, [](CreatePayment& o) { o.method = "front"; }) ==
          "invalid_value /method");
    CHECK(objection(*format, [](CreatePayment& o) { o.currency = *Currency::parse("USD"); }) ==
          "invalid_value /currency");
    CHECK(objection(*format, [](CreatePayment& o) { o.capture_method = CaptureMethod::manual; }) ==
          "invalid_value /capture");
  }
  // The sandbox's own protocol has one way to pay, and that has no name.
  const auto sandbox_format =
      sandbox_wire::wire_format_of({"http://127.0.0.1:1", "a secret for tests", ""});
  CHECK(objection(sandbox_format, [](CreatePayment&) {}) == "none");
  for (const auto method :
       {+[](CreatePayment& o) { o.method = "native"; }, +[](CreatePayment& o) { o.method = "qr"; }})
    CHECK(objection(sandbox_format, method) == "invalid_value /method");
  ChannelCall asked = example_call(Op::create);
  asked.method = "native";
  CHECK(std::holds_alternative<Problem>(sandbox_format->encode(asked, vectors_context())));
  asked.query = true;
  CHECK(std::holds_alternative<WireRequest>(sandbox_format->encode(asked, vectors_context())));
  CHECK(objection(wechat_format, [](CreatePayment& o) { o.method = "jsapi"; }) ==
        "invalid_value /payer/id");
  CHECK(objection(wechat_format, [](CreatePayment& o) {
          o.method = "jsapi";
          o.payer.id = "o1";
        }) == "none");
  CHECK(objection(alipay_format, [](CreatePayment& o) { o.amount_minor = 10'000'000'001; }) ==
        "invalid_value /amount");
  CHECK(objection(stripe_format, [](CreatePayment& o) {
          o.currency = *Currency::parse("KWD");
          o.amount_minor = 101;
        }) == "invalid_value /amount");
}

TEST_CASE("the default way to pay asks the channel for the very same, left out or spelled out") {
  const auto wechat_format = wechat(wechat_config(), wechat_pay::Certificates::as_configured);
  const auto alipay_format =
      alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config()));
  const auto union_pay_format =
      union_pay::wire_format_of(union_pay_test::account_of(union_pay_test::secret_config()));
  for (const auto* format : {&wechat_format, &alipay_format, &union_pay_format}) {
    CAPTURE((*format)->kind());
    ChannelCall call = example_call(Op::create);
    call.currency = *Currency::parse("CNY");
    call.method.clear();
    ChannelCall spelled = call;
    spelled.method = default_method_of((*format)->kind());
    REQUIRE_FALSE(spelled.method.empty());
    CHECK_FALSE((*format)->objection(spelled));
    const EncodedCall left_out = (*format)->encode(call, vectors_context());
    const EncodedCall spelled_out = (*format)->encode(spelled, vectors_context());
    REQUIRE(std::holds_alternative<WireRequest>(left_out));
    REQUIRE(std::holds_alternative<WireRequest>(spelled_out));
    CHECK(std::get<WireRequest>(left_out).target == std::get<WireRequest>(spelled_out).target);
    CHECK(std::get<WireRequest>(left_out).body == std::get<WireRequest>(spelled_out).body);
  }
  // Stripe offers what it is set up for, which no single way to pay names.
  CHECK(default_method_of("stripe").empty());
  CHECK(default_method_of("sandbox").empty());
}

TEST_CASE("a callback that is not believed still says which order it names, at every channel") {
  const std::string number = example_call(Op::create).channel_order_no;
  RawCallback wechat_paid = wechat_callback("TRANSACTION.SUCCESS", wechat_transaction("SUCCESS"));
  for (auto& [name, value] : wechat_paid.headers)
    if (name == "wechatpay-signature") value = "Zm9yZ2Vk";
  RawCallback stripe_paid =
      stripe_callback(stripe_event("payment_intent.succeeded", stripe_intent("succeeded")));
  stripe_paid.body += ' ';
  sandbox_wire::Callback own{
      sandbox_wire::CallbackEvent::order_paid, sandbox_wire::WireOrder{}, {}};
  own.order->out_order_no = number;
  own.order->merchant_id = "m_1";
  own.order->status = sandbox_wire::OrderStatus::paid;
  own.order->amount_minor = own.order->captured_minor = 100;
  own.order->currency = *Currency::parse("CNY");
  own.order->transaction_id = "sbx1";
  struct Row {
    WireFormatPtr format;
    RawCallback forged;
  };
  Row rows[] = {
      {wechat(wechat_config(), wechat_pay::Certificates::as_configured), wechat_paid},
      {alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config())),
       {"alipay", {}, "out_trade_no=" + number + "&sign=Zm9yZ2Vk&sign_type=RSA2"}},
      {union_pay::wire_format_of(union_pay_test::account_of(union_pay_test::secret_config())),
       {"union_pay", {}, "orderId=" + number + "&signMethod=11&signature=Zm9yZ2Vk"}},
      {stripe::wire_format_of(stripe_account()), stripe_paid},
      {sandbox_wire::wire_format_of({"http://127.0.0.1:1", "a secret for tests", ""}),
       {"sandbox", {}, sandbox_wire::encode_callback(own)}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.format->kind());
    const CallbackVerdict verdict = row.format->parse_callback(row.forged, vectors_now_us);
    REQUIRE(std::holds_alternative<CallbackRefused>(verdict));
    CHECK(std::get<CallbackRefused>(verdict).problem.code == ProblemCode::bad_signature);
    CHECK(std::get<CallbackRefused>(verdict).channel_order_no == number);
  }
}

TEST_CASE("Stripe's event is known again however its signatures are spelled") {
  const auto format = stripe::wire_format_of(stripe_account());
  const std::string body = stripe_event("payment_intent.succeeded", stripe_intent("succeeded"));
  RawCallback callback = stripe_callback(body);
  const std::string mark = format->replay_mark(callback).nonce;
  REQUIRE(std::holds_alternative<ChannelReport>(format->parse_callback(callback, vectors_now_us)));
  RawCallback respelled = callback;
  respelled.headers[0].second += ",v0=junk,v1=0000";
  REQUIRE(std::holds_alternative<ChannelReport>(format->parse_callback(respelled, vectors_now_us)));
  CHECK(format->replay_mark(respelled).nonce == mark);
  RawCallback later{
      "stripe",
      {{"stripe-signature", stripe::sign_webhook(stripe_secret, body, vectors_now_us + us_per_s)}},
      body};
  CHECK(format->replay_mark(later).nonce != mark);
}

TEST_CASE("what Alipay and UnionPay send again they send as it was, and it has no mark") {
  const RawCallback callback{"x", {}, "a=b"};
  CHECK(alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config()))
            ->replay_mark(callback)
            .nonce.empty());
  CHECK(union_pay::wire_format_of(union_pay_test::account_of(union_pay_test::secret_config()))
            ->replay_mark(callback)
            .nonce.empty());
}

TEST_CASE("a channel's own word for being unwell is no judgement of the order") {
  CHECK(fate_of_alipay("20000") == CallFate::unwell);
  CHECK(fate_of_alipay("40005") == CallFate::unwell);
  CHECK(fate_of_alipay("40004", "ACQ.SYSTEM_ERROR") == CallFate::unwell);
  CHECK(fate_of_alipay("40004", "ACQ.PAYMENT_FAIL") == CallFate::answered);
  CHECK(fate_of_alipay("40004", "ACQ.NEVER_SEEN") == CallFate::answered);
  CHECK(fate_of_alipay("40006") == CallFate::answered);
}

TEST_CASE("an answer that cannot be believed is garbled, and a refusal is an answer") {
  const auto format = wechat(wechat_config(), wechat_pay::Certificates::as_configured);
  const ChannelCall call = example_call(Op::refund);
  WireAnswer answer = signed_answer(403, R"({"code":"NOT_ENOUGH","message":"m"})");
  CHECK(format->parse_answer(call, answer, vectors_context()).fate == CallFate::answered);
  answer.body += " ";
  CHECK(format->parse_answer(call, answer, vectors_context()).fate == CallFate::garbled);
}

TEST_CASE("each channel hears its own words for taken and for not taken") {
  struct Row {
    WireFormatPtr format;
    std::string kind;
    std::string taken;
    int not_taken_status;
    std::string not_taken;
  };
  std::vector<Row> rows;
  rows.push_back({wechat(wechat_config(), wechat_pay::Certificates::as_configured), "wechat_pay",
                  R"({"code":"SUCCESS"})", 500, R"({"code":"FAIL","message":"FAIL"})"});
  rows.push_back({alipay::wire_format_of(alipay_test::account_of(alipay_test::public_key_config())),
                  "alipay", "success", 400, "fail"});
  rows.push_back(
      {union_pay::wire_format_of(union_pay_test::account_of(union_pay_test::secret_config())),
       "union_pay", "ok", 400, "fail"});
  rows.push_back({stripe::wire_format_of(stripe_account()), "stripe", R"({"received":true})", 500,
                  R"({"received":false})"});
  rows.push_back({sandbox_wire::wire_format_of({"http://127.0.0.1:1", "secret", ""}), "sandbox",
                  R"({"code":"SUCCESS"})", 401, R"({"code":"bad_signature","message":"why"})"});
  for (const Row& row : rows) {
    CAPTURE(row.kind);
    CHECK(row.format->kind() == row.kind);
    CHECK(row.format->taken().http_status == 200);
    CHECK(row.format->taken().body == row.taken);
    const CallbackAck ack = row.format->not_taken({ProblemCode::bad_signature, "why", ""});
    CHECK(ack.http_status == row.not_taken_status);
    CHECK(ack.body == row.not_taken);
  }
}
