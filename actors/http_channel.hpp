// A channel account over HTTP: a pure wire format carried by the HTTP client. Knows no channel by
// name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "actors/channel_port.hpp"
#include "actors/http_client.hpp"
#include "protocol/channel/nonce_memory.hpp"
#include "protocol/channels/wire_format.hpp"

namespace welkin {

struct HttpChannelOptions {
  std::string account;
  std::int64_t connect_timeout_ms = 2'000;
  std::int64_t timeout_ms = 5'000;  // of a call in all, with those that come before and after it
  std::string ca_file;              // empty: the system's
  std::size_t replay_capacity =
      1'000'000;  // callbacks in ten minutes; more are refused for a while
  UnixUs upkeep_interval_us = 12 * 3'600 * us_per_s;
  UnixUs upkeep_pause_us =
      60 * us_per_s;  // between two tries, whatever the reason for the next one
};

// 32 characters from the operating system's random numbers.
std::string random_nonce();

class HttpChannel final : public ChannelPort {
 public:
  using Clock = std::function<UnixUs()>;
  using NonceSource = std::function<std::string()>;

  // `http` must outlive the channel. Calls that are under way do not need the channel any more.
  HttpChannel(HttpChannelOptions options, WireFormatPtr format, HttpClient& http, Clock clock,
              NonceSource nonce = random_nonce);

  std::string_view name() const override;
  std::string_view default_method() const override;
  std::optional<Problem> objection(const CreatePayment& order) const override;
  void call(const ChannelCall& call, Done done) override;
  CheckedCallback verify(const RawCallback& callback, UnixUs now_us) override;
  void settle(const VerifiedCallback& callback, Settled how) override;
  CallbackAck refusal(const Problem& why) const override;
  bool needs_upkeep() const override;
  void upkeep() override;

 private:
  class Line;

  CheckedCallback known_again(VerifiedCallback callback, const NonceMemory::Note& note) const;

  std::shared_ptr<Line> line_;
  std::mutex used_mutex_;
  NonceMemory used_;
};

}  // namespace welkin
