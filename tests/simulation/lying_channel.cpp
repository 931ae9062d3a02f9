// The adapter's end and the wires; the server's end is in channel_server.cpp.
#include "tests/simulation/lying_channel.hpp"

#include <algorithm>
#include <utility>

namespace welkin::simulation {
namespace {

namespace wire = sandbox_wire;

constexpr std::string_view secret = "the secret that both ends know";
constexpr UnixUs call_deadline_us = 5 * us_per_s;
constexpr std::size_t nonce_capacity = 100'000;
// A callback is sent again after 1, 2, 4 … seconds, and most are given up after so many tries.
constexpr int max_callback_tries = 10;
constexpr int max_tries_of_what_must_arrive = 100;
constexpr int longest_retry_step = 5;

}  // namespace

LyingChannel::LyingChannel(Stage& stage, std::string account, Dice dice)
    : stage_(stage), account_(std::move(account)), dice_(dice), nonces_(nonce_capacity) {}

void LyingChannel::later(UnixUs after_us, std::function<void()> task) {
  ++under_way_;
  stage_.after(after_us, [this, task = std::move(task)] {
    --under_way_;
    task();
  });
}

// ---- the runtime's end

void LyingChannel::call(const ChannelCall& call, Done done) {
  if (is_cut_) return;
  ++stage_.activity;
  const std::uint64_t number = ++calls_;
  asked_.emplace(number, Asked{call, std::move(done)});
  const UnixUs deadline_us = stage_.now_us() + call_deadline_us;
  const bool spared = call.subject == spared_subject;
  if (stage_.faults.strikes(FaultKind::connection_refused, spared)) {
    later(dice_.between(us_per_ms, 2 * us_per_s), [this, number] {
      const auto asked = asked_.find(number);
      if (asked == asked_.end()) return;
      ChannelReport report = report_not_taken(asked->second.call, "not_sent", "nobody listens");
      report.fate = CallFate::not_sent;
      answer(number, std::move(report));
    });
    return;
  }
  const wire::EncodedRequest request = wire::encode_request(call, "");
  UnixUs travel_us = dice_.between(200, 20 * us_per_ms);
  const bool lost = stage_.faults.strikes(FaultKind::request_lost, spared);
  if (!lost && stage_.faults.strikes(FaultKind::request_stuck, spared))
    travel_us = dice_.between(6 * us_per_s, 120 * us_per_s);
  stage_.note([&] {
    return account_ + ": " + request.method + " " + request.path + (lost ? ", lost" : "") +
           (travel_us > call_deadline_us ? ", stuck on its way" : "");
  });
  if (!lost)
    later(travel_us, [this, number, request, spared, deadline_us] {
      arrive(number, request, spared, deadline_us);
    });
  stage_.agenda.at(deadline_us, [this, number] {
    const auto asked = asked_.find(number);
    if (asked == asked_.end()) return;
    ChannelReport report = report_unknown(asked->second.call, "no_answer", "the deadline passed");
    report.fate = CallFate::no_answer;
    answer(number, std::move(report));
  });
}

void LyingChannel::arrive(std::uint64_t number, const wire::EncodedRequest& request, bool spared,
                          UnixUs deadline_us) {
  FaultBoard& faults = stage_.faults;
  const bool fails = faults.strikes(FaultKind::answer_5xx, spared);
  const bool fails_before_work = fails && dice_.percent(50);
  // Whoever asked has given up, and may conclude that nothing is there.
  const bool too_late = stage_.now_us() >= deadline_us;
  HttpReply reply;
  if (!fails_before_work) reply = serve(request);
  if (too_late && !spared)
    if (BookedOrder* order = books_.find(asked_order_no(request))) order->may_be_forgotten = true;
  if (fails) reply = {503, R"({"code":"SYSTEM_ERROR","message":"try again"})"};
  if (faults.strikes(FaultKind::answer_garbage, spared))
    reply = {200, std::string("<html>\xff\x00 {", 10)};
  UnixUs travel_us = dice_.between(200, 20 * us_per_ms);
  if (faults.strikes(FaultKind::answer_delayed, spared))
    travel_us = dice_.between(500 * us_per_ms, 4 * us_per_s);
  if (faults.strikes(FaultKind::answer_timeout, spared)) travel_us = 2 * call_deadline_us;
  later(travel_us, [this, number, reply = std::move(reply)] {
    const auto asked = asked_.find(number);
    if (asked == asked_.end()) return;  // the deadline was first, or the node died
    answer(number, wire::parse_answer(asked->second.call, reply.status, reply.body));
  });
}

void LyingChannel::answer(std::uint64_t number, ChannelReport report) {
  ++stage_.activity;
  const auto asked = asked_.find(number);
  const Done done = std::move(asked->second.done);
  asked_.erase(asked);
  report.id = "call-" + std::to_string(number);
  stage_.note([&] {
    return account_ + ": answers " + report.channel_order_no + " " +
           std::string(name_of(report.operation)) + " with " +
           std::string(name_of(report.verdict)) + " " + report.code;
  });
  done(std::move(report));
}

CheckedCallback LyingChannel::verify(const RawCallback& callback, UnixUs now_us) {
  const wire::SignatureHeaders headers = wire::signature_headers(callback.headers);
  if (auto problem = wire::check_signature(secret, headers, callback.body, now_us))
    return CallbackRefused{std::move(*problem), {}};
  const Id128 content = signed_content(headers.timestamp, callback.body);
  const CallbackAck ack{200, "application/json", R"({"code":"SUCCESS"})"};
  if (nonces_.judge(headers.nonce, now_us) != wire::NonceMemory::Judgement::fresh) {
    const auto* note = nonces_.note_of(headers.nonce);
    if (note && note->content == content && note->taken)
      return IgnoredCallback{ack, IgnoredFor::repeated};
    return CallbackRefused{{ProblemCode::repeated_nonce, "The nonce was used before.", {}}, {}};
  }
  auto parsed = wire::parse_callback(callback.body, headers.nonce);
  if (auto* problem = std::get_if<Problem>(&parsed))
    return CallbackRefused{std::move(*problem), {}};
  return VerifiedCallback{
      std::get<ChannelReport>(std::move(parsed)), ack, {headers.nonce, content}};
}

void LyingChannel::settle(const VerifiedCallback& callback, Settled how) {
  nonces_.remember(callback.replay_mark.nonce, stage_.now_us(),
                   {callback.replay_mark.content, how == Settled::taken});
}

void LyingChannel::node_died() {
  asked_.clear();
  nonces_ = wire::NonceMemory(nonce_capacity);
}

// ---- callbacks

std::string LyingChannel::nonce() {
  std::string digits = std::to_string(++nonces_made_);
  return "nonce-" + std::string(16 - std::min<std::size_t>(digits.size(), 16), '0') + digits;
}

RawCallback LyingChannel::sign(const Letter& letter) {
  const std::string_view with = letter.forged ? "a secret of somebody's own" : secret;
  const wire::SignatureHeaders signature =
      wire::sign(with, stage_.now_us() / us_per_s, nonce(), letter.body);
  return {account_,
          {{std::string(wire::timestamp_header), signature.timestamp},
           {std::string(wire::nonce_header), signature.nonce},
           {std::string(wire::signature_header), signature.signature}},
          letter.body};
}

// Plans one piece of news: what goes ahead of it, when it goes, and whether it goes twice.
void LyingChannel::tell(Letter letter, bool spared, const Lie& lie) {
  FaultBoard& faults = stage_.faults;
  UnixUs after_us = dice_.between(us_per_ms, 100 * us_per_ms);
  if (faults.strikes(FaultKind::callback_forged, spared)) {
    Letter forged = letter;
    forged.forged = true;
    forged.lie = "a forged callback";
    post(std::move(forged), after_us / 2);
  }
  if (lie.body && faults.strikes(FaultKind::callback_wrong_amount, spared)) {
    Letter wrong = letter;
    wrong.body = lie.body();
    wrong.lie = "a callback with a wrong amount";
    wrong.must_arrive = false;
    // Ahead of the true one, or behind it.
    const bool ahead = lie.only_ahead || dice_.percent(70);
    post(std::move(wrong), ahead ? after_us / 2 : after_us + 300 * us_per_ms);
  }
  if (!letter.must_arrive && faults.strikes(FaultKind::callback_missing, spared)) {
    stage_.note([&] { return account_ + ": no callback about " + letter.order_no; });
    return;
  }
  if (faults.strikes(FaultKind::callback_late, spared))
    after_us += dice_.between(2 * us_per_s, 90 * us_per_s);
  if (faults.strikes(FaultKind::callback_reordered, spared)) after_us += 1'500 * us_per_ms;
  letter.sent_twice = faults.strikes(FaultKind::callback_duplicate, spared);
  post(std::move(letter), after_us);
}

void LyingChannel::post(Letter letter, UnixUs after_us) {
  ++callbacks_waiting_;
  stage_.after(after_us, [this, letter = std::move(letter)] { send(letter); });
}

void LyingChannel::send(Letter letter) {
  ++stage_.activity;
  ++letter.tries;
  const RawCallback callback = sign(letter);
  stage_.note([&] {
    return account_ + ": calls back about " + letter.order_no + ": " + letter.body +
           (letter.lie.empty() ? "" : ", " + letter.lie);
  });
  deliver(callback,
          [this, letter, callback](int http_status) { answered(letter, callback, http_status); });
}

void LyingChannel::answered(Letter letter, const RawCallback& sent, int http_status) {
  --callbacks_waiting_;
  if (!letter.lie.empty()) {
    if (http_status == 200) believed_.push_back({letter.order_no, letter.lie});
    return;
  }
  if (http_status == 200) {
    if (!letter.refund_no.empty()) books_.find_refund(letter.refund_no)->success_heard = true;
    if (!std::exchange(letter.sent_twice, false)) return;
    // Once more signed anew, and then the same bytes.
    post(letter, dice_.between(us_per_ms, 2 * us_per_s));
    ++callbacks_waiting_;
    stage_.after(dice_.between(us_per_ms, 2 * us_per_s), [this, sent] {
      ++stage_.activity;
      deliver(sent, [this](int) { --callbacks_waiting_; });
    });
    return;
  }
  if (letter.tries >= (letter.must_arrive ? max_tries_of_what_must_arrive : max_callback_tries))
    return;
  post(letter, us_per_s << std::min(letter.tries - 1, longest_retry_step));
}

}  // namespace welkin::simulation
