#include "protocol/problem.hpp"

#include <cstddef>
#include <iterator>

namespace welkin {
namespace {

using C = ProblemCode;

// In the order of ProblemCode, so that a look-up is an index.
// clang-format off
constexpr ProblemSpec specs[] = {
    {C::malformed_json,               "malformed_json",               400, "The body is not valid JSON", 0},
    {C::unknown_field,                "unknown_field",                400, "The request has a field or parameter that is not known", 0},
    {C::missing_field,                "missing_field",                400, "A required field is missing", 0},
    {C::wrong_type,                   "wrong_type",                   400, "A field has the wrong JSON type", 0},
    {C::invalid_value,                "invalid_value",                400, "A field's value is not allowed", 0},
    {C::amount_out_of_range,          "amount_out_of_range",          400, "The amount is not a positive integer within range", 0},
    {C::unknown_currency,             "unknown_currency",             400, "The currency is not an ISO 4217 code we know", 0},
    {C::unknown_channel,              "unknown_channel",              400, "There is no such channel", 0},
    {C::body_too_large,               "body_too_large",               413, "The body is larger than the limit", 0},
    {C::transfer_encoding_refused,    "transfer_encoding_refused",    411, "Transfer-Encoding is not accepted; send a Content-Length", 0},
    {C::unsupported_media_type,       "unsupported_media_type",       415, "The body must be application/json, in UTF-8 and without a coding", 0},
    {C::headers_too_large,            "headers_too_large",            431, "The request's head is larger than the limit", 0},
    {C::request_timeout,              "request_timeout",              408, "The request did not arrive in time", 0},
    {C::bad_request,                  "bad_request",                  400, "The request is not well-formed HTTP", 0},
    {C::unauthorized,                 "unauthorized",                 401, "A valid API key is required", 0},
    {C::forbidden,                    "forbidden",                    403, "This key may not do that", 0},
    {C::not_found,                    "not_found",                    404, "There is nothing here", 0},
    {C::method_not_allowed,           "method_not_allowed",           405, "This resource does not know that method", 0},
    {C::order_exists_with_other_body, "order_exists_with_other_body", 409, "The order number is taken by another request", 0},
    {C::refund_exists_with_other_body,"refund_exists_with_other_body",409, "The refund number is taken by another request", 0},
    {C::idempotency_key_reused,       "idempotency_key_reused",       422, "The idempotency key was used with another request", 0},
    {C::idempotency_in_flight,        "idempotency_in_flight",        409, "A request with this idempotency key is being worked on", 1},
    {C::illegal_transition,           "illegal_transition",           409, "The state it is in does not allow this", 0},
    {C::operation_in_progress,        "operation_in_progress",        409, "Another operation on this payment is not settled yet", 1},
    {C::amount_exceeds_authorized,    "amount_exceeds_authorized",    422, "More than was authorized", 0},
    {C::amount_exceeds_refundable,    "amount_exceeds_refundable",    422, "More than is left to refund", 0},
    {C::not_parked,                   "not_parked",                   409, "The payment is not parked", 0},
    {C::limit_reached,                "limit_reached",                409, "The payment has as many of these as it may", 0},
    {C::bad_signature,                "bad_signature",                401, "The signature is missing or wrong", 0},
    {C::stale_timestamp,              "stale_timestamp",              401, "The timestamp is too far from now", 0},
    {C::repeated_nonce,               "repeated_nonce",               409, "The nonce was used before", 0},
    {C::report_mismatch,              "report_mismatch",              422, "The report does not fit the payment", 0},
    {C::unknown_serial,               "unknown_serial",               401, "No key is known for the serial number that signed this", 0},
    {C::wrong_account,                "wrong_account",                422, "The message is for another account at the channel", 0},
    {C::broken_ciphertext,            "broken_ciphertext",            422, "The sealed part of the message cannot be opened", 0},
    {C::malformed_callback,           "malformed_callback",           400, "The callback does not have the channel's form", 0},
    {C::overloaded,                   "overloaded",                   503, "Too much is waiting; try again", 1},
    {C::store_unavailable,            "store_unavailable",            503, "The journal cannot be written now", 2},
    {C::outcome_unknown,              "outcome_unknown",              503, "It is not known yet what came of this; repeat the same request", 1},
    {C::entity_parked,                "entity_parked",                503, "This payment waits for an operator", 60},
    {C::shard_moved,                  "shard_moved",                  503, "Another node has this now", 1},
    {C::draining,                     "draining",                     503, "This node is shutting down", 1},
    {C::internal,                     "internal",                     500, "Something is wrong on our side", 0},
};
// clang-format on

constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(specs); ++i)
    if (static_cast<std::size_t>(specs[i].code) != i) return false;
  return std::size(specs) == static_cast<std::size_t>(C::internal) + 1;
}
static_assert(in_order());

}  // namespace

const ProblemSpec& spec_of(ProblemCode code) { return specs[static_cast<std::size_t>(code)]; }

}  // namespace welkin
