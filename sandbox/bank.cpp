// What the bank does with a request and with what follows from it; see the header.
#include "sandbox/bank.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "protocol/channels/crypto.hpp"

namespace welkin::sandbox {
namespace {

namespace wire = sandbox_wire;

constexpr std::size_t max_timers = 400'000;
constexpr std::size_t max_counted_tries = 400'000;

// An amount that is wrong, and still one that the format allows.
std::int64_t wrong_amount(std::int64_t amount_minor) {
  return amount_minor > 1 ? amount_minor - 1 : amount_minor + 1;
}

void spoil(wire::WireOrder& order) {
  order.amount_minor = wrong_amount(order.amount_minor);
  if (order.captured_minor > 0) order.captured_minor = wrong_amount(order.captured_minor);
}

BookResult with_wrong_amount(BookResult news) {
  if (news.order) spoil(*news.order);
  if (!news.refund) {
    spoil(news.facts.order);
    return news;
  }
  news.refund->amount_minor = wrong_amount(news.refund->amount_minor);
  news.facts.order.refunded_minor = wrong_amount(news.facts.order.refunded_minor);
  return news;
}

BookResult not_at_this_desk() {
  BookResult result;
  result.refusal = Refusal{404, "ORDER_NOT_FOUND", "There is no such order."};
  return result;
}

}  // namespace

UnixUs wall_clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

std::string make_nonce() {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) std::abort();  // nothing can be signed without
  return crypto::hex({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

Bank::Bank(const SandboxConfig& config)
    : config_(config),
      book_(config.max_orders),
      control_{config.misbehaviour, config.auto_pay},
      callbacks_(config.callback_backoff_ms),
      timers_(1, max_timers) {}

Bank::~Bank() { stop(); }

void Bank::add_desk(Desk& desk) { desks_.push_back(&desk); }

void Bank::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    stopped_.notify_all();
  }
  timers_.stop();
  callbacks_.stop();
}

Served Bank::serve(const Asked& asked, const Work& work) {
  const RequestPlan planned = plan(asked);
  if (planned.fail_before_work) return {Mishap::not_done, {}};
  BookResult result;
  {
    std::lock_guard lock(mutex_);
    const UnixUs now_us = wall_clock_us();
    const std::string_view owner = book_.desk_of(asked.order_no);
    if (asked.what != "create" && !owner.empty() && owner != asked.desk)
      result = not_at_this_desk();
    else
      result = work(book_, now_us);
    const bool at_once = asked.refund_settles_at_once || control_.auto_pay.refund_after_ms == 0;
    if (result.created && result.refund && at_once && !gets_stuck(*result.refund)) {
      result = book_.settle_refund(result.refund->out_refund_no, refund_succeeds(*result.refund),
                                   now_us);
      result.created = true;
    }
    follow_up(result);
  }
  if (planned.delay_ms > 0) pause(planned.delay_ms);
  // Without room to hold the answer back, none that says anything is given.
  if (planned.hold_ms > 0 && !pause(planned.hold_ms)) return {Mishap::not_told, std::move(result)};
  if (planned.fail_after_work) return {Mishap::not_told, std::move(result)};
  return {planned.garbage ? Mishap::unreadable : Mishap::none, std::move(result), planned.in_gbk};
}

RequestPlan Bank::plan(const Asked& asked) {
  std::lock_guard lock(mutex_);
  const OrderContext* context = book_.context(asked.order_no);
  const Misbehaviour& rates =
      context && context->misbehaviour ? *context->misbehaviour : control_.misbehaviour;
  const SubjectTags tags = context ? context->tags : asked.tags.value_or(SubjectTags{});
  return plan_request(rates, tags, config_.seed, asked.order_no, asked.what,
                      count_try(asked.order_no, asked.what), asked.is_query);
}

std::uint64_t Bank::count_try(const std::string& order_no, std::string_view what) {
  const std::string key = order_no + "/" + std::string(what);
  const auto [it, is_new] = tries_.emplace(key, 0);
  if (!is_new) return ++it->second;
  tries_by_age_.push_back(key);
  if (tries_by_age_.size() > max_counted_tries) {
    tries_.erase(tries_by_age_.front());
    tries_by_age_.pop_front();
  }
  return 0;
}

// Waits, unless three quarters of the workers do so already: the rest must stay free to answer.
bool Bank::pause(std::int64_t for_ms) {
  std::unique_lock lock(mutex_);
  if (stopping_ || pausing_ >= std::max<std::size_t>(1, config_.worker_threads * 3 / 4))
    return false;
  ++pausing_;
  stopped_.wait_for(lock, std::chrono::milliseconds(for_ms), [this] { return stopping_; });
  --pausing_;
  return true;
}

// ---- what follows

void Bank::follow_up(const BookResult& result) {
  if (result.created && result.order) pay_later(result);
  if (result.created && result.refund && !result.event) settle_later(*result.refund);
  if (result.event) call_back(result);
}

void Bank::pay_later(const BookResult& result) {
  const std::string& order_no = result.order->out_order_no;
  const OrderContext* context = book_.context(order_no);
  if (!control_.auto_pay.enabled || !context || context->tags.no_auto_pay) return;
  if (!result.facts.terms.payer_comes) return;
  const bool declines = context->tags.decline || strikes(config_.seed, order_no, "decline", 0,
                                                         control_.auto_pay.decline_ppm);
  // Without room for another timer this payer does not act, as some do not.
  timers_.after(control_.auto_pay.after_ms, [this, order_no, declines] {
    act(order_no, declines ? &OrderBook::decline : &OrderBook::pay);
  });
}

void Bank::settle_later(const wire::WireRefund& refund) {
  const bool sticks = gets_stuck(refund);
  const bool succeeds = refund_succeeds(refund);
  timers_.after(control_.auto_pay.refund_after_ms,
                [this, refund_no = refund.out_refund_no, sticks, succeeds] {
                  std::lock_guard lock(mutex_);
                  follow_up(sticks ? book_.stick_refund(refund_no)
                                   : book_.settle_refund(refund_no, succeeds, wall_clock_us()));
                });
}

bool Bank::gets_stuck(const wire::WireRefund& refund) {
  const OrderContext* context = book_.context(refund.out_order_no);
  return context && context->tags.refund_stuck;
}

bool Bank::refund_succeeds(const wire::WireRefund& refund) {
  const OrderContext* context = book_.context(refund.out_order_no);
  if (context && context->tags.refund_fail) return false;
  return !strikes(config_.seed, refund.out_refund_no, "refund_fail", 0,
                  control_.auto_pay.refund_fail_ppm);
}

BookResult Bank::act(const std::string& order_no,
                     BookResult (OrderBook::*what)(const std::string&, UnixUs)) {
  std::lock_guard lock(mutex_);
  BookResult result = (book_.*what)(order_no, wall_clock_us());
  follow_up(result);
  return result;
}

void Bank::call_back(const BookResult& news) {
  const std::string& order_no = news.facts.order.out_order_no;
  const OrderContext* context = book_.context(order_no);
  if (!context) return;
  const auto at = std::find_if(desks_.begin(), desks_.end(), [&news](const Desk* desk) {
    return desk->name() == news.facts.terms.desk;
  });
  if (at == desks_.end()) return;
  const Desk* desk = *at;
  std::string url = news.refund ? news.refund_facts.terms.notify_url : std::string();
  if (url.empty()) url = context->notify_url.empty() ? config_.notify_url : context->notify_url;
  if (url.empty()) return;
  const Misbehaviour& rates =
      context->misbehaviour ? *context->misbehaviour : control_.misbehaviour;
  // Each refund of an order draws for itself.
  const std::string what = std::string(wire::name_of(*news.event));
  const std::string& draw_for = news.refund ? news.refund->out_refund_no : order_no;
  const CallbackPlan plan = plan_callback(rates, context->tags, config_.seed, draw_for, what);
  if (plan.missing) return;
  const UnixUs now_us = wall_clock_us();
  auto seal = desk->tell(news, now_us);
  if (!seal) return;
  Delivery delivery;
  delivery.url = std::move(url);
  if (plan.forged) delivery.ahead.push_back({*seal, /*forged=*/true});
  if (plan.wrong_amount)
    if (auto lie = desk->tell(with_wrong_amount(news), now_us))
      delivery.ahead.push_back({*std::move(lie), /*forged=*/false});
  if (plan.strange)
    for (Seal& strange : desk->strange_news(news, now_us))
      delivery.ahead.push_back({std::move(strange), /*forged=*/false});
  delivery.seal = *std::move(seal);
  delivery.desk = desk;
  delivery.duplicate = plan.duplicate;
  callbacks_.send(std::move(delivery), plan.delay_ms);
}

// ---- the tester's

Control Bank::control() const {
  std::lock_guard lock(mutex_);
  return control_;
}

std::variant<Control, Problem> Bank::set_control(const std::string& body) {
  std::lock_guard lock(mutex_);
  auto parsed = parse_control(body, control_);
  if (const auto* control = std::get_if<Control>(&parsed)) control_ = *control;
  return parsed;
}

std::optional<std::variant<Misbehaviour, Problem>> Bank::set_misbehaviour(
    const std::string& order_no, const std::string& body) {
  std::lock_guard lock(mutex_);
  OrderContext* context = book_.context(order_no);
  if (!context) return std::nullopt;
  auto parsed = parse_misbehaviour(body, context->misbehaviour.value_or(Misbehaviour{}));
  if (const auto* given = std::get_if<Misbehaviour>(&parsed)) context->misbehaviour = *given;
  return parsed;
}

BookResult Bank::pay(const std::string& order_no) { return act(order_no, &OrderBook::pay); }
BookResult Bank::decline(const std::string& order_no) { return act(order_no, &OrderBook::decline); }
BookResult Bank::begin(const std::string& order_no) { return act(order_no, &OrderBook::begin); }

BookResult Bank::pay_again(const std::string& order_no) {
  {
    std::lock_guard lock(mutex_);
    const std::string_view desk = book_.desk_of(order_no);
    if (!desk.empty() && desk != "alipay") {
      BookResult refused;
      refused.refusal = Refusal{409, "NOT_HERE", "This channel takes one payment an order."};
      return refused;
    }
  }
  return act(order_no, &OrderBook::pay_again);
}

BookResult Bank::refund_at_desk(const std::string& order_no,
                                std::optional<std::int64_t> amount_minor) {
  std::lock_guard lock(mutex_);
  BookResult result = book_.refund_at_desk(order_no, amount_minor, wall_clock_us());
  follow_up(result);
  return result;
}

BookResult Bank::settle_stuck_refunds(const std::string& order_no) {
  std::lock_guard lock(mutex_);
  const UnixUs now_us = wall_clock_us();
  for (const BookResult& of : book_.refunds_of(order_no)) {
    if (of.refund->status != wire::RefundStatus::stuck) continue;
    follow_up(book_.settle_refund(of.refund->out_refund_no, true, now_us));
  }
  return book_.find(order_no, now_us);
}

std::vector<OrderFacts> Bank::newest(std::size_t limit, const std::string& before,
                                     bool open_only) const {
  std::lock_guard lock(mutex_);
  return book_.newest(limit, before, open_only);
}

std::optional<OrderFacts> Bank::facts(const std::string& order_no) {
  std::lock_guard lock(mutex_);
  BookResult found = book_.find(order_no, wall_clock_us());
  if (!found.order) return std::nullopt;
  return std::move(found.facts);
}

BookStats Bank::book_stats() const {
  std::lock_guard lock(mutex_);
  return book_.stats();
}

}  // namespace welkin::sandbox
