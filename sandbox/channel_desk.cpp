// What the sandbox does with a request; see the header.
#include "sandbox/channel_desk.hpp"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

namespace welkin::sandbox {
namespace {

namespace wire = sandbox_wire;
using Json = nlohmann::ordered_json;

constexpr std::size_t max_timers = 400'000;
constexpr std::size_t max_counted_tries = 400'000;
constexpr std::string_view garbage = "\x01\xff<<< this is no JSON >>>\x02";

UnixUs wall_clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

Reply refuse(int http_status, std::string code, std::string message) {
  return {http_status, wire::encode_answer({std::move(code), std::move(message), {}, {}})};
}

std::string text_of(const Problem& problem) {
  return problem.field.empty() ? problem.detail : problem.field + ": " + problem.detail;
}

Reply bad_request(const Problem& problem) {
  return refuse(400, "INVALID_REQUEST", text_of(problem));
}

Reply show(BookResult result) {
  if (result.refusal) return reply_to(*result.refusal);
  return {200, wire::encode_answer({std::string(wire::code_success), "", std::move(result.order),
                                    std::move(result.refund)})};
}

std::string upper_name(ProblemCode code) {
  std::string name(spec_of(code).name);
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return name;
}

Json sums_json(const std::map<std::string, std::int64_t>& sums) {
  Json json = Json::object();
  for (const auto& [currency, sum] : sums) json[currency] = sum;
  return json;
}

// An amount that is wrong, and still one that the format allows.
std::int64_t wrong_amount(std::int64_t amount_minor) {
  return amount_minor > 1 ? amount_minor - 1 : amount_minor + 1;
}

wire::Callback with_wrong_amount(wire::Callback callback) {
  if (callback.order) {
    callback.order->amount_minor = wrong_amount(callback.order->amount_minor);
    if (callback.order->captured_minor > 0)
      callback.order->captured_minor = wrong_amount(callback.order->captured_minor);
  }
  if (callback.refund) callback.refund->amount_minor = wrong_amount(callback.refund->amount_minor);
  return callback;
}

}  // namespace

Reply reply_to(const Refusal& refusal) {
  return refuse(refusal.http_status, refusal.code, refusal.message);
}
Reply reply_to(int http_status, const Problem& problem) {
  return refuse(http_status, upper_name(problem.code), text_of(problem));
}

ChannelDesk::ChannelDesk(const SandboxConfig& config)
    : config_(config),
      book_(config.max_orders),
      control_{config.misbehaviour, config.auto_pay},
      nonces_(config.nonce_capacity),
      callbacks_(config.secret, config.callback_backoff_ms),
      timers_(1, max_timers) {}

ChannelDesk::~ChannelDesk() { stop(); }

void ChannelDesk::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    stopped_.notify_all();
  }
  timers_.stop();
  callbacks_.stop();
}

// ---- the runtime's requests

Reply ChannelDesk::create_order(const wire::SignatureHeaders& headers, const std::string& body) {
  if (auto refused = refuse_unsigned(headers, body)) return *refused;
  const auto parsed = wire::parse_create_order(body);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return bad_request(*problem);
  const auto& order = std::get<wire::CreateOrder>(parsed);
  return answer({order.out_order_no, "create", false, parse_subject(order.subject)},
                [&](UnixUs now_us) { return book_.create(order, pay_url_base_, now_us); });
}

Reply ChannelDesk::query_order(const wire::SignatureHeaders& headers, const std::string& order_no) {
  if (auto refused = refuse_unsigned(headers, {})) return *refused;
  return answer({order_no, "query", true, {}},
                [&](UnixUs now_us) { return book_.find(order_no, now_us); });
}

Reply ChannelDesk::close_order(const wire::SignatureHeaders& headers, const std::string& order_no,
                               const std::string& body) {
  return order_operation(headers, order_no, body, "close", &OrderBook::close);
}

