// The sandbox channel's wire format: bytes in, values out. Both ends use it, the runtime's adapter
// and the sandbox server, so that what one writes the other reads. No clock and no I/O here: the
// time is an argument. docs/sandbox.md describes the format for people.
//
// Whatever cannot be named for certain becomes verdict `unknown`; a refusal is believed only when
// its status and code stand in the table of definite refusals.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/channel/channel.hpp"
#include "protocol/channel/nonce_memory.hpp"
#include "protocol/ids.hpp"
#include "protocol/money.hpp"
#include "protocol/problem.hpp"

namespace welkin::sandbox_wire {

// ---- signature

inline constexpr std::string_view timestamp_header = "welkin-sandbox-timestamp";  // unix seconds
inline constexpr std::string_view nonce_header = "welkin-sandbox-nonce";
inline constexpr std::string_view signature_header = "welkin-sandbox-signature";  // 64 hex digits

using welkin::NonceMemory;
constexpr std::int64_t timestamp_tolerance_s = NonceMemory::timestamp_tolerance_s;
constexpr std::size_t nonce_length_min = 16;
constexpr std::size_t nonce_length_max = 64;

struct SignatureHeaders {
  std::string timestamp;
  std::string nonce;
  std::string signature;
};

// HMAC-SHA256 over "<timestamp>\n<nonce>\n<body>".
SignatureHeaders sign(std::string_view secret, std::int64_t timestamp_s, std::string_view nonce,
                      std::string_view body);

// Picks the three headers out of a message's headers (names in lower case). One that is absent or
// stands twice is left empty, which no signature matches.
SignatureHeaders signature_headers(const std::vector<std::pair<std::string, std::string>>& headers);

// Empty when the signature holds and the timestamp is fresh; else bad_signature or stale_timestamp.
// The signature is judged first: who cannot sign learns nothing about our clock.
std::optional<Problem> check_signature(std::string_view secret, const SignatureHeaders& headers,
                                       std::string_view body, UnixUs now_us);

// ---- what travels

inline constexpr std::string_view path_prefix = "/sandbox/v1";

struct CreateOrder {
  std::string out_order_no;
  std::string merchant_id;
  std::int64_t amount_minor = 0;
  Currency currency;
  std::string subject;
  bool manual_capture = false;
  std::string return_url;
  std::string notify_url;
  UnixUs expires_at_us = 0;  // 0: never
};
struct CaptureOrder {
  std::string out_order_no;
  std::int64_t amount_minor = 0;
};
// The body of close and void: the number stands in the path too, but only the body is signed.
struct OrderReference {
  std::string out_order_no;
};
struct CreateRefund {
  std::string out_refund_no;
  std::string out_order_no;
  std::string merchant_id;
  std::int64_t amount_minor = 0;
  Currency currency;
};

enum class OrderStatus : std::uint8_t { open, authorized, paid, closed, declined };
// Stuck: it goes on only once the merchant has seen to it at the channel.
enum class RefundStatus : std::uint8_t { pending, succeeded, failed, stuck };
std::string_view name_of(OrderStatus status);  // "OPEN"
std::string_view name_of(RefundStatus status);
std::optional<OrderStatus> parse_order_status(std::string_view name);
std::optional<RefundStatus> parse_refund_status(std::string_view name);

struct WireOrder {
  std::string out_order_no;
  std::string merchant_id;
  OrderStatus status = OrderStatus::open;
  std::int64_t amount_minor = 0;
  std::int64_t captured_minor = 0;
  std::int64_t refunded_minor = 0;
  Currency currency;
  bool manual_capture = false;
  std::string transaction_id;
  std::string qr_code;  // at most one of these two is not empty
  std::string pay_url;
};
struct WireRefund {
  std::string out_refund_no;
  std::string out_order_no;
  std::string merchant_id;
  RefundStatus status = RefundStatus::pending;
  std::int64_t amount_minor = 0;        // of this refund
  std::int64_t order_amount_minor = 0;  // of the order it gives back from
  Currency currency;
  std::string transaction_id;
};

inline constexpr std::string_view code_success = "SUCCESS";

struct Answer {
  std::string code;
  std::string message;
  std::optional<WireOrder> order;
  std::optional<WireRefund> refund;
};

enum class CallbackEvent : std::uint8_t {
  order_paid,
  order_authorized,
  order_closed,
  order_declined,
  refund_succeeded,
  refund_failed,
  refund_stuck,
};
std::string_view name_of(CallbackEvent event);  // "order.paid"
std::optional<CallbackEvent> parse_callback_event(std::string_view name);

struct Callback {
  CallbackEvent event = CallbackEvent::order_paid;
  std::optional<WireOrder> order;
  std::optional<WireRefund> refund;
};

template <class T>
using Parsed = std::variant<T, Problem>;

// ---- the sandbox's side

Parsed<CreateOrder> parse_create_order(std::string_view body);
Parsed<CaptureOrder> parse_capture_order(std::string_view body);
Parsed<OrderReference> parse_order_reference(std::string_view body);
Parsed<CreateRefund> parse_create_refund(std::string_view body);
std::string encode_answer(const Answer& answer);
std::string encode_callback(const Callback& callback);

// ---- the runtime's side

struct EncodedRequest {
  std::string method;
  std::string path;  // from path_prefix on
  std::string body;  // empty for GET
};
EncodedRequest encode_request(const ChannelCall& call, std::string_view notify_url);

// Never fails: what cannot be understood is a report with verdict unknown that says why.
ChannelReport parse_answer(const ChannelCall& call, int http_status, std::string_view body);

// `nonce` becomes the report's id.
Parsed<ChannelReport> parse_callback(std::string_view body, std::string_view nonce);

}  // namespace welkin::sandbox_wire
