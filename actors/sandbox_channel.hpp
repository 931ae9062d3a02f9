// The sandbox channel as the runtime sees it: the pure wire format of protocol/channel/sandbox_wire
// carried by the HTTP client.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "actors/channel_port.hpp"
#include "actors/http_client.hpp"
#include "protocol/channel/sandbox_wire.hpp"

namespace welkin {

struct SandboxChannelOptions {
  std::string name = "sandbox";
  std::string base_url;  // "http://127.0.0.1:8601", no slash at the end
  std::string secret;
  std::string notify_url;  // where the sandbox calls back; empty: where it was told at its start
  std::int64_t connect_timeout_ms = 2'000;
  std::int64_t timeout_ms = 5'000;
  std::size_t nonce_capacity = 1'000'000;  // callbacks in ten minutes; more are refused for a while
};

// 32 characters from the operating system's random numbers.
std::string random_nonce();

class SandboxChannel final : public ChannelPort {
 public:
  using Clock = std::function<UnixUs()>;
  using NonceSource = std::function<std::string()>;

  // `http` must outlive the channel. Calls that are under way do not need the channel any more.
  SandboxChannel(SandboxChannelOptions options, HttpClient& http, Clock clock,
                 NonceSource nonce = random_nonce);

  std::string_view name() const override { return options_.name; }
  // A request that certainly never left is reported as unknown too, with code "not_sent": the
  // runtime's query then finds that the sandbox never heard of the order, and repeats the call.
  void call(const ChannelCall& call, Done done) override;
  std::variant<VerifiedCallback, Problem> verify(const RawCallback& callback,
                                                 UnixUs now_us) override;
  void settle(const ChannelReport& report) override;

 private:
  SandboxChannelOptions options_;
  HttpClient& http_;
  Clock clock_;
  NonceSource nonce_;
  std::mutex nonces_mutex_;
  sandbox_wire::NonceMemory nonces_;
};

}  // namespace welkin