Reply ChannelDesk::void_order(const wire::SignatureHeaders& headers, const std::string& order_no,
                              const std::string& body) {
  return order_operation(headers, order_no, body, "void", &OrderBook::void_authorization);
}

Reply ChannelDesk::order_operation(const wire::SignatureHeaders& headers,
                                   const std::string& order_no, const std::string& body,
                                   std::string_view what,
                                   BookResult (OrderBook::*work)(const std::string&, UnixUs)) {
  if (auto refused = refuse_unsigned(headers, body)) return *refused;
  const auto parsed = wire::parse_order_reference(body);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return bad_request(*problem);
  // The path is not signed; the number in the body is.
  if (std::get<wire::OrderReference>(parsed).out_order_no != order_no)
    return refuse(400, "INVALID_REQUEST", "/out_order_no: The path names another order.");
  return answer({order_no, what, false, {}},
                [&](UnixUs now_us) { return (book_.*work)(order_no, now_us); });
}

Reply ChannelDesk::capture_order(const wire::SignatureHeaders& headers, const std::string& order_no,
                                 const std::string& body) {
  if (auto refused = refuse_unsigned(headers, body)) return *refused;
  const auto parsed = wire::parse_capture_order(body);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return bad_request(*problem);
  const auto& capture = std::get<wire::CaptureOrder>(parsed);
  if (capture.out_order_no != order_no)
    return refuse(400, "INVALID_REQUEST", "/out_order_no: The path names another order.");
  return answer({order_no, "capture", false, {}}, [&](UnixUs now_us) {
    return book_.capture(order_no, capture.amount_minor, now_us);
  });
}

Reply ChannelDesk::create_refund(const wire::SignatureHeaders& headers, const std::string& body) {
  if (auto refused = refuse_unsigned(headers, body)) return *refused;
  const auto parsed = wire::parse_create_refund(body);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return bad_request(*problem);
  const auto& refund = std::get<wire::CreateRefund>(parsed);
  return answer({refund.out_order_no, "refund", false, {}},
                [&](UnixUs now_us) { return book_.refund(refund, now_us); });
}

Reply ChannelDesk::query_refund(const wire::SignatureHeaders& headers,
                                const std::string& refund_no) {
  if (auto refused = refuse_unsigned(headers, {})) return *refused;
  std::string order_no;
  {
    std::lock_guard lock(mutex_);
    if (const auto found = book_.find_refund(refund_no); found.refund)
      order_no = found.refund->out_order_no;
  }
  return answer({order_no, "query_refund", true, {}},
                [&](UnixUs) { return book_.find_refund(refund_no); });
}

std::optional<Reply> ChannelDesk::refuse_unsigned(const wire::SignatureHeaders& headers,
                                                  const std::string& body) {
  const UnixUs now_us = wall_clock_us();
  if (const auto problem = wire::check_signature(config_.secret, headers, body, now_us))
    return reply_to(401, *problem);
  std::lock_guard lock(mutex_);
  switch (nonces_.judge(headers.nonce, now_us)) {
    case wire::NonceMemory::Judgement::repeated:
      return refuse(401, "REPEATED_NONCE", "The nonce was used before.");
    case wire::NonceMemory::Judgement::full:
      return refuse(503, "SANDBOX_FULL", "Too many requests came within ten minutes.");
    case wire::NonceMemory::Judgement::fresh:
      break;
  }
  nonces_.remember(headers.nonce, now_us);
  return std::nullopt;
}

Reply ChannelDesk::answer(const Asked& asked, const Work& work) {
  const RequestPlan planned = plan(asked);
  if (planned.fail_before_work) return refuse(503, "SYSTEM_ERROR", "Nothing was done.");
  BookResult result;
  {
    std::lock_guard lock(mutex_);
    result = work(wall_clock_us());
    if (result.created && result.refund && control_.auto_pay.refund_after_ms == 0)
      result = book_.settle_refund(result.refund->out_refund_no, refund_succeeds(*result.refund));
    follow_up(result);
  }
  if (planned.delay_ms > 0) pause(planned.delay_ms);
  // Without room to hold the answer back, none that says anything is given.
  if (planned.hold_ms > 0 && !pause(planned.hold_ms))
    return refuse(503, "SYSTEM_ERROR", "Something may have been done.");
  if (planned.fail_after_work) return refuse(503, "SYSTEM_ERROR", "Something may have been done.");
  if (planned.garbage) return {200, std::string(garbage)};
  return show(std::move(result));
}

