// Calls go out signed, callbacks come in checked; see the header.
#include "actors/http_channel.hpp"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "protocol/channels/default_method.hpp"

namespace welkin {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int too_many_requests = 429;

// A Problem with a pointer into the order ("/currency") is the order's fault, which every account
// would find: it is refused. Only what is not known yet (the channel's own number of the charge),
// and whatever names a part of the account, may be otherwise at another time or account.
bool is_about_the_order(const Problem& problem) {
  return !problem.field.empty() && problem.field.front() == '/' &&
         problem.field != "/channel_reference";
}

ChannelReport report_of(const ChannelCall& call, const Problem& problem) {
  const std::string field = problem.field.empty() ? "" : " (" + problem.field + ")";
  ChannelReport report =
      report_not_taken(call, std::string(spec_of(problem.code).name), problem.detail + field);
  if (!call.query && is_about_the_order(problem))
    report.verdict = call.operation == ChannelOperation::refund ? ChannelVerdict::refund_refused
                                                                : ChannelVerdict::refused;
  report.merchant_by_account = true;
  return report;
}

ChannelReport report_not_sent(const ChannelCall& call, const HttpResult& result) {
  ChannelReport report = report_not_taken(call, "not_sent", result.code + ": " + result.detail);
  // Our own lack of room says nothing of the channel's health, and is not helped by another try.
  const bool unreachable = result.code == "connect_failed" || result.code == "deadline" ||
                           result.code == "connection_broken";
  if (unreachable) report.fate = CallFate::not_sent;
  return report;
}

ChannelReport report_no_answer(const ChannelCall& call, const HttpResult& result) {
  ChannelReport report = report_unknown(call, "no_answer", result.code + ": " + result.detail);
  report.fate = CallFate::no_answer;
  return report;
}

// The call before said where the charge is, or there is nothing to do the operation on.
ChannelReport report_without(const ChannelCall& call, const ChannelReport& before) {
  ChannelReport report = report_not_taken(call, before.code, before.message);
  report.fate = before.fate;
  if (before.verdict == ChannelVerdict::not_found) report.verdict = ChannelVerdict::not_found;
  return report;
}

}  // namespace

