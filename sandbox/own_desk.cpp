// How the sandbox's own protocol is read and answered; see the header.
#include "sandbox/own_desk.hpp"

#include <algorithm>
#include <utility>

namespace welkin::sandbox {
namespace {

namespace wire = sandbox_wire;

constexpr std::string_view orders_path = "/sandbox/v1/orders";
constexpr std::string_view refunds_path = "/sandbox/v1/refunds";

std::string text_of(const Problem& problem) {
  return problem.field.empty() ? problem.detail : problem.field + ": " + problem.detail;
}

DeskAnswer bad_request(const Problem& problem) {
  return refuse(400, "INVALID_REQUEST", text_of(problem));
}

std::string upper_name(ProblemCode code) {
  std::string name(spec_of(code).name);
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return name;
}

DeskAnswer answer_of(Served served) {
  switch (served.mishap) {
    case Mishap::not_done:
      return refuse(503, "SYSTEM_ERROR", "Nothing was done.");
    case Mishap::not_told:
      return refuse(503, "SYSTEM_ERROR", "Something may have been done.");
    case Mishap::unreadable:
      return {200, "application/json", std::string(garbage), {}};
    case Mishap::none:
      break;
  }
  return show(std::move(served.result));
}

// What stands in `path` behind "<under>/", or nothing.
std::optional<std::string_view> behind(std::string_view path, std::string_view under) {
  if (path.size() <= under.size() + 1 || path.substr(0, under.size()) != under ||
      path[under.size()] != '/')
    return std::nullopt;
  return path.substr(under.size() + 1);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  });
}

}  // namespace

DeskAnswer refuse(int http_status, std::string code, std::string message) {
  return {http_status,
          "application/json",
          wire::encode_answer({std::move(code), std::move(message), {}, {}}),
          {}};
}
DeskAnswer reply_to(int http_status, const Problem& problem) {
  return refuse(http_status, upper_name(problem.code), text_of(problem));
}
DeskAnswer show(BookResult result) {
  if (result.refusal)
    return refuse(result.refusal->http_status, result.refusal->code, result.refusal->message);
  return {200,
          "application/json",
          wire::encode_answer({std::string(wire::code_success), "", std::move(result.order),
                               std::move(result.refund)}),
          {}};
}

OwnDesk::OwnDesk(Bank& bank, std::string secret, std::size_t nonce_capacity)
    : bank_(bank), secret_(std::move(secret)), nonces_(nonce_capacity) {}

DeskAnswer OwnDesk::answer(const DeskRequest& request) {
  if (auto refused = refuse_unsigned(request)) return *std::move(refused);
  const std::string_view path = request.path();
  const bool posts = request.method == "POST";
  if (posts && path == orders_path) return create_order(request);
  if (posts && path == refunds_path) return create_refund(request);
  if (const auto number = behind(path, refunds_path); number && !posts && is_number(*number))
    return query_refund(std::string(*number));
  if (const auto rest = behind(path, orders_path)) {
    const std::size_t slash = rest->find('/');
    const std::string_view what =
        slash == std::string_view::npos ? std::string_view() : rest->substr(slash + 1);
    const std::string_view number = rest->substr(0, slash);
    if (is_number(number) && posts != what.empty()) return of_order(request, number, what);
  }
  return refuse(404, "NO_SUCH_ROUTE", "The sandbox does not know this.");
}

DeskAnswer OwnDesk::of_order(const DeskRequest& request, std::string_view number,
                             std::string_view what) {
  const std::string order_no(number);
  if (what.empty())
    return answer_of(
        bank_.serve({name(), order_no, "query", true, {}},
                    [&](OrderBook& book, UnixUs now_us) { return book.find(order_no, now_us); }));
  if (what == "close") return order_operation(request, order_no, what, &OrderBook::close);
  if (what == "void")
    return order_operation(request, order_no, what, &OrderBook::void_authorization);
  if (what == "capture") return capture_order(request, order_no);
  return refuse(404, "NO_SUCH_ROUTE", "The sandbox does not know this.");
}