RequestPlan ChannelDesk::plan(const Asked& asked) {
  std::lock_guard lock(mutex_);
  const OrderContext* context = book_.context(asked.order_no);
  const Misbehaviour& rates =
      context && context->misbehaviour ? *context->misbehaviour : control_.misbehaviour;
  const SubjectTags tags = context ? context->tags : asked.tags.value_or(SubjectTags{});
  return plan_request(rates, tags, config_.seed, asked.order_no, asked.what,
                      count_try(asked.order_no, asked.what), asked.is_query);
}

std::uint64_t ChannelDesk::count_try(const std::string& order_no, std::string_view what) {
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
bool ChannelDesk::pause(std::int64_t for_ms) {
  std::unique_lock lock(mutex_);
  if (stopping_ || pausing_ >= std::max<std::size_t>(1, config_.worker_threads * 3 / 4))
    return false;
  ++pausing_;
  stopped_.wait_for(lock, std::chrono::milliseconds(for_ms), [this] { return stopping_; });
  --pausing_;
  return true;
}

// ---- what follows

void ChannelDesk::follow_up(const BookResult& result) {
  if (result.created && result.order) pay_later(*result.order);
  if (result.created && result.refund) settle_later(*result.refund);
  if (result.event) call_back(result);
}

void ChannelDesk::pay_later(const wire::WireOrder& order) {
  const OrderContext* context = book_.context(order.out_order_no);
  if (!control_.auto_pay.enabled || !context || context->tags.no_auto_pay) return;
  const bool declines =
      context->tags.decline ||
      strikes(config_.seed, order.out_order_no, "decline", 0, control_.auto_pay.decline_ppm);
  // Without room for another timer this payer does not act, as some do not.
  timers_.after(control_.auto_pay.after_ms, [this, order_no = order.out_order_no, declines] {
    payer_acts(order_no, declines);
  });
}

void ChannelDesk::settle_later(const wire::WireRefund& refund) {
  const bool succeeds = refund_succeeds(refund);
  timers_.after(
      control_.auto_pay.refund_after_ms,
      [this, refund_no = refund.out_refund_no, succeeds] { refund_settles(refund_no, succeeds); });
}

bool ChannelDesk::refund_succeeds(const wire::WireRefund& refund) {
  const OrderContext* context = book_.context(refund.out_order_no);
  if (context && context->tags.refund_fail) return false;
  return !strikes(config_.seed, refund.out_refund_no, "refund_fail", 0,
                  control_.auto_pay.refund_fail_ppm);
}

void ChannelDesk::payer_acts(const std::string& order_no, bool declines) {
  std::lock_guard lock(mutex_);
  const UnixUs now_us = wall_clock_us();
  follow_up(declines ? book_.decline(order_no, now_us) : book_.pay(order_no, now_us));
}

void ChannelDesk::refund_settles(const std::string& refund_no, bool succeeds) {
  std::lock_guard lock(mutex_);
  follow_up(book_.settle_refund(refund_no, succeeds));
}

void ChannelDesk::call_back(const BookResult& result) {
  const std::string& order_no =
      result.order ? result.order->out_order_no : result.refund->out_order_no;
  const OrderContext* context = book_.context(order_no);
  if (!context) return;
  const std::string& url = context->notify_url.empty() ? config_.notify_url : context->notify_url;
  if (url.empty()) return;
  const wire::Callback callback{*result.event, result.order, result.refund};
  const Misbehaviour& rates =
      context->misbehaviour ? *context->misbehaviour : control_.misbehaviour;
  // Each refund of an order draws for itself.
  const std::string what = std::string(wire::name_of(*result.event));
  const std::string& draw_for = result.refund ? result.refund->out_refund_no : order_no;
  const CallbackPlan plan = plan_callback(rates, context->tags, config_.seed, draw_for, what);
  if (plan.missing) return;
  Delivery delivery;
  delivery.url = url;
  delivery.body = wire::encode_callback(callback);
  if (plan.forged) delivery.ahead.push_back({delivery.body, /*forged=*/true});
  if (plan.wrong_amount)
    delivery.ahead.push_back(
        {wire::encode_callback(with_wrong_amount(callback)), /*forged=*/false});
  delivery.duplicate = plan.duplicate;
  callbacks_.send(std::move(delivery), plan.delay_ms);
}

// ---- the tester's requests

Reply ChannelDesk::control() const {
  std::lock_guard lock(mutex_);
  return {200, encode_control(control_)};
}

Reply ChannelDesk::set_control(const std::string& body) {
  std::lock_guard lock(mutex_);
  const auto parsed = parse_control(body, control_);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return reply_to(400, *problem);
  control_ = std::get<Control>(parsed);
  return {200, encode_control(control_)};
}

Reply ChannelDesk::set_order_misbehaviour(const std::string& order_no, const std::string& body) {
  std::lock_guard lock(mutex_);
  OrderContext* context = book_.context(order_no);
  if (!context) return refuse(404, "ORDER_NOT_FOUND", "There is no such order.");
  const auto parsed = parse_misbehaviour(body, context->misbehaviour.value_or(Misbehaviour{}));
  if (const auto* problem = std::get_if<Problem>(&parsed)) return reply_to(400, *problem);
  context->misbehaviour = std::get<Misbehaviour>(parsed);
  return refuse(200, std::string(wire::code_success), "");
}

Reply ChannelDesk::pay(const std::string& order_no) {
  std::lock_guard lock(mutex_);
  BookResult result = book_.pay(order_no, wall_clock_us());
  follow_up(result);
  return show(std::move(result));
}

Reply ChannelDesk::decline(const std::string& order_no) {
  std::lock_guard lock(mutex_);
  BookResult result = book_.decline(order_no, wall_clock_us());
  follow_up(result);
  return show(std::move(result));
}

Reply ChannelDesk::list_orders(std::size_t limit, const std::string& before) const {
  Json orders = Json::array();
  std::lock_guard lock(mutex_);
  for (const wire::WireOrder& order : book_.newest(limit, before))
    orders.push_back({{"out_order_no", order.out_order_no},
                      {"merchant_id", order.merchant_id},
                      {"status", wire::name_of(order.status)},
                      {"amount_minor", order.amount_minor},
                      {"captured_minor", order.captured_minor},
                      {"refunded_minor", order.refunded_minor},
                      {"currency", order.currency.code()}});
  return {200, Json{{"orders", std::move(orders)}}.dump()};
}

Reply ChannelDesk::stats() const {
  const DeliveryStats deliveries = callbacks_.stats();
  std::lock_guard lock(mutex_);
  const BookStats& book = book_.stats();
  const Json json{{"orders", book.orders},
                  {"orders_kept", book.orders_kept},
                  {"paid", book.paid},
                  {"refunds", book.refunds},
                  {"charged_minor", sums_json(book.charged_minor)},
                  {"refunded_minor", sums_json(book.refunded_minor)},
                  {"callbacks_delivered", deliveries.delivered},
                  {"callbacks_refused", deliveries.refused},
                  {"callbacks_given_up", deliveries.given_up}};
  return {200, json.dump()};
}

std::string ChannelDesk::return_url(const std::string& order_no) {
  std::lock_guard lock(mutex_);
  const OrderContext* context = book_.context(order_no);
  return context ? context->return_url : std::string();
}

}  // namespace welkin::sandbox