std::string random_nonce() {
  constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  // Without random numbers nothing that is signed is safe, so there is nothing to go on with.
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) std::abort();
  std::string text;
  for (const unsigned char byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

// What calls under way share with the channel, and keep.
class HttpChannel::Line : public std::enable_shared_from_this<Line> {
 public:
  Line(HttpChannelOptions options, WireFormatPtr format, HttpClient& http, Clock clock,
       NonceSource nonce)
      : options_(std::move(options)),
        format_(std::move(format)),
        http_(http),
        clock_(std::move(clock)),
        nonce_(std::move(nonce)) {
    needs_upkeep_ = format_->encode_upkeep(context()).has_value();
  }

  const HttpChannelOptions& options() const { return options_; }
  const WireFormat& format() const { return *format_; }
  UnixUs now_us() const { return clock_(); }
  bool needs_upkeep() const { return needs_upkeep_; }

  void call(const ChannelCall& call, Done done) {
    const auto deadline = SteadyClock::now() + std::chrono::milliseconds(options_.timeout_ms);
    const auto before = format_->call_before(call);
    if (!before) return ask(call, deadline, std::move(done));
    make(*before, deadline,
         [line = shared_from_this(), call, deadline, done = std::move(done)](ChannelReport report) {
           if (report.channel_reference.empty()) return done(report_without(call, report));
           ChannelCall known = call;
           known.channel_reference = std::move(report.channel_reference);
           line->make(known, deadline, done);
         });
  }

  // Asks when it is time to. A message that a key which is not known has signed makes it so, yet
  // anybody can send such a message: never more often than the pause allows.
  void upkeep(bool now) {
    if (!needs_upkeep_) return;
    const SigningContext context = this->context();
    {
      const std::lock_guard lock(upkeep_mutex_);
      const UnixUs due_us =
          now ? upkeep_tried_at_us_ + options_.upkeep_pause_us : upkeep_due_at_us_;
      if (upkeep_under_way_ || (upkeep_tried_at_us_ != 0 && context.now_us < due_us)) return;
      upkeep_under_way_ = true;
      upkeep_tried_at_us_ = context.now_us;
    }
    auto request = format_->encode_upkeep(context);
    if (!request) return;
    http_.send(
        http_call(std::move(*request), options_.timeout_ms),
        [line = shared_from_this()](HttpResult result) { line->kept_up(std::move(result)); });
  }

 private:
  using Deadline = SteadyClock::time_point;

  SigningContext context() const { return {clock_(), nonce_()}; }

  HttpCall http_call(WireRequest request, std::int64_t timeout_ms) const {
    HttpCall call;
    call.method = std::move(request.method);
    call.url = std::string(format_->base_url()) + request.target;
    call.headers = std::move(request.headers);
    call.body = std::move(request.body);
    call.connect_timeout_ms = options_.connect_timeout_ms;
    call.timeout_ms = timeout_ms;
    call.ca_file = options_.ca_file;
    return call;
  }

  // What was heard first still holds when nothing better is heard; the account's health is that of
  // the call that failed.
  void ask(const ChannelCall& call, Deadline deadline, Done done) {
    make(call, deadline,
         [line = shared_from_this(), call, deadline, done = std::move(done)](ChannelReport first) {
           const auto after = line->format_->call_after(call, first);
           if (!after) return done(std::move(first));
           line->make(*after, deadline, [first = std::move(first), done](ChannelReport second) {
             if (!second.channel_reference.empty()) return done(std::move(second));
             ChannelReport report = first;
             report.fate = second.fate;
             done(std::move(report));
           });
         });
  }

  void make(const ChannelCall& call, Deadline deadline, Done done) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    SigningContext context = this->context();
    EncodedCall encoded = format_->encode(call, context);
    if (auto* report = std::get_if<ChannelReport>(&encoded)) {
      report->id = std::move(context.nonce);
      return done(std::move(*report));
    }
    if (const auto* problem = std::get_if<Problem>(&encoded))
      return done(report_of(call, *problem));
    http_.send(http_call(std::get<WireRequest>(std::move(encoded)),
                         std::max<std::int64_t>(1, left.count())),
               [line = shared_from_this(), call, nonce = std::move(context.nonce),
                done = std::move(done)](HttpResult result) {
                 ChannelReport report = line->heard(call, nonce, std::move(result));
                 report.id = nonce;
                 done(std::move(report));
               });
  }

  ChannelReport heard(const ChannelCall& call, const std::string& nonce, HttpResult result) {
    if (result.outcome == HttpOutcome::not_sent) return report_not_sent(call, result);
    if (result.outcome == HttpOutcome::no_answer) return report_no_answer(call, result);
    const int status = result.status;
    ChannelReport report = format_->parse_answer(
        call, {status, std::move(result.headers), std::move(result.body)}, {clock_(), nonce});
    if (status >= 500 || status == too_many_requests) report.fate = CallFate::unwell;
    if (report.fate == CallFate::garbled && report.code == unknown_serial()) upkeep(true);
    return report;
  }

  static std::string_view unknown_serial() { return spec_of(ProblemCode::unknown_serial).name; }

  void kept_up(HttpResult result) {
    const UnixUs now_us = clock_();
    std::string why = result.code;
    if (result.outcome == HttpOutcome::answered) {
      const auto problem = format_->take_upkeep(
          {result.status, std::move(result.headers), std::move(result.body)}, now_us);
      why = problem ? std::string(spec_of(problem->code).name) : "";
    }
    if (!why.empty())
      spdlog::warn("channel account {}: its channel's keys were not fetched: {}, status {}",
                   options_.account, why, result.status);
    const std::lock_guard lock(upkeep_mutex_);
    upkeep_under_way_ = false;
    upkeep_due_at_us_ =
        now_us + (why.empty() ? options_.upkeep_interval_us : options_.upkeep_pause_us);
  }

  const HttpChannelOptions options_;
  const WireFormatPtr format_;
  HttpClient& http_;
  const Clock clock_;
  const NonceSource nonce_;
  bool needs_upkeep_ = false;

  std::mutex upkeep_mutex_;
  bool upkeep_under_way_ = false;
  UnixUs upkeep_tried_at_us_ = 0;
  UnixUs upkeep_due_at_us_ = 0;
};

