// /v1/payments: create, look up, list, and the commands that end or take a payment.
#include <arpa/inet.h>

#include <algorithm>

#include "gateway/command_call.hpp"
#include "gateway/payment_json.hpp"
#include "gateway/query_string.hpp"
#include "gateway/request_limits.hpp"
#include "gateway/rfc3339.hpp"

namespace welkin {
namespace {

bool is_http_url(std::string_view url) {
  const std::size_t host = url.rfind("https://", 0) == 0 ? 8 : url.rfind("http://", 0) == 0 ? 7 : 0;
  if (host == 0 || host >= url.size() || url[host] == '/') return false;
  return std::all_of(url.begin(), url.end(), [](char c) { return c > 0x20 && c != 0x7f; });
}

CaptureMethod read_capture_method(FieldReader& fields) {
  const std::string name = fields.optional_text("capture", {1, 16});
  const auto method = parse_capture_method(name.empty() ? "automatic" : name);
  if (!method) fields.refuse(ProblemCode::invalid_value, "this is automatic or manual", "capture");
  return method.value_or(CaptureMethod::automatic);
}

bool is_ip_address(const std::string& text) {
  in6_addr parsed{};
  return inet_pton(AF_INET, text.c_str(), &parsed) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &parsed) == 1;
}

// Twelve digits and more are a card's number, which must not be kept here. Channels' own tokens
// have letters.
bool may_be_card_number(std::string_view text) {
  constexpr std::size_t shortest = 12;
  const auto digits = static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }));
  const bool only_digits = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == ':';
  });
  return only_digits && digits >= shortest;
}

Payer read_payer(FieldReader& fields) {
  Payer payer;
  payer.id = fields.optional_text("id", {1, max_payer_id_characters});
  payer.ip = fields.optional_text("ip", {1, max_payer_ip_characters});
  if (!payer.ip.empty() && !is_ip_address(payer.ip))
    fields.refuse(ProblemCode::invalid_value, "this is an IPv4 or IPv6 address", "ip");
  payer.instrument = fields.optional_text("instrument", {1, max_instrument_characters, true});
  if (may_be_card_number(payer.instrument))
    fields.refuse(ProblemCode::invalid_value,
                  "this is a channel's token; a card's number must not be sent here", "instrument");
  return payer;
}

// Whether there is such a channel is asked later, and of orders that are new only.
std::variant<CreatePayment, Problem> read_create_payment(const JsonValue& body) {
  FieldReader fields(body);
  CreatePayment out;
  out.merchant_order_no =
      fields.required_text("merchant_order_no", {1, max_order_no_characters, true});
  out.amount_minor = fields.required_amount("amount");
  const std::string currency = fields.required_text("currency", {1, 16});
  if (const auto parsed = Currency::parse(currency)) {
    out.currency = *parsed;
  } else {
    fields.refuse(ProblemCode::unknown_currency, "this is an ISO 4217 code in upper case",
                  "currency");
  }
  out.channel = fields.required_text("channel", {1, 64});
  out.method = fields.optional_text("method", {1, max_method_characters, false, true});
  fields.optional_object("payer", [&](FieldReader& payer) { out.payer = read_payer(payer); });
  out.subject = fields.required_text("subject", {1, max_subject_characters});
  out.capture_method = read_capture_method(fields);
  out.expires_in_s = fields.optional_integer("expires_in_s", min_expires_in_s, max_expires_in_s,
                                             default_expires_in_s);
  out.return_url = fields.optional_text("return_url", {0, max_url_characters});
  if (!out.return_url.empty() && !is_http_url(out.return_url))
    fields.refuse(ProblemCode::invalid_value, "this is an http or https URL", "return_url");
  out.metadata = fields.optional_text_map(
      "metadata", max_metadata_entries, max_metadata_key_characters, max_metadata_value_characters);
  if (auto problem = fields.finish()) return std::move(*problem);
  return out;
}

// How a default that is spelled out counts: as one that was left out or, as it once did, as another
// meaning.
enum class Spelled : std::uint8_t { left_out, apart };

