// The sandbox channel end to end: the runtime's port, real HTTP, the sandbox server in this
// process, and its callbacks coming back through the port's own checks.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "tests/actors/sandbox_channel_world.hpp"

using namespace welkin;
using namespace welkin::sandbox_channel_test;

namespace {

// Sends only a head and answers with the first words of what comes back.
std::string status_of(int port, const std::string& head) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  REQUIRE(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const std::string text = head + "\r\n\r\n";
  REQUIRE(send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
  char answer[12] = {};
  const ssize_t bytes = recv(fd, answer, sizeof answer, MSG_WAITALL);
  close(fd);
  return std::string(answer, static_cast<std::size_t>(std::max<ssize_t>(bytes, 0)));
}

}  // namespace

TEST_CASE("a payment is accepted, paid by callback, and found paid by query") {
  World world;
  const PaymentId payment = next_payment();
  const auto accepted = world.create(payment);
  CHECK(accepted.verdict == V::accepted);
  CHECK(accepted.source == ReportSource::answer);
  CHECK(accepted.next_action.type == "qr_code");
  CHECK_FALSE(accepted.id.empty());

  const auto callback = world.notify.next();
  REQUIRE(callback.believed());
  CHECK(callback.report().payment == payment);
  CHECK(callback.report().verdict == V::paid);
  CHECK(callback.report().amount_minor == 1000);
  CHECK(callback.report().channel_reference == accepted.channel_reference);

  const auto found = world.query(payment);
  CHECK(found.verdict == V::paid);
  CHECK(found.source == ReportSource::query);
  CHECK(world.stats()["charged_minor"]["CNY"] == 1000);
}

TEST_CASE("a repeated create makes no second order") {
  World world;
  const PaymentId payment = next_payment();
  const auto first = world.create(payment, "[sandbox:no_auto_pay]");
  const auto again = world.create(payment, "[sandbox:no_auto_pay]");
  CHECK(again.verdict == V::accepted);
  CHECK(again.channel_reference == first.channel_reference);
  CHECK(world.stats()["orders"] == 1);
  CHECK(world.create(payment, "[sandbox:no_auto_pay] other").code ==
        "ORDER_EXISTS_WITH_OTHER_DATA");
}

TEST_CASE("an open order closes; a paid one refuses to") {
  World world;
  const PaymentId open = next_payment();
  world.create(open, "[sandbox:no_auto_pay]");
  CHECK(world.operate(open, ChannelOperation::close).verdict == V::closed);
  CHECK(world.operate(open, ChannelOperation::close).verdict == V::closed);
  CHECK(world.notify.next().report().verdict == V::closed);
  CHECK(world.control("POST", "/orders/" + channel_order_no(open, 1) + "/pay", "") == 409);

  const PaymentId paid = world.paid_payment();
  const auto refused = world.operate(paid, ChannelOperation::close);
  CHECK(refused.verdict == V::refused);
  CHECK(refused.code == "ORDER_PAID");
}

TEST_CASE("a manual order is authorized, then captured in part or voided") {
  World world;
  const PaymentId captured = next_payment();
  world.create(captured, "", /*manual=*/true);
  CHECK(world.notify.next().report().verdict == V::authorized);
  const auto too_much = world.operate(captured, ChannelOperation::capture, 1001);
  CHECK(too_much.verdict == V::refused);
  CHECK(too_much.code == "AMOUNT_EXCEEDS_AUTHORIZED");
  const auto part = world.operate(captured, ChannelOperation::capture, 600);
  CHECK(part.verdict == V::paid);
  CHECK(part.amount_minor == 600);
  CHECK(world.notify.next().report().amount_minor == 600);

  const PaymentId voided = next_payment();
  world.create(voided, "", /*manual=*/true);
  CHECK(world.notify.next().report().verdict == V::authorized);
  CHECK(world.operate(voided, ChannelOperation::close).code == "ORDER_AUTHORIZED");
  CHECK(world.operate(voided, ChannelOperation::void_).verdict == V::closed);
  CHECK(world.notify.next().report().operation == ChannelOperation::void_);
}

TEST_CASE("a refund is pending, then settled by callback and found by query") {
  World world;
  const PaymentId payment = world.paid_payment();
  CHECK(world.refund(payment, "r1", 400).verdict == V::refund_pending);
  const auto callback = world.notify.next();
  REQUIRE(callback.believed());
  CHECK(callback.report().verdict == V::refunded);
  CHECK(callback.report().refund_id == refund_id_of(payment, "r1").text());
  CHECK(callback.report().amount_minor == 400);
  CHECK(world.refund(payment, "r1", 400, /*query=*/true).verdict == V::refunded);
  CHECK(world.refund(payment, "r1", 400).verdict == V::refunded);
  CHECK(world.refund(payment, "r2", 601).code == "AMOUNT_EXCEEDS_REFUNDABLE");
  CHECK(world.stats()["refunded_minor"]["CNY"] == 400);

  const PaymentId unlucky = world.paid_payment("[sandbox:refund_fail]");
  world.refund(unlucky, "r1", 1);
  CHECK(world.notify.next().report().verdict == V::refund_refused);
}

TEST_CASE("a refund without a delay is settled in its first answer") {
  World world([](sandbox::SandboxConfig& config) { config.auto_pay.refund_after_ms = 0; });
  const PaymentId payment = world.paid_payment();
  CHECK(world.refund(payment, "r1", 400).verdict == V::refunded);
  CHECK(world.notify.next().report().verdict == V::refunded);
}

TEST_CASE("the sandbox has not heard of what was never sent to it") {
  World world;
  CHECK(world.query(next_payment()).verdict == V::not_found);
  CHECK(world.refund(next_payment(), "r1", 1, /*query=*/true).verdict == V::not_found);
  CHECK(world.refund(next_payment(), "r1", 1).verdict == V::not_found);
}

TEST_CASE("a payer who declines is a definite no") {
  World world;
  const PaymentId payment = next_payment();
  world.create(payment, "[sandbox:decline]");
  const auto callback = world.notify.next();
  CHECK(callback.report().verdict == V::refused);
  CHECK(callback.report().code == "PAYER_DECLINED");
  CHECK(world.query(payment).verdict == V::refused);
  CHECK(world.operate(payment, ChannelOperation::close).verdict == V::closed);
}

TEST_CASE("who cannot sign, is late, or repeats a nonce makes nothing happen") {
  World world;
  const auto ask_with = [&](std::string key, HttpChannel::Clock clock, std::string nonce) {
    auto options = world.options();
    options.secret = std::move(key);
    const auto channel =
        sandbox_channel(options, world.http, std::move(clock), [nonce] { return nonce; });
    const auto report = World::ask(*channel, call_for(next_payment(), ChannelOperation::create));
    CHECK(report.verdict == V::unknown);
    return report.code;
  };
  CHECK(ask_with("another secret", wall_clock_us, random_nonce()) == "BAD_SIGNATURE");
  const auto late = [] { return wall_clock_us() - 400 * us_per_s; };
  CHECK(ask_with(secret, late, random_nonce()) == "STALE_TIMESTAMP");
  CHECK(ask_with(secret, wall_clock_us, "short") == "BAD_SIGNATURE");
  CHECK(world.stats()["orders"] == 0);

  const std::string nonce = random_nonce();
  const auto channel =
      sandbox_channel(world.options(), world.http, wall_clock_us, [nonce] { return nonce; });
  const PaymentId payment = next_payment();
  CHECK(World::ask(*channel, call_for(payment, ChannelOperation::create)).verdict == V::accepted);
  CHECK(World::ask(*channel, call_for(payment, ChannelOperation::create)).code == "REPEATED_NONCE");
}

TEST_CASE("a sandbox that is not there has certainly taken nothing") {
  World world;
  world.server->stop();
  const auto report = world.create(next_payment());
  CHECK(report.verdict == V::not_taken);
  CHECK(report.fate == CallFate::not_sent);
  CHECK(report.code == "not_sent");
}

TEST_CASE("the payer can be told to pay, and the orders listed") {
  World world([](sandbox::SandboxConfig& config) { config.auto_pay.enabled = false; });
  const PaymentId payment = next_payment();
  world.create(payment);
  json orders;
  world.control("GET", "/orders", "", &orders);
  REQUIRE(orders["orders"].size() == 1);
  CHECK(orders["orders"][0]["status"] == "OPEN");
  CHECK(world.control("POST", "/orders/" + channel_order_no(payment, 1) + "/pay", "") == 200);
  CHECK(world.notify.next().report().verdict == V::paid);
  const PaymentId declined = next_payment();
  world.create(declined);
  CHECK(world.control("POST", "/orders/" + channel_order_no(declined, 1) + "/decline", "") == 200);
  CHECK(world.notify.next().report().verdict == V::refused);
}

TEST_CASE("a payer who follows the pay link pays and is sent back to the shop") {
  World world([](sandbox::SandboxConfig& config) { config.auto_pay.enabled = false; });
  ChannelCall call = call_for(next_payment(), ChannelOperation::create);
  call.return_url = "http://shop.example/back";
  const auto report = world.ask(call);
  REQUIRE(report.next_action.type == "redirect");
  httplib::Client browser("127.0.0.1", world.port);
  const std::string& link = report.next_action.value;
  const auto page = browser.Get(link.substr(link.find("/sandbox/pay/")).c_str());
  REQUIRE(page);
  CHECK(page->status == 303);
  CHECK(page->get_header_value("Location") == "http://shop.example/back");
  CHECK(world.notify.next().report().verdict == V::paid);
}

TEST_CASE("more clients than workers are all served") {
  World world([](sandbox::SandboxConfig& config) {
    config.worker_threads = 4;
    config.auto_pay.enabled = false;
  });
  std::vector<std::future<ChannelReport>> reports;
  const auto begun = SteadyClock::now();
  for (int i = 0; i < 200; ++i) {
    auto promise = std::make_shared<std::promise<ChannelReport>>();
    reports.push_back(promise->get_future());
    world.channel->call(call_for(next_payment(), ChannelOperation::create),
                        [promise](ChannelReport report) { promise->set_value(std::move(report)); });
  }
  int accepted = 0;
  for (auto& report : reports) accepted += report.get().verdict == V::accepted;
  CHECK(accepted == 200);
  WARN("200 connections over 4 workers took "
       << std::chrono::duration_cast<std::chrono::milliseconds>(SteadyClock::now() - begun).count()
       << " ms");
}

TEST_CASE("the sandbox stops within a few seconds though it holds answers back") {
  World world;
  auto promise = std::make_shared<std::promise<ChannelReport>>();
  auto held = promise->get_future();
  const PaymentId payment = next_payment();
  ChannelCall call = call_for(payment, ChannelOperation::create);
  call.subject = "[sandbox:timeout_after_work]";
  world.channel->call(call,
                      [promise](ChannelReport report) { promise->set_value(std::move(report)); });
  while (world.query(payment).verdict == V::not_found) std::this_thread::yield();
  const auto begun = SteadyClock::now();
  world.server->stop();
  CHECK(SteadyClock::now() - begun < std::chrono::seconds(8));
  REQUIRE(held.wait_for(std::chrono::seconds(patience_s)) == std::future_status::ready);
}

TEST_CASE("the sandbox refuses unsized and chunked bodies, and one that is too large") {
  World world;
  CHECK(status_of(world.port, "POST /sandbox/v1/orders HTTP/1.1\r\nTransfer-Encoding: chunked") ==
        "HTTP/1.1 411");
  CHECK(status_of(world.port, "PUT /sandbox/control/misbehave HTTP/1.1\r\nHost: x") ==
        "HTTP/1.1 411");
  httplib::Client client("127.0.0.1", world.port);
  const auto large =
      client.Post("/sandbox/v1/orders", std::string(65 * 1024, ' '), "application/json");
  CHECK((!large || large->status == 413));
  CHECK(world.stats()["orders"] == 0);
}

TEST_CASE("a sandbox without a secret, or on a taken port, says so instead of starting") {
  sandbox::SandboxConfig config;
  config.port = 0;
  sandbox::SandboxServer no_secret(config);
  CHECK(std::get<Problem>(no_secret.start()).field == "/secret");
  config.secret = secret;
  config.host = "192.0.2.1";  // no address of this machine
  sandbox::SandboxServer no_address(config);
  CHECK(std::get<Problem>(no_address.start()).field == "/port");
}

// ---- callbacks, as the adapter judges them

namespace {

constexpr UnixUs now_us = 1'700'000'000 * us_per_s;

std::string paid_body(const PaymentId& payment) {
  sandbox_wire::WireOrder order;
  order.out_order_no = channel_order_no(payment, 1);
  order.merchant_id = "m_1";
  order.status = sandbox_wire::OrderStatus::paid;
  order.amount_minor = order.captured_minor = 1000;
  order.currency = *Currency::parse("CNY");
  order.transaction_id = "sbx1";
  return sandbox_wire::encode_callback({sandbox_wire::CallbackEvent::order_paid, order, {}});
}

RawCallback signed_callback(const std::string& nonce, const std::string& body, std::int64_t at_s) {
  const auto headers = sandbox_wire::sign(secret, at_s, nonce, body);
  return {"sandbox",
          {{std::string(sandbox_wire::timestamp_header), headers.timestamp},
           {std::string(sandbox_wire::nonce_header), headers.nonce},
           {std::string(sandbox_wire::signature_header), headers.signature}},
          body};
}

struct Judge {
  explicit Judge(std::size_t nonce_capacity = 100) {
    SandboxOptions options;
    options.secret = secret;
    options.replay_capacity = nonce_capacity;
    channel = sandbox_channel(options, http, [] { return now_us; });
  }
  std::string code(const RawCallback& callback) {
    const auto verdict = channel->verify(callback, now_us);
    if (const auto* ignored = std::get_if<IgnoredCallback>(&verdict))
      return std::string(name_of(ignored->reason));
    const auto* refused = std::get_if<CallbackRefused>(&verdict);
    return refused ? std::string(spec_of(refused->problem.code).name) : "believed";
  }
  void settle(const RawCallback& callback, Settled how = Settled::taken) {
    channel->settle(std::get<VerifiedCallback>(channel->verify(callback, now_us)), how);
  }
  HttpClient http;
  std::unique_ptr<HttpChannel> channel;
};

}  // namespace

TEST_CASE("a callback's nonce is used up by settling, not by looking") {
  Judge judge;
  const auto callback = signed_callback(random_nonce(), paid_body(next_payment()), 1'700'000'000);
  CHECK(judge.code(callback) == "believed");
  CHECK(judge.code(callback) == "believed");  // the journal was down: it may come again
  judge.settle(callback);
  CHECK(judge.code(callback) == "repeated");
}

TEST_CASE("a nonce is repeated news under the same bytes only, and refused under any others") {
  Judge judge;
  const std::string nonce = random_nonce();
  const std::string body = paid_body(next_payment());
  judge.settle(signed_callback(nonce, body, 1'700'000'000));
  CHECK(judge.code(signed_callback(nonce, body, 1'700'000'000)) == "repeated");
  CHECK(judge.code(signed_callback(nonce, body, 1'700'000'001)) == "repeated_nonce");
  CHECK(judge.code(signed_callback(nonce, paid_body(next_payment()), 1'700'000'000)) ==
        "repeated_nonce");
  CHECK(judge.code(signed_callback(random_nonce(), body, 1'700'000'000)) == "believed");
}

TEST_CASE("a message that was refused for good is refused again, and names no payment then") {
  Judge judge;
  const auto callback = signed_callback(random_nonce(), paid_body(next_payment()), 1'700'000'000);
  judge.settle(callback, Settled::refused);
  const auto again = judge.channel->verify(callback, now_us);
  REQUIRE(std::holds_alternative<CallbackRefused>(again));
  CHECK(std::get<CallbackRefused>(again).problem.code == ProblemCode::report_mismatch);
  CHECK(std::get<CallbackRefused>(again).channel_order_no.empty());
}

TEST_CASE("a callback that is tampered with, stale, unsigned or unreadable is refused") {
  Judge judge;
  const std::string body = paid_body(next_payment());
  auto tampered = signed_callback(random_nonce(), body, 1'700'000'000);
  tampered.body.replace(tampered.body.find("1000"), 4, "9000");
  CHECK(judge.code(tampered) == "bad_signature");
  auto unsigned_one = signed_callback(random_nonce(), body, 1'700'000'000);
  unsigned_one.headers.clear();
  CHECK(judge.code(unsigned_one) == "bad_signature");
  auto twice = signed_callback(random_nonce(), body, 1'700'000'000);
  twice.headers.push_back(twice.headers.front());
  CHECK(judge.code(twice) == "bad_signature");
  CHECK(judge.code(signed_callback(random_nonce(), body, 1'700'000'000 - 301)) ==
        "stale_timestamp");
  CHECK(judge.code(signed_callback(random_nonce(), "{}", 1'700'000'000)) == "missing_field");
  CHECK(judge.code(signed_callback(random_nonce(), "no json", 1'700'000'000)) == "malformed_json");
}

TEST_CASE("when too many nonces are remembered, a new callback is sent away and may come again") {
  Judge judge(1);
  judge.settle(signed_callback(random_nonce(), paid_body(next_payment()), 1'700'000'000));
  CHECK(judge.code(signed_callback(random_nonce(), paid_body(next_payment()), 1'700'000'000)) ==
        "overloaded");
}
