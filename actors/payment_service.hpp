// What the gateway may ask of the runtime. Blocking calls, made from the gateway's own threads; the
// runtime implements it with actors, tests with a fake. No CAF in this header.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/exchange.hpp"
#include "protocol/ids.hpp"
#include "protocol/payment/payment.hpp"
#include "protocol/problem.hpp"

namespace welkin {

using PaymentPtr = std::shared_ptr<const Payment>;

// A payment as it stands after its event number `seq`.
struct PaymentView {
  PaymentId id;
  std::uint64_t seq = 0;
  PaymentPtr payment;
};

struct CommandOutcome {
  PaymentView view;
  bool created = false;   // the command made the payment or the refund (201 rather than 200)
  std::string refund_id;  // of RefundPayment
};
using CommandAnswer = std::variant<CommandOutcome, Problem>;

struct PaymentListQuery {
  std::string merchant_id;
  std::optional<PaymentState> state;
  UnixUs created_from_us = 0;  // inclusive
  UnixUs created_to_us = 0;    // exclusive; 0: open
  std::string cursor;          // from the page before, or empty
  std::size_t limit = 20;
};
struct PaymentListPage {
  std::vector<PaymentView> payments;  // newest first
  std::string next_cursor;            // empty on the last page
};

// One journal row for a person or a merchant to read; `payload` is the event's JSON text.
struct EventView {
  std::uint64_t seq = 0;
  std::string type;
  int version = 1;
  std::string payload;
  UnixUs at_us = 0;
  std::string causation_id;
  std::string correlation_id;
};

struct IdempotencyHit {
  std::string fingerprint;
  PaymentId payment;
  std::uint64_t seq = 0;  // of the event that carries the key
};

struct ParkedEntity {
  PaymentId payment;
  std::string reason;
  UnixUs since_us = 0;
};

struct Readiness {
  bool ready = false;
  std::string reason;  // why not: "starting", "store_unavailable", "draining"
};

class PaymentService {
 public:
  virtual ~PaymentService() = default;

  virtual CommandAnswer execute(PaymentCommand command) = 0;
  virtual std::variant<PaymentView, Problem> find(const PaymentId& id) = 0;
  virtual std::variant<PaymentListPage, Problem> list(const PaymentListQuery& query) = 0;
  virtual std::variant<std::vector<EventView>, Problem> events(const PaymentId& id) = 0;

  // The key's first use in the last 24 h, if there was one.
  virtual std::variant<std::optional<IdempotencyHit>, Problem> find_idempotency(
      std::string_view merchant_id, std::string_view key) = 0;
  // What the request behind `hit` was answered with: the payment after the last event it caused.
  virtual CommandAnswer replay(const IdempotencyHit& hit) = 0;

  virtual std::variant<CallbackAck, Problem> notify(const RawCallback& callback) = 0;

  // For operators.
  virtual std::vector<ParkedEntity> parked() = 0;

  virtual bool knows_channel(std::string_view channel) const = 0;
  virtual Readiness readiness() const = 0;
  virtual std::string metrics_text() const = 0;  // Prometheus exposition format 0.0.4
};

}  // namespace welkin