// `method` is what the fingerprint takes for it: empty where it is the default.
Fingerprint fingerprint_of(const HttpRequest& request, const CreatePayment& c,
                           std::string_view method) {
  Fingerprint out(request);
  out.add(c.merchant_order_no).add(c.amount_minor).add(c.currency.code()).add(c.channel);
  out.add(c.subject).add(name_of(c.capture_method)).add(c.expires_in_s).add(c.return_url);
  for (const auto& [key, value] : c.metadata) out.add(key).add(value);
  // Only where they are sent, behind a number, which no metadata is: requests from before there
  // were these fields keep their fingerprint.
  if (!method.empty()) out.add(std::int64_t{1}).add(method);
  if (!c.payer.id.empty() || !c.payer.ip.empty() || !c.payer.instrument.empty())
    out.add(std::int64_t{2}).add(c.payer.id).add(c.payer.ip).add(c.payer.instrument);
  return out;
}

Step run_on(const RouteCall& call, CommandCall command) {
  return run_command(call, std::move(command), [](const CommandOutcome& done, HttpAnswer& answer) {
    return answer_payment(done.view, 200, answer);
  });
}

// Close, void and the like: a command without fields of its own on a payment in the path.
Step run_without_fields(const RouteCall& call, PaymentCommandBody body) {
  auto parsed = parse_body(call);
  if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  if (auto problem = FieldReader(std::get<JsonValue>(parsed)).finish()) return *problem;
  return with_own_payment(call,
                          [&call, body = std::move(body)](const PaymentView& own, HttpAnswer&) {
                            return run_on(call, {own.id, body, Fingerprint(call.request)});
                          });
}

struct ListRequest {
  PaymentListQuery query;
  std::string merchant_order_no;
};

std::variant<ListRequest, Problem> read_list_request(const RouteCall& call) {
  QueryReader params(call.request.query);
  ListRequest out;
  out.query.merchant_id = call.merchant_id;
  out.merchant_order_no = params.text("merchant_order_no", max_order_no_characters);
  if (!is_identifier(out.merchant_order_no))
    params.refuse("merchant_order_no", "only letters, digits and _.:- may stand here");
  const std::string status = params.text("status", 32);
  if (!status.empty()) {
    out.query.state = parse_payment_state(status);
    if (!out.query.state || *out.query.state == PaymentState::none)
      params.refuse("status", "there is no such status");
  }
  out.query.created_from_us = params.time("created_from");
  out.query.created_to_us = params.time("created_to");
  out.query.limit = params.number("limit", 1, max_page_size, default_page_size);
  out.query.cursor = params.text("cursor", max_cursor_characters);
  if (!out.query.cursor.empty() && !out.merchant_order_no.empty())
    params.refuse("cursor", "an order number has one payment and no further page");
  if (auto problem = params.finish()) return std::move(*problem);
  return out;
}

bool fits_filter(const PaymentListQuery& query, const Payment& payment) {
  return (!query.state || *query.state == payment.state) &&
         payment.created_at_us >= query.created_from_us &&
         (query.created_to_us == 0 || payment.created_at_us < query.created_to_us);
}

Step answer_page(const PaymentListPage& page, HttpAnswer& answer) {
  answer.content_type = "application/json";
  answer.body = list_json(page.payments, page.next_cursor, append_payment);
  return Answered{};
}

// The order number names the payment, so this needs no index.
Step find_by_order_no(const RouteCall& call, ListRequest wanted) {
  const PaymentId id = payment_id_of(call.merchant_id, wanted.merchant_order_no);
  return look_up(
      call, id,
      [wanted = std::move(wanted)](PaymentService::FoundPayment found, HttpAnswer& answer) -> Step {
        PaymentListPage page;
        if (auto* problem = std::get_if<Problem>(&found)) {
          if (problem->code != ProblemCode::not_found) return std::move(*problem);
          return answer_page(page, answer);
        }
        auto& view = std::get<PaymentView>(found);
        if (view.payment != nullptr && fits_filter(wanted.query, *view.payment))
          page.payments.push_back(std::move(view));
        return answer_page(page, answer);
      });
}

}  // namespace

