// Why something was refused. Each code stands once in the table below with its HTTP status; the
// gateway turns a Problem into an RFC 9457 document, and nothing else maps errors to statuses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace welkin {

enum class ProblemCode : std::uint8_t {
  malformed_json,
  unknown_field,
  missing_field,
  wrong_type,
  invalid_value,
  amount_out_of_range,
  unknown_currency,
  unknown_channel,
  body_too_large,
  transfer_encoding_refused,
  unsupported_media_type,
  headers_too_large,
  request_timeout,
  bad_request,
  unauthorized,
  forbidden,
  not_found,
  method_not_allowed,
  order_exists_with_other_body,
  refund_exists_with_other_body,
  idempotency_key_reused,
  idempotency_in_flight,
  illegal_transition,
  operation_in_progress,
  amount_exceeds_authorized,
  amount_exceeds_refundable,
  not_parked,
  limit_reached,
  bad_signature,
  stale_timestamp,
  repeated_nonce,
  report_mismatch,
  unknown_serial,
  wrong_account,
  broken_ciphertext,
  malformed_callback,
  overloaded,
  store_unavailable,
  outcome_unknown,
  entity_parked,
  shard_moved,
  draining,
  internal,
};

struct ProblemSpec {
  ProblemCode code;
  std::string_view name;  // stable, in the document's `code`
  int http_status;
  std::string_view title;
  int retry_after_s;  // 0: no Retry-After header
};

const ProblemSpec& spec_of(ProblemCode code);

struct Problem {
  ProblemCode code = ProblemCode::internal;
  std::string detail;  // one sentence for a person
  std::string field;   // JSON pointer of the offending field ("/amount"), or empty
};

}  // namespace welkin
