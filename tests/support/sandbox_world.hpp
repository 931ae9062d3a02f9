// The sandbox's desks in this process, asked by the runtime's own wire formats, and a server that
// receives the callbacks and judges them by the same.
#pragma once

#include <httplib.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "protocol/channels/alipay/wire.hpp"
#include "protocol/channels/stripe/wire.hpp"
#include "protocol/channels/union_pay/wire.hpp"
#include "protocol/channels/wechat_pay/wire.hpp"
#include "sandbox/channel_desks.hpp"
#include "tests/support/channel_calls.hpp"

namespace welkin::sandbox_test {

inline constexpr int patience_s = 30;  // for what must happen; no test waits this long when well

// Made once for all tests: RSA keys take their time.
inline const sandbox::TestKeys& test_keys() {
  static const sandbox::TestKeys keys = sandbox::make_test_keys();
  return keys;
}

// One protocol from the merchant's side.
struct Client {
  std::string name;  // of the desk
  std::function<EncodedCall(const ChannelCall&, const SigningContext&)> encode;
  std::function<ChannelReport(const ChannelCall&, const WireAnswer&, const SigningContext&)> parse;
  std::function<CallbackVerdict(const RawCallback&)> judge;
  CallbackAck taken;
  CallbackAck not_taken;
};

template <class Account>
Account made(std::variant<Account, AccountFaults> account) {
  if (const auto* faults = std::get_if<AccountFaults>(&account))
    FAIL(faults->front().field << ": " << faults->front().detail);
  return std::get<Account>(std::move(account));
}

inline Client wechat_client(const std::string& notify_url) {
  const auto account = made(wechat_pay::make_account(
      sandbox::wechat_account(test_keys(), "http://x", notify_url), sandbox::wall_clock_us()));
  return {"wechat_pay",
          [account](const auto& call, const auto& context) {
            return wechat_pay::encode_call(account, call, context);
          },
          [account](const auto& call, const auto& answer, const auto& context) {
            return wechat_pay::parse_answer(account, call, answer, context);
          },
          [account](const RawCallback& raw) {
            return wechat_pay::parse_callback(account, raw, sandbox::wall_clock_us());
          },
          wechat_pay::taken(),
          wechat_pay::not_taken()};
}

inline Client alipay_client(const std::string& notify_url, bool with_certificates = false) {
  const auto account = made(alipay::make_account(
      sandbox::alipay_account(test_keys(), "http://x", notify_url, with_certificates),
      sandbox::wall_clock_us()));
  return {"alipay",
          [account](const auto& call, const auto& context) {
            return alipay::encode_call(account, call, context);
          },
          [account](const auto& call, const auto& answer, const auto& context) {
            return alipay::parse_answer(account, call, answer, context.now_us);
          },
          [account](const RawCallback& raw) { return alipay::parse_callback(account, raw); },
          alipay::taken(),
          alipay::not_taken()};
}

inline Client union_pay_client(const std::string& notify_url) {
  const auto account = made(union_pay::make_account(
      sandbox::union_pay_account(test_keys(), "http://x", notify_url), sandbox::wall_clock_us()));
  return {"union_pay",
          [account](const auto& call, const auto& context) {
            return union_pay::encode_call(account, call, context);
          },
          [account](const auto& call, const auto& answer, const auto& context) {
            return union_pay::parse_answer(account, call, answer, context.now_us);
          },
          [account](const RawCallback& raw) {
            return union_pay::parse_callback(account, raw, sandbox::wall_clock_us());
          },
          union_pay::taken(),
          union_pay::not_taken()};
}

inline Client stripe_client() {
  const auto account = made(stripe::make_account(sandbox::stripe_account(test_keys(), "http://x")));
  return {"stripe",
          [account](const auto& call, const auto& context) {
            return stripe::encode_call(account, call, context);
          },
          [account](const auto& call, const auto& answer, const auto&) {
            return stripe::parse_answer(account, call, answer);
          },
          [account](const RawCallback& raw) {
            return stripe::parse_callback(account, raw, sandbox::wall_clock_us());
          },
          stripe::taken(),
          stripe::not_taken()};
}

struct Received {
  RawCallback raw;
  CallbackVerdict verdict;

