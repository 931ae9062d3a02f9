// How callbacks go out; see the header.
#include "sandbox/callback_sender.hpp"

#include <httplib.h>

#include <utility>

#include "sandbox/bank.hpp"

namespace welkin::sandbox {
namespace {

constexpr std::size_t delivery_threads = 8;
constexpr std::size_t max_deliveries = 200'000;
constexpr std::size_t max_origins = 64;
// By so much a false message goes ahead: the receiver meets it while it could do harm.
constexpr std::int64_t head_start_ms = 150;

SigningContext signing_now() { return {wall_clock_us(), make_nonce()}; }

struct SplitUrl {
  std::string origin;
  std::string path;
};
SplitUrl split(const std::string& url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string::npos) return {};
  const std::size_t slash = url.find('/', scheme + 3);
  if (slash == std::string::npos) return {url, "/"};
  return {url.substr(0, slash), url.substr(slash)};
}

}  // namespace

// One connection for one delivery. It goes back to the idle ones unless it failed.
class CallbackSender::Lease {
 public:
  Lease(CallbackSender& sender, std::string origin) : sender_(sender), origin_(std::move(origin)) {
    std::lock_guard lock(sender_.clients_mutex_);
    if (sender_.stopping_) return;
    auto& idle = sender_.idle_clients_[origin_];
    if (idle.empty()) {
      client_ = make(origin_);
    } else {
      client_ = std::move(idle.back());
      idle.pop_back();
    }
    sender_.busy_clients_.insert(client_.get());
  }
  ~Lease() {
    if (!client_) return;
    std::lock_guard lock(sender_.clients_mutex_);
    sender_.busy_clients_.erase(client_.get());
    if (sender_.idle_clients_.size() > max_origins) sender_.idle_clients_.clear();
    if (worked_) sender_.idle_clients_[origin_].push_back(std::move(client_));
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  httplib::Client* client() const { return client_.get(); }
  void worked() { worked_ = true; }

 private:
  static std::unique_ptr<httplib::Client> make(const std::string& origin) {
    auto client = std::make_unique<httplib::Client>(origin);
    client->set_tcp_nodelay(true);
    client->set_keep_alive(true);
    client->set_connection_timeout(2);
    client->set_read_timeout(5);
    client->set_write_timeout(2);
    return client;
  }

  CallbackSender& sender_;
  const std::string origin_;
  std::unique_ptr<httplib::Client> client_;
  bool worked_ = false;
};

CallbackSender::CallbackSender(std::int64_t backoff_ms)
    : backoff_ms_(backoff_ms), scheduler_(delivery_threads, max_deliveries) {}

CallbackSender::~CallbackSender() { stop(); }

void CallbackSender::send(Delivery delivery, std::int64_t delay_ms) {
  later(delay_ms, std::move(delivery), 1);
}

void CallbackSender::stop() {
  {
    std::lock_guard lock(clients_mutex_);
    stopping_ = true;
    for (httplib::Client* client : busy_clients_) client->stop();
  }
  scheduler_.stop();
}

DeliveryStats CallbackSender::stats() const { return {delivered_, refused_, given_up_}; }

void CallbackSender::later(std::int64_t delay_ms, Delivery delivery, int tries) {
  const auto task = [this, delivery = std::move(delivery), tries] { attempt(delivery, tries); };
  if (!scheduler_.after(delay_ms, task)) ++given_up_;
}

void CallbackSender::attempt(const Delivery& delivery, int tries) {
  if (!delivery.ahead.empty()) {
    for (const FalseMessage& message : delivery.ahead)
      post(delivery, message.seal(signing_now(), message.forged));
    Delivery rest = delivery;
    rest.ahead.clear();
    return later(head_start_ms, std::move(rest), tries);
  }
  const bool arrived = post(delivery, delivery.seal(signing_now(), false));
  if (delivery.duplicate && tries == 1) {
    const SignedMessage again = delivery.seal(signing_now(), false);
    post(delivery, again);
    post(delivery, again);
  }
  if (arrived) return;
  if (tries < max_tries) return later(backoff_ms_ << (tries - 1), delivery, tries + 1);
  ++given_up_;
}

bool CallbackSender::post(const Delivery& delivery, const SignedMessage& message) {
  const SplitUrl url = split(delivery.url);
  if (url.origin.empty()) {
    ++refused_;
    return false;
  }
  Lease lease(*this, url.origin);
  if (!lease.client() || !lease.client()->is_valid()) {
    ++refused_;
    return false;
  }
  httplib::Headers head;
  for (const auto& [name, value] : message.headers) head.emplace(name, value);
  const auto answer =
      lease.client()->Post(url.path.c_str(), head, message.body, message.content_type.c_str());
  if (answer) lease.worked();
  const bool arrived = answer && delivery.desk->is_taken(answer->status, answer->body);
  ++(arrived ? delivered_ : refused_);
  return arrived;
}

}  // namespace welkin::sandbox
