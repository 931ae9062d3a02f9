// The sandbox channel's two ends in this process: the runtime's port, real HTTP, the sandbox
// server, and a server that receives the callbacks and judges them by the port's own checks.
#pragma once

#include <httplib.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>

#include "actors/http_channel.hpp"
#include "protocol/channel/sandbox_format.hpp"
#include "protocol/channel/sandbox_wire.hpp"
#include "sandbox/sandbox_server.hpp"

namespace welkin::sandbox_channel_test {

using nlohmann::json;
using SteadyClock = std::chrono::steady_clock;
using V = ChannelVerdict;

inline constexpr int patience_s = 30;  // for what must happen; no test waits this long when well
inline const std::string secret = "test secret";

inline UnixUs wall_clock_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

// Where the sandbox is and how long it may take.
struct SandboxOptions {
  std::string base_url;
  std::string secret;
  std::string notify_url;
  std::int64_t timeout_ms = 20'000;
  std::size_t replay_capacity = 1'000'000;
};
inline std::unique_ptr<HttpChannel> sandbox_channel(const SandboxOptions& options, HttpClient& http,
                                                    HttpChannel::Clock clock,
                                                    HttpChannel::NonceSource nonce = random_nonce) {
  HttpChannelOptions carried;
  carried.account = "sandbox";
  carried.timeout_ms = options.timeout_ms;
  carried.replay_capacity = options.replay_capacity;
  return std::make_unique<HttpChannel>(
      carried, sandbox_wire::wire_format_of({options.base_url, options.secret, options.notify_url}),
      http, std::move(clock), std::move(nonce));
}

// A payment number no other test of this process uses.
inline PaymentId next_payment() {
  static std::atomic<int> number{0};
  return payment_id_of("m_1", "order-" + std::to_string(++number));
}

inline ChannelCall call_for(const PaymentId& payment, ChannelOperation operation) {
  ChannelCall call;
  call.payment = payment;
  call.operation = operation;
  call.merchant_id = "m_1";
  call.channel_order_no = channel_order_no(payment, 1);
  call.amount_minor = 1000;
  call.order_amount_minor = 1000;
  call.currency = *Currency::parse("CNY");
  return call;
}

struct Received {
  RawCallback raw;
  CheckedCallback verdict;
  SteadyClock::time_point at;