HttpChannel::HttpChannel(HttpChannelOptions options, WireFormatPtr format, HttpClient& http,
                         Clock clock, NonceSource nonce)
    : line_(std::make_shared<Line>(std::move(options), std::move(format), http, std::move(clock),
                                   std::move(nonce))),
      used_(line_->options().replay_capacity) {}

std::string_view HttpChannel::name() const { return line_->options().account; }

std::string_view HttpChannel::default_method() const {
  return default_method_of(line_->format().kind());
}

std::optional<Problem> HttpChannel::objection(const CreatePayment& order) const {
  auto problem = line_->format().objection(proposed_call(order));
  if (problem && !is_about_the_order(*problem)) problem.reset();
  return problem;
}

void HttpChannel::call(const ChannelCall& call, Done done) { line_->call(call, std::move(done)); }

CheckedCallback HttpChannel::verify(const RawCallback& callback, UnixUs now_us) {
  CallbackVerdict verdict = line_->format().parse_callback(callback, now_us);
  if (auto* refused = std::get_if<CallbackRefused>(&verdict)) {
    if (refused->problem.code == ProblemCode::unknown_serial) line_->upkeep(true);
    return std::move(*refused);
  }
  if (const auto* ignored = std::get_if<CallbackIgnored>(&verdict))
    return IgnoredCallback{line_->format().taken(), ignored->reason};
  VerifiedCallback verified{std::get<ChannelReport>(std::move(verdict)), line_->format().taken(),
                            line_->format().replay_mark(callback),
                            line_->format().hears_of_strangers()};
  verified.report.account = line_->options().account;
  const std::string& nonce = verified.replay_mark.nonce;
  if (nonce.empty()) return verified;
  const std::lock_guard lock(used_mutex_);
  switch (used_.judge(nonce, now_us)) {
    case NonceMemory::Judgement::fresh:
      break;
    case NonceMemory::Judgement::full:
      return CallbackRefused{
          {ProblemCode::overloaded, "Too many callbacks came within ten minutes.", {}}, {}};
    case NonceMemory::Judgement::repeated: {
      const NonceMemory::Note note = *used_.note_of(nonce);
      return known_again(std::move(verified), note);
    }
  }
  return verified;
}

// The same message is the same news, which a relay may deliver twice: it is answered as before. A
// refusal of it was kept with its payment then, and names none now.
CheckedCallback HttpChannel::known_again(VerifiedCallback callback,
                                         const NonceMemory::Note& note) const {
  if (note.content != callback.replay_mark.content)
    return CallbackRefused{
        {ProblemCode::repeated_nonce, "The nonce was used before, by another message.", {}},
        callback.report.channel_order_no};
  if (note.taken) return IgnoredCallback{std::move(callback.ack), IgnoredFor::repeated};
  return CallbackRefused{
      {ProblemCode::report_mismatch, "The same message has been refused before.", {}}, {}};
}

void HttpChannel::settle(const VerifiedCallback& callback, Settled how) {
  if (callback.replay_mark.nonce.empty()) return;
  const std::lock_guard lock(used_mutex_);
  used_.remember(callback.replay_mark.nonce, line_->now_us(),
                 {callback.replay_mark.content, how == Settled::taken});
}

CallbackAck HttpChannel::refusal(const Problem& why) const {
  return line_->format().not_taken(why);
}
bool HttpChannel::needs_upkeep() const { return line_->needs_upkeep(); }
void HttpChannel::upkeep() { line_->upkeep(false); }

}  // namespace welkin