namespace {

Step create_payment_as(const RouteCall& call, Spelled spelled) {
  const auto body = parse_json_object(call.request.body);
  if (const auto* problem = std::get_if<Problem>(&body)) return *problem;
  auto read = read_create_payment(std::get<JsonValue>(body));
  if (auto* problem = std::get_if<Problem>(&read)) return std::move(*problem);
  auto& create = std::get<CreatePayment>(read);
  const std::string_view usual = call.parts.service.default_method(create.channel);
  if (create.method.empty()) create.method = usual;
  const bool is_usual = create.method == usual;
  const bool shows = !is_usual || spelled == Spelled::apart;
  CommandCall command{payment_id_of(call.merchant_id, create.merchant_order_no),
                      {},
                      fingerprint_of(call.request, create,
                                     shows ? std::string_view(create.method) : std::string_view()),
                      true};
  if (is_usual && !usual.empty() && spelled == Spelled::left_out)
    command.as_before = [](const RouteCall& again, HttpAnswer&) {
      return create_payment_as(again, Spelled::apart);
    };
  command.body = std::move(create);
  return run_command(call, std::move(command), [](const CommandOutcome& done, HttpAnswer& answer) {
    return answer_payment(done.view, done.created ? 201 : 200, answer);
  });
}

}  // namespace

Step create_payment(const RouteCall& call, HttpAnswer&) {
  return create_payment_as(call, Spelled::left_out);
}

Step get_payment(const RouteCall& call, HttpAnswer&) {
  return with_own_payment(call, [](const PaymentView& own, HttpAnswer& answer) {
    return answer_payment(own, 200, answer);
  });
}

Step list_payments(const RouteCall& call, HttpAnswer&) {
  auto read = read_list_request(call);
  if (auto* problem = std::get_if<Problem>(&read)) return std::move(*problem);
  auto& wanted = std::get<ListRequest>(read);
  if (!wanted.merchant_order_no.empty()) return find_by_order_no(call, std::move(wanted));
  return ask<PaymentService::FoundPage>(
      [&call, query = std::move(wanted.query)](Then<PaymentService::FoundPage> done) {
        call.parts.service.list(query, std::move(done));
      },
      [](PaymentService::FoundPage found, HttpAnswer& answer) -> Step {
        if (auto* problem = std::get_if<Problem>(&found)) return std::move(*problem);
        return answer_page(std::get<PaymentListPage>(found), answer);
      });
}

Step close_payment(const RouteCall& call, HttpAnswer&) {
  return run_without_fields(call, ClosePayment{});
}

Step void_payment(const RouteCall& call, HttpAnswer&) {
  return run_without_fields(call, VoidPayment{});
}

namespace {

Step capture_payment_as(const RouteCall& call, Spelled spelled) {
  auto parsed = parse_body(call);
  if (auto* problem = std::get_if<Problem>(&parsed)) return std::move(*problem);
  FieldReader fields(std::get<JsonValue>(parsed));
  CapturePayment capture;
  capture.amount_minor = fields.optional_amount("amount");
  if (auto problem = fields.finish()) return *problem;
  return with_own_payment(call, [&call, capture, spelled](const PaymentView& own, HttpAnswer&) {
    const std::int64_t all_minor = own.payment->authorized_minor;
    const std::int64_t amount_minor = capture.amount_minor.value_or(all_minor);
    const bool is_all = amount_minor == all_minor;
    CommandCall command{own.id, capture, Fingerprint(call.request)};
    // 0 is no amount anyone can send.
    command.fingerprint.add(is_all && spelled == Spelled::left_out ? 0 : amount_minor);
    if (is_all && spelled == Spelled::left_out)
      command.as_before = [](const RouteCall& again, HttpAnswer&) {
        return capture_payment_as(again, Spelled::apart);
      };
    return run_on(call, std::move(command));
  });
}

}  // namespace

Step capture_payment(const RouteCall& call, HttpAnswer&) {
  return capture_payment_as(call, Spelled::left_out);
}

Step list_events(const RouteCall& call, HttpAnswer&) {
  return with_own_payment(call, [&call](const PaymentView& own, HttpAnswer&) {
    return ask<PaymentService::FoundEvents>(
        [&call, id = own.id](Then<PaymentService::FoundEvents> done) {
          call.parts.service.events(id, std::move(done));
        },
        [](PaymentService::FoundEvents found, HttpAnswer& answer) -> Step {
          if (auto* problem = std::get_if<Problem>(&found)) return std::move(*problem);
          answer.content_type = "application/json";
          answer.body = list_json(std::get<std::vector<EventView>>(found), {}, append_event);
          return Answered{};
        });
  });
}

}  // namespace welkin
