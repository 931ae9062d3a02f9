// The channel of a simulated world, both of its ends: the adapter that the runtime calls and that
// checks callbacks, and behind simulated wires a server with a payer, whose books are the truth.
// Between them travel the bytes of the sandbox channel's own wire format, so that garbage is
// garbage and a forged signature is a wrong signature.
//
// A second wire format joins as another class like this one; what goes wrong is on the fault board.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "actors/channel_port.hpp"
#include "protocol/channel/sandbox_wire.hpp"
#include "tests/simulation/channel_books.hpp"
#include "tests/simulation/stage.hpp"

namespace welkin::simulation {

// Orders with this subject are served honestly: by them a run finds out whether service resumed.
constexpr std::string_view spared_subject = "served honestly";

class LyingChannel : public ChannelPort {
 public:
  // `account` is our name for it; each account has orders and books of its own.
  LyingChannel(Stage& stage, std::string account, Dice dice);

  // ---- the runtime's end
  std::string_view name() const override { return account_; }
  void call(const ChannelCall& call, Done done) override;
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override;
  void settle(const VerifiedCallback& callback, Settled how) override;
  CallbackAck refusal(const Problem&) const override { return {400, "text/plain", "fail"}; }
  void node_died();  // and with it, who waited for answers and which nonces were used
  void cut() { is_cut_ = true; }
  void connect() { is_cut_ = false; }

  // ---- the channel's end
  // Hands a callback to the node; `answered` gets its HTTP status, 0 when there is no answer.
  std::function<void(RawCallback, std::function<void(int http_status)> answered)> deliver;
  const ChannelBooks& books() const { return books_; }
  // Lies that were answered as if they were true: none, it is hoped.
  struct BelievedLie {
    std::string order_no;
    std::string what;
  };
  const std::vector<BelievedLie>& believed() const { return believed_; }
  // Requests on their way, payers who make up their minds, callbacks that were not acknowledged.
  std::uint64_t under_way() const { return under_way_ + callbacks_waiting_; }

 private:
  struct Asked {
    ChannelCall call;
    Done done;
  };
  struct HttpReply {
    int status = 0;
    std::string body;
  };
  struct Letter {
    std::string order_no;
    std::string refund_no;  // of which it says that the money was given back, else empty
    std::string body;
    std::string lie;      // what is wrong with it, empty when nothing is
    bool forged = false;  // signed with a wrong secret
    bool must_arrive = false;
    bool sent_twice = false;
    int tries = 0;
  };

  // What may be told with a wrong amount: nothing when it has no body.
  struct Lie {
    std::function<std::string()> body;
    bool only_ahead = false;  // behind the truth it is old news, which says nothing
  };

  void later(UnixUs after_us, std::function<void()> task);

  // ---- the wires
  void answer(std::uint64_t number, ChannelReport report);
  void arrive(std::uint64_t number, const sandbox_wire::EncodedRequest& request, bool spared,
              UnixUs deadline_us);

  // ---- the server
  HttpReply serve(const sandbox_wire::EncodedRequest& request);
  HttpReply serve_create(const std::string& body);
  HttpReply serve_order(const std::string& method, const std::string& path,
                        const std::string& body);
  std::optional<Refusal> serve_capture(BookedOrder& order, const std::string& body);
  void may_capture_at_desk(BookedOrder& order);
  HttpReply serve_refund(const std::string& body);
  HttpReply serve_find_refund(const std::string& refund_no);
  void settle_refund(const std::string& refund_no, bool succeeds);
  void stick_refund(const std::string& refund_no, bool succeeds_then);
  void may_refund_at_desk(BookedOrder& order);

  // ---- the payer
  void payer_decides(const std::string& order_no);
  void may_charge_late(BookedOrder& order);
  void payer_pays(const std::string& order_no, bool must_arrive);

  // ---- callbacks
  void tell_order(const std::string& order_no, sandbox_wire::CallbackEvent event, bool must_arrive);
  void tell_refund(const std::string& refund_no);
  void tell(Letter letter, bool spared, const Lie& lie);
  void post(Letter letter, UnixUs after_us);
  void send(Letter letter);
  void answered(Letter letter, const RawCallback& sent, int http_status);
  RawCallback sign(const Letter& letter);
  std::string nonce();

  Stage& stage_;
  const std::string account_;
  Dice dice_;
  ChannelBooks books_;
  bool is_cut_ = false;
  std::map<std::uint64_t, Asked> asked_;  // calls that wait for their report
  std::uint64_t calls_ = 0;
  std::uint64_t nonces_made_ = 0;
  std::uint64_t under_way_ = 0;
  std::uint64_t callbacks_waiting_ = 0;
  sandbox_wire::NonceMemory nonces_;
  std::vector<BelievedLie> believed_;
};

// The order a request is about; empty when it names none.
std::string asked_order_no(const sandbox_wire::EncodedRequest& request);

}  // namespace welkin::simulation
