// How Stripe checks, answers and notifies; see the header.
#include "sandbox/stripe_desk.hpp"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

#include "protocol/channels/channel_json.hpp"
#include "protocol/channels/crypto.hpp"
#include "protocol/channels/stripe/amount.hpp"
#include "protocol/channels/stripe/wire.hpp"
#include "protocol/sha256.hpp"
#include "sandbox/stripe_objects.hpp"

namespace welkin::sandbox {
namespace {

using namespace stripe_objects;
using sandbox_wire::CallbackEvent;
using sandbox_wire::OrderStatus;

constexpr std::size_t key_characters_max = 255;
constexpr std::int64_t amount_max = 99'999'999;
constexpr std::string_view intents = "/v1/payment_intents";
constexpr std::string_view refunds = "/v1/refunds";

std::optional<std::int64_t> integer_in(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool is_number(std::string_view text) {
  return text.size() >= 8 && text.size() <= 60 &&
         text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
             std::string_view::npos;
}

// Used on an open order: the payer's part of a confirmation.
BookResult charge(OrderBook& book, const BookResult& made, const std::string& instrument,
                  UnixUs now_us) {
  const std::string& order_no = made.order->out_order_no;
  BookResult result = made;
  switch (instrument_of(instrument)) {
    case Instrument::pays:
      result = book.pay(order_no, now_us);
      break;
    case Instrument::is_declined:
    case Instrument::has_no_funds:
      result = book.decline(order_no, now_us);
      break;
    case Instrument::wants_authentication:
      result = book.begin(order_no, now_us);
      break;
  }
  result.created = made.created;
  return result;
}

bool is_query(const DeskRequest& request) { return request.method == "GET"; }

}  // namespace

StripeDesk::StripeDesk(Bank& bank, StripeSide side) : bank_(bank), side_(std::move(side)) {}

DeskAnswer StripeDesk::answer(const DeskRequest& request) {
  const std::string_view authorization = only_header(request.headers, "authorization");
  constexpr std::string_view scheme = "Bearer ";
  const bool known =
      authorization.substr(0, scheme.size()) == scheme &&
      crypto::equal_in_constant_time(authorization.substr(scheme.size()), side_.secret_key);
  if (!known)
    return error(401, "invalid_request_error", "", "Invalid API Key provided: sk_test_***");
  const auto fields = parse_form(is_query(request) ? request.query() : request.body);
  if (!fields) return error(400, "invalid_request_error", "", "The parameters cannot be read.");

  const std::string key(only_header(request.headers, "idempotency-key"));
  const bool keyed = !is_query(request) && !key.empty();
  if (key.size() > key_characters_max)
    return error(400, "idempotency_error", "", "Keys have at most 255 characters.");
  if (keyed)
    if (auto known_answer =
            kept_.find_or_begin(key, sha256_hex(request.target + "\n" + request.body)))
      return *std::move(known_answer);
  const Outcome outcome = route(request, *fields);
  // What was done is kept with its answer, also where the answer itself is lost on its way; what
  // was never begun leaves the key free.
  if (keyed && outcome.mishap != Mishap::not_done && outcome.keep)
    kept_.keep(key, outcome.answer);
  else if (keyed)
    kept_.forget(key);
  switch (outcome.mishap) {
    case Mishap::not_done:
    case Mishap::not_told:
      return error(503, "api_error", "", "An unknown error occurred.");
    case Mishap::unreadable:
      return {200, "application/json", std::string(garbage), {}};
    case Mishap::none:
      break;
  }
  DeskAnswer answer = outcome.answer;
  answer.headers.emplace_back("request-id", "req_" + make_nonce().substr(0, 14));
  return answer;
}

StripeDesk::Outcome StripeDesk::route(const DeskRequest& request, const FormFields& fields) {
  const std::string_view path = request.path();
  const bool posts = request.method == "POST";
  if (path == intents && posts) return create(fields);
  if (path == std::string(intents) + "/search" && !posts) return search(fields);
  if (path == refunds) return posts ? refund(fields) : list_refunds(fields);
  const std::string refund_prefix = std::string(refunds) + "/re_";
  if (path.substr(0, refund_prefix.size()) == refund_prefix && !posts)
    return retrieve_refund(std::string(path.substr(refund_prefix.size())));
  const std::string intent_prefix = std::string(intents) + "/pi_";
  if (path.substr(0, intent_prefix.size()) == intent_prefix)
    return of_intent(request, fields, path.substr(intent_prefix.size()));
  return {error(404, "invalid_request_error", "", "Unrecognized request URL."), Mishap::none,
          false};
}

StripeDesk::Outcome StripeDesk::of_intent(const DeskRequest& request, const FormFields& fields,
                                          std::string_view rest) {
  const std::size_t slash = rest.find('/');
  const std::string order_no(rest.substr(0, slash));
  const std::string_view what =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  if (what.empty() && is_query(request)) return retrieve(order_no);
  if (what == "confirm") return confirm(order_no, fields);
  if (what == "capture") return capture(order_no, fields);
  if (what == "cancel") return cancel(order_no, fields);
  return {error(404, "invalid_request_error", "", "Unrecognized request URL."), Mishap::none,
          false};
}

// The order's number for the first intent that names it; a second one is another intent, which is
// what the merchant's Idempotency-Key is there to prevent.
std::string StripeDesk::free_number(const std::string& wanted, bool of_refund) {
  if (!is_number(wanted)) return make_nonce().substr(0, 24);
  return bank_.read([&](OrderBook& book) {
    const auto is_taken = [&](const std::string& number) {
      return of_refund ? book.find_refund(number).refund.has_value()
                       : !book.desk_of(number).empty();
    };
    std::string number = wanted;
    for (int i = 2; is_taken(number); ++i) number = wanted + "D" + std::to_string(i);
    return number;
  });
}

StripeDesk::Outcome StripeDesk::create(const FormFields& fields) {
  const auto value = [&fields](std::string_view name) {
    return std::string(field_of(fields, name));
  };
  const auto amount = integer_in(value("amount"));
  const auto currency = Currency::parse(upper(value("currency")));
  if (!currency) return {invalid("", "Invalid currency.", "currency"), Mishap::none, false};
  const auto amount_minor =
      amount ? stripe::from_stripe_units(*amount, *currency) : std::optional<std::int64_t>();
  if (!amount_minor || *amount < 1)
    return {invalid("parameter_invalid_integer", "Invalid integer.", "amount"), Mishap::none,
            false};
  if (*amount > amount_max)
    return {invalid("amount_too_large", "The amount is too large.", "amount"), Mishap::none, false};
  const std::string capture_method = value("capture_method");
  const std::string instrument = value("payment_method");
  const bool confirms = value("confirm") == "true";
  const Json metadata = metadata_of(fields);
  if (confirms && instrument.empty())
    return {
        invalid("parameter_missing", "A payment method is needed to confirm.", "payment_method"),
        Mishap::none, false};
  if (!confirms && !value("return_url").empty())
    return {invalid("", "return_url can only be provided when confirming.", "return_url"),
            Mishap::none, false};
  sandbox_wire::CreateOrder order;
  order.out_order_no = free_number(metadata.value("order_no", ""), false);
  order.merchant_id = "acct_test";
  order.amount_minor = *amount_minor;
  order.currency = *currency;
  order.subject = value("description");
  order.manual_capture = capture_method == "manual";
  order.return_url = value("return_url");
  order.notify_url = side_.endpoint_url;
  OrderTerms terms;
  terms.desk = name();
  terms.method = value("payment_method_types[0]");
  terms.decline_ends_it = false;
  terms.begun = false;
  // Who named an instrument has confirmed in the payer's name, unless the payer must authenticate.
  terms.payer_comes = !confirms || instrument_of(instrument) == Instrument::wants_authentication;
  terms.details = Json{{"metadata", metadata}, {"instrument", instrument}}.dump();
  const Served served =
      bank_.serve({name(), order.out_order_no, "create", false, parse_subject(order.subject)},
                  [&](OrderBook& book, UnixUs now_us) {
                    BookResult made = book.create(order, pay_url_base_, now_us, terms);
                    if (!confirms || !made.order) return made;
                    return charge(book, made, instrument, now_us);
                  });
  return intent_outcome(served);
}

StripeDesk::Outcome StripeDesk::retrieve(const std::string& order_no) {
  return intent_outcome(
      bank_.serve({name(), order_no, "query", true, {}},
                  [&](OrderBook& book, UnixUs now_us) { return book.find(order_no, now_us); }));
}

// Of the query language only metadata['order_no']:'…', which is what the runtime asks.
StripeDesk::Outcome StripeDesk::search(const FormFields& fields) {
  constexpr std::string_view begin = "metadata['order_no']:'";
  const std::string query(field_of(fields, "query"));
  if (query.substr(0, begin.size()) != begin || query.back() != '\'')
    return {invalid("", "This query is not understood.", "query"), Mishap::none, false};
  const std::string wanted = query.substr(begin.size(), query.size() - begin.size() - 1);
  Json found = Json::array();
  const Served served =
      bank_.serve({name(), wanted, "query", true, {}}, [&](OrderBook& book, UnixUs now_us) {
        BookResult none;
        std::string number = wanted;
        for (int i = 2; book.desk_of(number) == name(); ++i) {
          found.push_back(intent_json(book.find(number, now_us).facts, links()));
          number = wanted + "D" + std::to_string(i);
        }
        return none;
      });
  const Json body{{"object", "search_result"},
                  {"data", found},
                  {"has_more", false},
                  {"next_page", nullptr},
                  {"url", "/v1/payment_intents/search"}};
  return {{200, "application/json", body.dump(2), {}}, served.mishap};
}

StripeDesk::Outcome StripeDesk::confirm(const std::string& order_no, const FormFields& fields) {
  const std::string instrument(field_of(fields, "payment_method"));
  if (instrument.empty())
    return {
        invalid("parameter_missing", "A payment method is needed to confirm.", "payment_method"),
        Mishap::none, false};
  return intent_outcome(
      bank_.serve({name(), order_no, "confirm", false, {}}, [&](OrderBook& book, UnixUs now_us) {
        BookResult found = book.find(order_no, now_us);
        if (!found.order) return found;
        if (found.order->status != OrderStatus::open) {
          found.refusal = Refusal{400, "ORDER_NOT_OPEN", {}};
          return found;
        }
        Json details = details_of(found.facts.terms.details);
        details["instrument"] = instrument;
        book.set_details(order_no, details.dump());
        return charge(book, book.find(order_no, now_us), instrument, now_us);
      }));
}

StripeDesk::Outcome StripeDesk::capture(const std::string& order_no, const FormFields& fields) {
  const auto asked = integer_in(field_of(fields, "amount_to_capture"));
  return intent_outcome(
      bank_.serve({name(), order_no, "capture", false, {}}, [&](OrderBook& book, UnixUs now_us) {
        BookResult found = book.find(order_no, now_us);
        if (!found.order) return found;
        if (found.order->status != OrderStatus::authorized) {
          found.refusal = Refusal{400, "ORDER_NOT_AUTHORIZED", {}};
          return found;
        }
        const auto amount_minor = stripe::from_stripe_units(
            asked.value_or(units(found.order->amount_minor, found.order->currency)),
            found.order->currency);
        if (amount_minor && *amount_minor >= 1)
          return book.capture(order_no, *amount_minor, now_us);
        found.refusal = Refusal{400, "AMOUNT_TOO_SMALL", {}};
        return found;
      }));
}

StripeDesk::Outcome StripeDesk::cancel(const std::string& order_no, const FormFields& fields) {
  return intent_outcome(
      bank_.serve({name(), order_no, "close", false, {}}, [&](OrderBook& book, UnixUs now_us) {
        BookResult found = book.find(order_no, now_us);
        if (!found.order) return found;
        const OrderStatus status = found.order->status;
        if (status != OrderStatus::open && status != OrderStatus::authorized) {
          found.refusal = Refusal{400, "ORDER_NOT_OPEN", {}};
          return found;
        }
        Json details = details_of(found.facts.terms.details);
        details["cancellation_reason"] = field_of(fields, "cancellation_reason");
        book.set_details(order_no, details.dump());
        return status == OrderStatus::open ? book.close(order_no, now_us)
                                           : book.void_authorization(order_no, now_us);
      }));
}

StripeDesk::Outcome StripeDesk::refund(const FormFields& fields) {
  const std::string intent(field_of(fields, "payment_intent"));
  if (intent.substr(0, 3) != "pi_")
    return {invalid("parameter_missing", "A payment_intent is needed.", "payment_intent"),
            Mishap::none, false};
  const Json metadata = metadata_of(fields);
  sandbox_wire::CreateRefund refund;
  refund.out_order_no = intent.substr(3);
  refund.out_refund_no = free_number(metadata.value("refund_no", ""), true);
  refund.merchant_id = "acct_test";
  RefundTerms terms;
  terms.details = Json{{"metadata", metadata}}.dump();
  const auto asked = integer_in(field_of(fields, "amount"));
  if (!asked && !field_of(fields, "amount").empty())
    return {invalid("parameter_invalid_integer", "Invalid integer.", "amount"), Mishap::none,
            false};
  return refund_outcome(bank_.serve(
      {name(), refund.out_order_no, "refund", false, {}}, [&](OrderBook& book, UnixUs now_us) {
        BookResult order = book.find(refund.out_order_no, now_us);
        if (!order.order) return order;
        refund.currency = order.order->currency;
        const std::int64_t left_minor = order.order->captured_minor - order.facts.refunds_minor;
        const auto amount_minor =
            asked ? stripe::from_stripe_units(*asked, refund.currency) : std::optional(left_minor);
        BookResult refused;
        if (order.order->status == OrderStatus::paid && left_minor == 0)
          refused.refusal = Refusal{400, "ALREADY_REFUNDED", {}};
        else if (!amount_minor || *amount_minor < 1)
          refused.refusal = Refusal{400, "AMOUNT_TOO_SMALL", {}};
        if (refused.refusal) return refused;
        refund.amount_minor = *amount_minor;
        return book.refund(refund, now_us, terms);
      }));
}

StripeDesk::Outcome StripeDesk::retrieve_refund(const std::string& refund_no) {
  const std::string order_no = bank_.read([&](const OrderBook& book) {
    const auto found = book.find_refund(refund_no);
    return found.refund ? found.refund->out_order_no : std::string();
  });
  return refund_outcome(
      bank_.serve({name(), order_no, "query_refund", true, {}},
                  [&](OrderBook& book, UnixUs) { return book.find_refund(refund_no); }));
}

StripeDesk::Outcome StripeDesk::list_refunds(const FormFields& fields) {
  const std::string intent(field_of(fields, "payment_intent"));
  const std::string order_no = intent.substr(std::min<std::size_t>(3, intent.size()));
  const std::size_t limit = static_cast<std::size_t>(
      std::clamp<std::int64_t>(integer_in(field_of(fields, "limit")).value_or(10), 1, 100));
  Json data = Json::array();
  bool has_more = false;
  const Served served = bank_.serve({name(), order_no, "query_refund", true, {}},
                                    [&](OrderBook& book, UnixUs now_us) {
                                      auto all = book.refunds_of(order_no);
                                      std::reverse(all.begin(), all.end());  // the newest first
                                      has_more = all.size() > limit;
                                      for (std::size_t i = 0; i < std::min(limit, all.size()); ++i)
                                        data.push_back(refund_json(all[i]));
                                      return book.find(order_no, now_us);
                                    });
  if (served.mishap == Mishap::none && served.result.refusal)
    return {missing("payment_intent"), Mishap::none};
  const Json body{
      {"object", "list"}, {"data", data}, {"has_more", has_more}, {"url", "/v1/refunds"}};
  return {{200, "application/json", body.dump(2), {}}, served.mishap};
}

StripeDesk::Outcome StripeDesk::intent_outcome(const Served& served) const {
  if (served.mishap == Mishap::not_done) return {{}, served.mishap, false};
  const BookResult& result = served.result;
  const std::string code = result.refusal ? result.refusal->code : std::string();
  if (code == "ORDER_NOT_FOUND") return {missing("payment_intent"), served.mishap};
  if (code == "AMOUNT_EXCEEDS_AUTHORIZED")
    return {invalid("amount_too_large", "More than is capturable.", "amount_to_capture"),
            served.mishap};
  if (code == "AMOUNT_TOO_SMALL")
    return {invalid("amount_too_small", "The amount is too small.", "amount_to_capture"),
            served.mishap};
  if (code == "SANDBOX_FULL")
    return {error(429, "rate_limit_error", "rate_limit", "Too many orders are open."),
            served.mishap, false};
  if (!code.empty())
    return {error(400, "invalid_request_error", "payment_intent_unexpected_state",
                  "This PaymentIntent's state does not allow that.",
                  {{"payment_intent", intent_json(result.facts, links())}}),
            served.mishap};
  if (result.event == CallbackEvent::order_declined) {
    const Json details = details_of(result.facts.terms.details);
    Json card_error = decline_error(details.value("instrument", ""));
    card_error["payment_intent"] = intent_json(result.facts, links());
    return {{402, "application/json", Json{{"error", card_error}}.dump(2), {}}, served.mishap};
  }
  return {{200, "application/json", intent_json(result.facts, links()).dump(2), {}}, served.mishap};
}

StripeDesk::Outcome StripeDesk::refund_outcome(const Served& served) const {
  if (served.mishap == Mishap::not_done) return {{}, served.mishap, false};
  const std::string code = served.result.refusal ? served.result.refusal->code : std::string();
  if (code == "ORDER_NOT_FOUND") return {missing("payment_intent"), served.mishap};
  if (code == "REFUND_NOT_FOUND") return {missing("refund"), served.mishap};
  if (code == "ALREADY_REFUNDED")
    return {error(400, "invalid_request_error", "charge_already_refunded",
                  "Charge has already been refunded."),
            served.mishap};
  if (code == "ORDER_NOT_PAID")
    return {error(400, "invalid_request_error", "",
                  "This PaymentIntent does not have a successful charge to refund."),
            served.mishap};
  if (!code.empty())
    return {invalid("", "Refund amount is greater than unrefunded amount on charge.", "amount"),
            served.mishap};
  return {{200, "application/json", refund_json(served.result).dump(2), {}}, served.mishap};
}

Json StripeDesk::event_of(const BookResult& news, UnixUs now_us) const {
  struct Name {
    CallbackEvent event;
    std::string_view type;
  };
  constexpr Name names[] = {
      {CallbackEvent::order_paid, "payment_intent.succeeded"},
      {CallbackEvent::order_authorized, "payment_intent.amount_capturable_updated"},
      {CallbackEvent::order_closed, "payment_intent.canceled"},
      {CallbackEvent::order_declined, "payment_intent.payment_failed"},
      {CallbackEvent::refund_succeeded, "refund.updated"},
      {CallbackEvent::refund_failed, "refund.failed"},
      {CallbackEvent::refund_stuck, "refund.updated"},
  };
  // Made at Stripe's own desk: the refund says nothing of an order, and its charge does.
  const bool at_desk =
      news.refund &&
      details_of(news.refund_facts.terms.details).value("metadata", Json()).is_null();
  const auto* named = std::find_if(std::begin(names), std::end(names),
                                   [&news](const Name& name) { return name.event == *news.event; });
  return {{"id", "evt_" + make_nonce().substr(0, 24)},
          {"object", "event"},
          {"api_version", side_.api_version},
          {"created", now_us / us_per_s},
          {"data",
           {{"object", at_desk       ? charge_json(news.facts)
                       : news.refund ? refund_json(news)
                                     : intent_json(news.facts, links())}}},
          {"livemode", false},
          {"pending_webhooks", 1},
          {"request", {{"id", nullptr}, {"idempotency_key", nullptr}}},
          {"type", at_desk ? "charge.refunded" : named->type}};
}

Seal StripeDesk::seal_of(const Json& event) const {
  return [this, body = event.dump(2)](const SigningContext& context, bool forged) {
    const std::string secret = forged ? "whsec_not" + side_.webhook_secret : side_.webhook_secret;
    return SignedMessage{{{"stripe-signature", stripe::sign_webhook(secret, body, context.now_us)}},
                         "application/json; charset=utf-8",
                         body};
  };
}

std::optional<Seal> StripeDesk::tell(const BookResult& news, UnixUs now_us) const {
  return seal_of(event_of(news, now_us));
}

// The one endpoint hears of everybody's orders, of connected accounts, of both modes, and in thin
// events that bring no object.
std::vector<Seal> StripeDesk::strange_news(const BookResult& news, UnixUs now_us) const {
  std::vector<Seal> seals;
  const auto bent = [&](const std::function<void(Json&)>& bend) {
    Json event = event_of(news, now_us);
    bend(event);
    seals.push_back(seal_of(event));
  };
  const auto of_order = [&](const std::string& number) {
    bent([&number](Json& event) { event["data"]["object"]["metadata"]["order_no"] = number; });
  };
  of_order(strangers_order_no);
  of_order(channel_order_no(payment_id_of("another system", news.facts.order.out_order_no), 1));
  bent([](Json& event) { event["account"] = "acct_connected"; });
  bent([](Json& event) { event["livemode"] = true; });
  bent([](Json& event) {
    event = {{"id", event["id"]},
             {"object", "v2.core.event"},
             {"type", "v1.billing.meter.error_report_triggered"},
             {"livemode", false},
             {"related_object", {{"id", "mtr_test"}, {"type", "billing.meter"}}}};
  });
  return seals;
}

bool StripeDesk::is_taken(int http_status, std::string_view) const {
  return http_status >= 200 && http_status < 300;
}

}  // namespace welkin::sandbox