DeskAnswer OwnDesk::create_order(const DeskRequest& request) {
  const auto parsed = wire::parse_create_order(request.body);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return bad_request(*problem);
  const auto& order = std::get<wire::CreateOrder>(parsed);
  return answer_of(bank_.serve(
      {name(), order.out_order_no, "create", false, parse_subject(order.subject)},
      [&](OrderBook& book, UnixUs now_us) { return book.create(order, pay_url_base_, now_us); }));
}

DeskAnswer OwnDesk::order_operation(const DeskRequest& request, const std::string& order_no,
                                    std::string_view what,
                                    BookResult (OrderBook::*work)(const std::string&, UnixUs)) {
  const auto parsed = wire::parse_order_reference(request.body);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return bad_request(*problem);
  // The path is not signed; the number in the body is.
  if (std::get<wire::OrderReference>(parsed).out_order_no != order_no)
    return refuse(400, "INVALID_REQUEST", "/out_order_no: The path names another order.");
  return answer_of(
      bank_.serve({name(), order_no, what, false, {}},
                  [&](OrderBook& book, UnixUs now_us) { return (book.*work)(order_no, now_us); }));
}

DeskAnswer OwnDesk::capture_order(const DeskRequest& request, const std::string& order_no) {
  const auto parsed = wire::parse_capture_order(request.body);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return bad_request(*problem);
  const auto& capture = std::get<wire::CaptureOrder>(parsed);
  if (capture.out_order_no != order_no)
    return refuse(400, "INVALID_REQUEST", "/out_order_no: The path names another order.");
  return answer_of(
      bank_.serve({name(), order_no, "capture", false, {}}, [&](OrderBook& book, UnixUs now_us) {
        return book.capture(order_no, capture.amount_minor, now_us);
      }));
}

DeskAnswer OwnDesk::create_refund(const DeskRequest& request) {
  const auto parsed = wire::parse_create_refund(request.body);
  if (const auto* problem = std::get_if<Problem>(&parsed)) return bad_request(*problem);
  const auto& refund = std::get<wire::CreateRefund>(parsed);
  return answer_of(
      bank_.serve({name(), refund.out_order_no, "refund", false, {}},
                  [&](OrderBook& book, UnixUs now_us) { return book.refund(refund, now_us); }));
}

DeskAnswer OwnDesk::query_refund(const std::string& refund_no) {
  const std::string order_no = bank_.read([&](const OrderBook& book) {
    const auto found = book.find_refund(refund_no);
    return found.refund ? found.refund->out_order_no : std::string();
  });
  return answer_of(
      bank_.serve({name(), order_no, "query_refund", true, {}},
                  [&](OrderBook& book, UnixUs) { return book.find_refund(refund_no); }));
}

std::optional<DeskAnswer> OwnDesk::refuse_unsigned(const DeskRequest& request) {
  const UnixUs now_us = wall_clock_us();
  const wire::SignatureHeaders headers = wire::signature_headers(request.headers);
  if (const auto problem = wire::check_signature(secret_, headers, request.body, now_us))
    return reply_to(401, *problem);
  std::lock_guard lock(nonces_mutex_);
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

std::optional<Seal> OwnDesk::tell(const BookResult& news, UnixUs) const {
  std::string body = wire::encode_callback({*news.event, news.order, news.refund});
  return [this, body = std::move(body)](const SigningContext& context, bool forged) {
    const wire::SignatureHeaders headers = wire::sign(
        forged ? "not-" + secret_ : secret_, context.now_us / us_per_s, context.nonce, body);
    return SignedMessage{{{std::string(wire::timestamp_header), headers.timestamp},
                          {std::string(wire::nonce_header), headers.nonce},
                          {std::string(wire::signature_header), headers.signature}},
                         "application/json",
                         body};
  };
}

bool OwnDesk::is_taken(int http_status, std::string_view) const {
  return http_status >= 200 && http_status < 300;
}

}  // namespace welkin::sandbox
