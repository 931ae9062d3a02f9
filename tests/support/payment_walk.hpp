// Payments as tests/support/reachable_walk.hpp walks them: every command, every report (operation,
// verdict, source; about the order, each refund and a strange one; right and bent in one thing),
// callbacks that are not believed, and the passing of time.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tests/support/payment_script.hpp"
#include "tests/support/reachable_walk.hpp"

namespace welkin {

class PaymentWalk {
 public:
  struct Bounds {
    std::size_t attempts = 2;
    std::size_t refunds = 2;
  };
  struct State {
    PaymentScript script;
  };
  // How far time goes on, and the wake that may follow; nothing else comes then.
  enum class Passing : std::uint8_t { a_second, until_due, past_expiry };
  // The channel has been asked about all that is pending as often as it may be but for once.
  struct AskedInVain {};
  struct RefusedCallback {};
  using Input = std::variant<PaymentCommand, ChannelReport, Passing, AskedInVain, RefusedCallback>;

  explicit PaymentWalk(Bounds bounds) : bounds_(bounds) {}

  std::vector<State> beginnings() const;
  std::vector<std::size_t> groups(const State& state) const;
  Input input(const State& state, std::size_t group, std::size_t n) const;
  std::size_t stride(std::size_t group) const;
  std::string words(const Input& input) const;
  WalkStep<State> take(const State& state, const Input& input) const;
  std::string judge(const State& state) const;
  std::optional<std::string> likeness(const State& state) const;

 private:
  Bounds bounds_;
};

}  // namespace welkin