  bool believed() const { return std::holds_alternative<ChannelReport>(verdict); }
  const ChannelReport& report() const { return std::get<ChannelReport>(verdict); }
  std::string code() const {
    if (const auto* ignored = std::get_if<CallbackIgnored>(&verdict))
      return std::string(name_of(ignored->reason));
    const auto* refused = std::get_if<CallbackRefused>(&verdict);
    return refused ? std::string(spec_of(refused->problem.code).name) : "believed";
  }
};

// Takes every callback and answers it as its judge says.
class Receiver {
 public:
  Receiver() {
    server_.set_keep_alive_timeout(1);
    server_.set_tcp_nodelay(true);
    server_.Post(
        "/([a-z_]+)", [this](const httplib::Request& request, httplib::Response& response) {
          RawCallback raw{request.matches[1], {}, request.body};
          for (const auto& [name, value] : request.headers) {
            std::string lower = name;
            for (char& c : lower)
              if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
            raw.headers.emplace_back(std::move(lower), value);
          }
          std::lock_guard lock(mutex_);
          const CallbackVerdict verdict = client_->judge(raw);
          const bool refuses = std::holds_alternative<CallbackRefused>(verdict) || refuse_ > 0;
          if (refuse_ > 0) --refuse_;
          const CallbackAck& ack = refuses ? client_->not_taken : client_->taken;
          response.status = ack.http_status;
          response.set_content(ack.body, ack.content_type.c_str());
          received_.push_back({std::move(raw), verdict});
          arrived_.notify_all();
        });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~Receiver() {
    server_.stop();
    thread_.join();
  }

  std::string url(const std::string& name) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + name;
  }
  void judge_by(const Client* client) {
    std::lock_guard lock(mutex_);
    client_ = client;
  }
  void refuse_next(int count) {
    std::lock_guard lock(mutex_);
    refuse_ = count;
  }
  Received next() {
    std::unique_lock lock(mutex_);
    REQUIRE(arrived_.wait_for(lock, std::chrono::seconds(patience_s),
                              [this] { return !received_.empty(); }));
    Received received = std::move(received_.front());
    received_.pop_front();
    return received;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Received> received_;
  const Client* client_ = nullptr;
  int refuse_ = 0;
  int port_ = 0;
  httplib::Server server_;
  std::thread thread_;
};

inline sandbox::SandboxConfig quick_config() {
  sandbox::SandboxConfig config;
  config.auto_pay.enabled = false;
  config.auto_pay.refund_after_ms = 1;
  config.callback_backoff_ms = 10;
  return config;
}

// One desk and its client.
class World {
 public:
  explicit World(const std::string& protocol, bool with_certificates = false,
                 sandbox::SandboxConfig config = quick_config())
      : bank_(config) {
    const std::string url = receiver_.url(protocol);
    client_ = protocol == "wechat_pay"  ? wechat_client(url)
              : protocol == "alipay"    ? alipay_client(url, with_certificates)
              : protocol == "union_pay" ? union_pay_client(url)
                                        : stripe_client();
    receiver_.judge_by(&client_);
    auto opened = sandbox::open_channel_desks(bank_, test_keys(), {"http://pay.test/", url});
    if (const auto* problem = std::get_if<Problem>(&opened)) FAIL(problem->detail);
    desks_ = std::get<sandbox::Desks>(std::move(opened));
    for (const auto& desk : desks_)
      if (desk->name() == protocol) desk_ = desk.get();
    REQUIRE(desk_);
  }
  ~World() { bank_.stop(); }

  sandbox::Bank& bank() { return bank_; }
  Receiver& receiver() { return receiver_; }
  const Client& client() const { return client_; }

  static SigningContext context() { return {sandbox::wall_clock_us(), sandbox::make_nonce()}; }

  WireRequest encode(const ChannelCall& call) const {
    auto encoded = client_.encode(call, context());
    if (const auto* problem = std::get_if<Problem>(&encoded)) FAIL(problem->detail);
    return std::get<WireRequest>(std::move(encoded));
  }
  WireAnswer send(const WireRequest& request) const {
    sandbox::DeskRequest asked{request.method, request.target,
                               std::string(desk_->prefix()) + request.target, request.headers,
                               request.body};
    const sandbox::DeskAnswer answer = desk_->answer(asked);
    return {answer.status, answer.headers, answer.body};
  }
  // What comes of a call. Where the payer's browser carries the order, it does so.
  ChannelReport ask(const ChannelCall& call) const {
    const auto encoded = client_.encode(call, context());
    if (const auto* problem = std::get_if<Problem>(&encoded)) FAIL(problem->detail);
    if (const auto* report = std::get_if<ChannelReport>(&encoded)) {
      last_page_ = send(browse(report->next_action)).body;
      return *report;
    }
    return client_.parse(call, send(std::get<WireRequest>(encoded)), context());
  }
  const std::string& last_page() const { return last_page_; }

