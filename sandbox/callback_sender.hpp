// Delivers the sandbox's callbacks: signed, repeated with back-off until they are taken in the
// channel's own words, and, when told so, wrong in one of the ways a receiver must withstand.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "sandbox/desk.hpp"
#include "sandbox/scheduler.hpp"

namespace httplib {
class Client;
}

namespace welkin::sandbox {

// A false message that goes out before the true one, once.
struct FalseMessage {
  Seal seal;
  bool forged = false;
};

struct Delivery {
  std::string url;
  Seal seal;
  const Desk* desk = nullptr;  // says what counts as taken
  std::vector<FalseMessage> ahead;
  bool duplicate = false;  // sent once more, signed anew, and then replayed byte for byte
};

struct DeliveryStats {
  std::uint64_t delivered = 0;  // taken
  std::uint64_t refused = 0;    // answered with something else, or not at all
  std::uint64_t given_up = 0;   // after the last try, or for want of room
};

class CallbackSender {
 public:
  static constexpr int max_tries = 10;

  explicit CallbackSender(std::int64_t backoff_ms);
  ~CallbackSender();

  void send(Delivery delivery, std::int64_t delay_ms);
  // Breaks off what is under way and returns within a moment.
  void stop();
  DeliveryStats stats() const;

 private:
  class Lease;

  void attempt(const Delivery& delivery, int tries);
  void later(std::int64_t delay_ms, Delivery delivery, int tries);
  bool post(const Delivery& delivery, const SignedMessage& message);

  const std::int64_t backoff_ms_;
  std::atomic<std::uint64_t> delivered_{0};
  std::atomic<std::uint64_t> refused_{0};
  std::atomic<std::uint64_t> given_up_{0};

  // Connections by origin ("http://127.0.0.1:8600"), lent to one delivery at a time.
  std::mutex clients_mutex_;
  std::unordered_map<std::string, std::vector<std::unique_ptr<httplib::Client>>> idle_clients_;
  std::set<httplib::Client*> busy_clients_;
  bool stopping_ = false;

  Scheduler scheduler_;  // last: its threads use everything above
};

}  // namespace welkin::sandbox
