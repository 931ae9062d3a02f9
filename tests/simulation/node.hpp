// A node of the real runtime under CAF's test coordinator. Its actors run one message at a time, in
// an order the dice choose; it dies when told and starts again from what is durable. What a gateway
// does between an HTTP client and the actors stands here too: waiting for replies, looking
// idempotency keys up, taking callbacks and operators' commands.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/channel_port.hpp"
#include "actors/messages.hpp"
#include "actors/store_io.hpp"
#include "tests/simulation/stage.hpp"
#include "tests/simulation/worlds.hpp"
#include "tests/support/stepped_node.hpp"

namespace welkin::simulation {

class Node {
 public:
  struct Edges {
    JournalStore& store;
    StoreIo& io;
    std::vector<ChannelPort*> channels;
    BreakerConfig breaker;
  };
  Node(Stage& stage, const World& world, Edges edges);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // False: the store did not let it.
  bool start();
  // The edges must be cut: what actors still ask of them while they are torn down never happened.
  void crash();
  bool is_up() const { return actors_ != nullptr; }
  // Why one of its lives said that it must not go on; empty: none did.
  std::string ended() const;
  std::uint64_t starts() const { return starts_; }

  bool has_work() const;
  void work_once();
  // Lets time pass for the actors; the stage's clock is somebody else's.
  void time_passed(UnixUs by_us);

  // ---- asking. The answer is empty when the connection broke: the node is down, or died first.
  using Answer = std::optional<std::variant<CommandOutcome, Problem>>;
  using OnAnswer = std::function<void(const Answer&)>;
  void submit(PaymentCommand command, OnAnswer on_answer);
  void look(const PaymentId& id, OnAnswer on_answer);
  void flush_views(OnAnswer on_answer);

  struct KeyAnswer {
    bool reached = false;  // else nothing is known
    std::optional<IdempotencyRecord> record;
  };
  using OnKey = std::function<void(const KeyAnswer&)>;
  void find_key(const std::string& merchant_id, const std::string& key, OnKey on_key);

  // ---- for operators
  // Tells the payment's actor to go on, if it is that which is parked.
  void resume_actor(const PaymentId& id, OnAnswer on_answer);
  using OnOrder = std::function<void(const std::optional<BreakerAnswer>&)>;
  void order_breaker(const std::string& account, BreakerCommand command, OnOrder on_order);
  // Each of the accounts' breakers, once, and what is parked, a list from each actor that knows of
  // some. Nothing more is heard when the node dies.
  using OnBreaker = std::function<void(const BreakerView& breaker)>;
  void look_at_breakers(OnBreaker on_breaker);
  using OnParked = std::function<void(const std::vector<ParkedEntity>& parked)>;
  void look_at_parked(OnParked on_parked);

  // `answered` gets the HTTP status, 0 when the connection broke.
  void notify(const RawCallback& callback, std::function<void(int http_status)> answered);

  // Questions whose answer has not come.
  std::size_t unanswered() const {
    return waiting_.size() + waiting_for_keys_.size() + waiting_for_breakers_.size();
  }

 private:
  caf::behavior desk(caf::event_based_actor* self);
  ReplyTo reply_to(OnAnswer on_answer);
  void hear(const Reply& reply);
  void hear(const IdempotencyAnswer& answer);
  void hear(std::uint64_t token, const BreakerAnswer& answer);
  ChannelPort* channel_named(std::string_view account) const;
  template <class Function>
  void soon(Function function);

  Stage& stage_;
  const World& world_;
  Edges edges_;
  Dice dice_;
  std::unique_ptr<SteppedNode> actors_;
  std::uint64_t starts_ = 0;
  std::string ended_;  // of a life before this
  std::uint64_t tokens_ = 0;
  OnBreaker on_breaker_;
  OnParked on_parked_;
  std::map<std::uint64_t, OnAnswer> waiting_;
  struct KeyQuestion {
    std::string merchant_id;
    std::string key;
    OnKey on_key;
  };
  std::map<std::uint64_t, KeyQuestion> waiting_for_keys_;
  std::map<std::uint64_t, OnOrder> waiting_for_breakers_;
};

}  // namespace welkin::simulation