 private:
  static std::string between(const std::string& text, const std::string& from,
                             const std::string& to, std::size_t& at) {
    const std::size_t begin = text.find(from, at);
    if (begin == std::string::npos) return at = begin, std::string();
    const std::size_t end = text.find(to, begin + from.size());
    at = end;
    return text.substr(begin + from.size(), end - begin - from.size());
  }
  static std::string unescaped(std::string text) {
    for (const auto& [code, by] :
         {std::pair("&lt;", "<"), std::pair("&gt;", ">"), std::pair("&quot;", "\""),
          std::pair("&#39;", "'"), std::pair("&amp;", "&")})
      for (std::size_t at = 0; (at = text.find(code, at)) != std::string::npos; ++at)
        text.replace(at, std::string(code).size(), by);
    return text;
  }
  // What a browser would send.
  static WireRequest browse(const NextAction& action) {
    if (action.type == "redirect")
      return {"GET", action.value.substr(std::string("http://x").size()), {}, {}};
    REQUIRE(action.type == "form");
    FormFields fields;
    std::size_t at = 0;
    const std::string target = unescaped(between(action.value, "action=\"", "\"", at))
                                   .substr(std::string("http://x").size());
    while (at != std::string::npos) {
      const std::string name = unescaped(between(action.value, "name=\"", "\"", at));
      if (at == std::string::npos) break;
      fields.emplace_back(name, unescaped(between(action.value, "value=\"", "\"", at)));
    }
    return {"POST", target, {}, encode_form(fields, FormSpace::plus)};
  }

  Client client_;  // before the receiver, whose threads judge by it to their end
  Receiver receiver_;
  sandbox::Bank bank_;
  sandbox::Desks desks_;
  sandbox::Desk* desk_ = nullptr;
  mutable std::string last_page_;
};

// An order of 1.01 paid in this way, dated now; no test's number is another's.
inline ChannelCall order_call(const std::string& method = {}, const std::string& subject = "Tea") {
  static int number = 0;
  ChannelCall call;
  call.payment = payment_id_of("m_1", "order-" + std::to_string(++number));
  call.merchant_id = "m_1";
  call.channel_order_no = channel_order_no(call.payment, 1);
  call.amount_minor = call.order_amount_minor = 101;
  call.currency = *Currency::parse("CNY");
  call.subject = subject;
  call.return_url = "https://shop.example.com/back";
  call.order_created_at_us = sandbox::wall_clock_us();
  call.expires_at_us = call.order_created_at_us + 1'800 * us_per_s;
  call.method = method;
  call.payer_id = "oTESTpayer";
  call.payer_ip = "203.0.113.7";
  return call;
}
inline ChannelCall query_of(ChannelCall call, const ChannelReport& known = {}) {
  call.query = true;
  call.channel_reference = known.channel_reference;
  return call;
}
inline ChannelCall refund_call(const ChannelCall& order, const ChannelReport& paid,
                               std::int64_t amount_minor, const std::string& number = "refund-1") {
  ChannelCall call = order;
  const RefundId refund = refund_id_of(call.payment, number);
  call.operation = ChannelOperation::refund;
  call.refund_id = refund.text();
  call.channel_refund_no = channel_refund_no(refund);
  call.amount_minor = amount_minor;
  call.channel_reference = paid.channel_reference;
  call.refund_created_at_us = sandbox::wall_clock_us();
  return call;
}

struct Way {
  const char* protocol;
  const char* method;
  const char* action;  // what the payer has to do
};
inline constexpr Way ways[] = {
    {"wechat_pay", "native", "qr_code"},
    {"wechat_pay", "h5", "redirect"},
    {"wechat_pay", "jsapi", "client_parameters"},
    {"alipay", "precreate", "qr_code"},
    {"alipay", "page", "redirect"},
    {"alipay", "wap", "redirect"},
    {"union_pay", "qr", "qr_code"},
    {"union_pay", "page", "form"},
    {"union_pay", "wap", "form"},
    {"stripe", "", "client_secret"},
};
inline const std::string protocols[] = {"wechat_pay", "alipay", "union_pay", "stripe"};
// The first way of each.
inline std::string method_of(const std::string& protocol) {
  for (const Way& way : ways)
    if (way.protocol == protocol) return way.method;
  return {};
}

// Paid by the payer, and told so.
inline ChannelReport pay(World& world, const ChannelCall& order) {
  world.bank().pay(order.channel_order_no);
  const Received news = world.receiver().next();
  REQUIRE(news.code() == "believed");
  REQUIRE(news.report().verdict == ChannelVerdict::paid);
  return news.report();
}

inline void misbehave(World& world, const std::string& control) {
  const auto set = world.bank().set_control(control);
  REQUIRE(std::holds_alternative<sandbox::Control>(set));
}

}  // namespace welkin::sandbox_test
