// How every command reaches the runtime: whose payment it is, what its Idempotency-Key says, and
// what it is answered with.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "gateway/json_body.hpp"
#include "gateway/route.hpp"

namespace welkin {

// The payment in the path, if it is the caller's. A foreign payment and one that does not exist are
// the same answer.
std::variant<PaymentView, Problem> find_own_payment(const RouteCall& call);
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

struct CommandCall {
  PaymentId payment;
  PaymentCommandBody body;
  Fingerprint fingerprint;
  bool always_fingerprint = false;  // also without a key: a repeated order must be recognised
};

// Runs the command, or answers what the first request under the same key was answered. Sets the
// Idempotency-Replayed header.
std::variant<CommandOutcome, Problem> run_command(const RouteCall& call, CommandCall command,
                                                  HttpAnswer& answer);

// The body as an object; an empty one where that is allowed.
std::variant<JsonValue, Problem> parse_body(const RouteCall& call);

void answer_payment(const PaymentView& view, int status, HttpAnswer& answer);

}  // namespace welkin
