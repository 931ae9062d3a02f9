// How every command reaches the runtime: whose payment it is, what its Idempotency-Key says, and
// what it is answered with.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "gateway/json_body.hpp"
#include "gateway/route.hpp"

namespace welkin {

// Goes on with the payment in the path, if it is the caller's. A foreign payment and one that does
// not exist are the same answer.
using OnPayment = std::function<Step(const PaymentView&, HttpAnswer&)>;
Step with_own_payment(const RouteCall& call, OnPayment then);
using OnFound = std::function<Step(PaymentService::FoundPayment, HttpAnswer&)>;
Step look_up(const RouteCall& call, const PaymentId& id, OnFound then);
std::optional<PaymentId> payment_id_in_path(const RouteCall& call);
Problem no_such_payment();

// A request's meaning as one hash. Built from what was understood rather than from the bytes, so
// that spaces, the order of members and spelled-out defaults make no difference.
class Fingerprint {
 public:
  explicit Fingerprint(const HttpRequest& request);
  Fingerprint& add(std::string_view text);
  Fingerprint& add(std::int64_t number);
  std::string hex() const;

 private:
  std::string canonical_;
};

// The cause of what a request records: under a number of the node's own, which is in the answer's
// X-Request-Id too unless the client has sent its own.
std::string cause_of(const RouteCall& call);
// The X-Request-Id that the client sent, if it was one.
std::string sent_request_id(const RouteCall& call);

struct CommandCall {
  PaymentId payment;
  PaymentCommandBody body;
  Fingerprint fingerprint;
  bool always_fingerprint = false;  // also without a key: a repeated order must be recognised
  // Asks again for the request as an earlier program would have understood it, where it is taken
  // for another than the one before: the journal keeps the fingerprints it was given. Null: the
  // same.
  RouteHandler as_before = nullptr;
};

// Runs the command and goes on with its outcome, or with that of the first request under the same
// key; the answer then has the Idempotency-Replayed header.
using OnOutcome = std::function<Step(const CommandOutcome&, HttpAnswer&)>;
Step run_command(const RouteCall& call, CommandCall command, OnOutcome then);

// The body as an object; an empty one where that is allowed.
std::variant<JsonValue, Problem> parse_body(const RouteCall& call);

Step answer_payment(const PaymentView& view, int status, HttpAnswer& answer);

}  // namespace welkin
