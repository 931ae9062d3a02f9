// How callbacks go out; see the header.
#include "sandbox/callback_sender.hpp"

#include <httplib.h>
#include <openssl/rand.h>

#include <chrono>
#include <cstdlib>
#include <utility>

namespace welkin::sandbox {
namespace {

namespace wire = sandbox_wire;

constexpr std::size_t delivery_threads = 8;
constexpr std::size_t max_deliveries = 200'000;
constexpr std::size_t max_origins = 64;
// By so much a false message goes ahead: the receiver meets it while it could do harm.
constexpr std::int64_t head_start_ms = 150;

std::string make_nonce() {
  constexpr char digits[] = "0123456789abcdef";
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) std::abort();  // nothing can be signed without
  std::string text;
  for (const unsigned char byte : bytes) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

std::int64_t now_s() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

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

CallbackSender::CallbackSender(std::string secret, std::int64_t backoff_ms)
    : secret_(std::move(secret)),
      backoff_ms_(backoff_ms),
      scheduler_(delivery_threads, max_deliveries) {}

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
      post(delivery.url, message.body, sign(message.body, message.forged));
    Delivery rest = delivery;
    rest.ahead.clear();
    return later(head_start_ms, std::move(rest), tries);
  }
  const bool arrived = post(delivery.url, delivery.body, sign(delivery.body));
  if (delivery.duplicate && tries == 1) {
    const wire::SignatureHeaders again = sign(delivery.body);
    post(delivery.url, delivery.body, again);
    post(delivery.url, delivery.body, again);
  }
  if (arrived) return;
  if (tries < max_tries) return later(backoff_ms_ << (tries - 1), delivery, tries + 1);
  ++given_up_;
}

bool CallbackSender::post(const std::string& full_url, const std::string& body,
                          const wire::SignatureHeaders& headers) {
  const SplitUrl url = split(full_url);
  if (url.origin.empty()) {
    ++refused_;
    return false;
  }
  Lease lease(*this, url.origin);
  if (!lease.client() || !lease.client()->is_valid()) {
    ++refused_;
    return false;
  }
  const httplib::Headers head{{std::string(wire::timestamp_header), headers.timestamp},
                              {std::string(wire::nonce_header), headers.nonce},
                              {std::string(wire::signature_header), headers.signature}};
  const auto answer = lease.client()->Post(url.path.c_str(), head, body, "application/json");
  if (answer) lease.worked();
  const bool arrived = answer && answer->status >= 200 && answer->status < 300;
  ++(arrived ? delivered_ : refused_);
  return arrived;
}

wire::SignatureHeaders CallbackSender::sign(const std::string& body, bool forged) const {
  return wire::sign(forged ? "not-" + secret_ : secret_, now_s(), make_nonce(), body);
}

}  // namespace welkin::sandbox
