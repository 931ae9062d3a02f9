// One channel as the runtime sees it: something that can be called, and whose callbacks can be
// checked. Adapters implement it over HTTP, the benchmark in process, the simulation with lies.
#pragma once

#include <functional>
#include <string_view>
#include <variant>

#include "actors/payment_service.hpp"
#include "protocol/channel/channel.hpp"
#include "protocol/problem.hpp"

namespace welkin {

struct VerifiedCallback {
  ChannelReport report;
  CallbackAck ack;  // what to answer once the report is durable, or known to be old news
};

class ChannelPort {
 public:
  virtual ~ChannelPort() = default;
  virtual std::string_view name() const = 0;

  // Makes one call. `done` is called exactly once, from any thread, whatever happens: a time-out, a
  // broken connection, a 5xx or an answer that cannot be read is a report with verdict unknown.
  using Done = std::function<void(ChannelReport)>;
  virtual void call(const ChannelCall& call, Done done) = 0;

  // Checks signature, timestamp and nonce, then parses. Thread-safe. `now_us` is the wall clock.
  // A nonce counts as used only when `settle` is called with it, so that a callback which could not
  // be made durable may come again.
  virtual std::variant<VerifiedCallback, Problem> verify(const RawCallback& callback,
                                                         UnixUs now_us) = 0;
  virtual void settle(const ChannelReport& report) = 0;
};

}  // namespace welkin