  bool believed() const { return std::holds_alternative<VerifiedCallback>(verdict); }
  const ChannelReport& report() const { return std::get<VerifiedCallback>(verdict).report; }
  std::string code() const {
    if (const auto* refused = std::get_if<CallbackRefused>(&verdict))
      return std::string(spec_of(refused->problem.code).name);
    if (const auto* ignored = std::get_if<IgnoredCallback>(&verdict))
      return std::string(name_of(ignored->reason));
    return "believed";
  }
};

// Stands where the gateway's notify route stands: checks a callback, settles it, acknowledges it.
class NotifyServer {
 public:
  NotifyServer() {
    server_.set_tcp_nodelay(true);
    server_.set_keep_alive_timeout(1);
    server_.new_task_queue = [] { return new httplib::ThreadPool(16); };
    server_.Post("/notify", [this](const httplib::Request& request, httplib::Response& response) {
      handle(request, response);
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~NotifyServer() {
    server_.stop();
    thread_.join();
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/notify"; }
  void check_with(HttpChannel* channel) {
    std::lock_guard lock(mutex_);
    channel_ = channel;
  }
  void refuse_next(int count) { refuse_ = count; }

  // The next callback in order of arrival.
  Received next() {
    std::unique_lock lock(mutex_);
    REQUIRE(arrived_.wait_for(lock, std::chrono::seconds(patience_s),
                              [this] { return !received_.empty(); }));
    Received received = std::move(received_.front());
    received_.pop_front();
    return received;
  }
  std::size_t waiting() {
    std::lock_guard lock(mutex_);
    return received_.size();
  }

 private:
  void handle(const httplib::Request& request, httplib::Response& response) {
    RawCallback raw{"sandbox", {}, request.body};
    for (const auto& [name, value] : request.headers) {
      std::string lower = name;
      for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      raw.headers.emplace_back(std::move(lower), value);
    }
    std::lock_guard lock(mutex_);
    if (!channel_) {
      response.status = 503;
      return;
    }
    auto verdict = channel_->verify(raw, wall_clock_us());
    if (refuse_ > 0) {
      --refuse_;
      response.status = 503;
    } else if (const auto* verified = std::get_if<VerifiedCallback>(&verdict)) {
      channel_->settle(*verified, Settled::taken);
      response.status = verified->ack.http_status;
      response.set_content(verified->ack.body, verified->ack.content_type.c_str());
    } else if (const auto* ignored = std::get_if<IgnoredCallback>(&verdict)) {
      response.status = ignored->ack.http_status;
    } else {
      response.status = channel_->refusal(std::get<CallbackRefused>(verdict).problem).http_status;
    }
    received_.push_back({std::move(raw), std::move(verdict), SteadyClock::now()});
    arrived_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Received> received_;
  HttpChannel* channel_ = nullptr;
  std::atomic<int> refuse_{0};
  int port_ = 0;
  httplib::Server server_;
  std::thread thread_;
};

struct World {
  explicit World(std::function<void(sandbox::SandboxConfig&)> change = {}) {
    sandbox::SandboxConfig config;
    config.port = 0;
    config.secret = secret;
    config.worker_threads = 8;
    config.auto_pay.after_ms = 1;
    config.auto_pay.refund_after_ms = 1;
    config.callback_backoff_ms = 5;
    config.misbehaviour.hold_ms = 20'000;
    if (change) change(config);
    server = std::make_unique<sandbox::SandboxServer>(config);
    port = std::get<int>(server->start());
    channel = sandbox_channel(options(), http, wall_clock_us);
    notify.check_with(channel.get());
  }
  ~World() {
    http.stop();  // first: the sandbox need not wait for more on the kept connections
    server->stop();
    notify.check_with(nullptr);
  }

  SandboxOptions options() const {
    SandboxOptions options;
    options.base_url = "http://127.0.0.1:" + std::to_string(port);
    options.secret = secret;
    options.notify_url = notify.url();
    return options;
  }

  static ChannelReport ask(HttpChannel& channel, const ChannelCall& call) {
    auto promise = std::make_shared<std::promise<ChannelReport>>();
    auto future = promise->get_future();
    channel.call(call, [promise](ChannelReport report) { promise->set_value(std::move(report)); });
    REQUIRE(future.wait_for(std::chrono::seconds(patience_s)) == std::future_status::ready);
    return future.get();
  }
  ChannelReport ask(const ChannelCall& call) { return ask(*channel, call); }
  ChannelReport create(const PaymentId& payment, std::string subject = "", bool manual = false) {
    ChannelCall call = call_for(payment, ChannelOperation::create);
    call.subject = std::move(subject);
    call.manual_capture = manual;
    return ask(call);
  }
  ChannelReport query(const PaymentId& payment) {
    ChannelCall call = call_for(payment, ChannelOperation::create);
    call.query = true;
    return ask(call);
  }
  ChannelReport refund(const PaymentId& payment, const std::string& no, std::int64_t amount_minor,
                       bool query = false) {
    ChannelCall call = call_for(payment, ChannelOperation::refund);
    const RefundId id = refund_id_of(payment, no);
    call.refund_id = id.text();
    call.channel_refund_no = channel_refund_no(id);
    call.amount_minor = amount_minor;
    call.query = query;
    return ask(call);
  }
  ChannelReport operate(const PaymentId& payment, ChannelOperation operation,
                        std::int64_t amount_minor = 1000) {
    ChannelCall call = call_for(payment, operation);
    call.amount_minor = amount_minor;
    return ask(call);
  }

  int control(const std::string& method, const std::string& path, const std::string& body,
              json* answer = nullptr) {
    httplib::Client client("127.0.0.1", port);
    client.set_tcp_nodelay(true);
    const std::string full = "/sandbox/control" + path;
    const auto result = method == "PUT"    ? client.Put(full.c_str(), body, "application/json")
                        : method == "POST" ? client.Post(full.c_str(), body, "application/json")
                                           : client.Get(full.c_str());
    REQUIRE(result);
    if (answer) *answer = json::parse(result->body);
    return result->status;
  }
  json stats() {
    json answer;
    control("GET", "/stats", "", &answer);
    return answer;
  }
  // Created, paid by the payer, and the callback about it taken.
  PaymentId paid_payment(const std::string& subject = "") {
    const PaymentId payment = next_payment();
    REQUIRE(create(payment, subject).verdict == V::accepted);
    REQUIRE(notify.next().report().verdict == V::paid);
    return payment;
  }

  NotifyServer notify;
  HttpClient http;
  std::unique_ptr<sandbox::SandboxServer> server;
  int port = 0;
  std::unique_ptr<HttpChannel> channel;
};

}  // namespace welkin::sandbox_channel_test
