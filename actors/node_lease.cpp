#include "actors/node_lease.hpp"

#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <sstream>
#include <utility>
#include <vector>

namespace welkin {
namespace {

constexpr int renewals_in_a_length = 5;
// What a node stops serving before the end: an answer on its way must not come after it.
constexpr int margin_share = 5;
constexpr std::int64_t slack_ms = 100;

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string pid_namespace() {
  std::array<char, 64> name{};
  const ssize_t size = ::readlink("/proc/self/ns/pid", name.data(), name.size());
  return size > 0 ? std::string(name.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string boot_id() { return first_line_of("/proc/sys/kernel/random/boot_id"); }

// State and time of start. The name in brackets may hold anything, so what follows its end counts.
struct ProcessLook {
  char state = '?';
  std::string started;  // empty: not known
};
ProcessLook look_at_process(const std::string& pid) {
  const std::string line = first_line_of("/proc/" + pid + "/stat");
  const std::size_t bracket = line.rfind(')');
  ProcessLook look;
  if (bracket == std::string::npos) return look;
  std::istringstream fields(line.substr(bracket + 1));
  fields >> look.state;
  constexpr int fields_before_start = 18;
  std::string field;
  for (int i = 0; i <= fields_before_start; ++i) fields >> field;
  if (fields) look.started = field;
  return look;
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "?";
}

std::string random_name() {
  std::random_device device;
  std::ostringstream name;
  for (int i = 0; i < 4; ++i) name << std::hex << device();
  return name.str();
}

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(std::move(word));
  return words;
}

// Host and pid, for people.
std::string place_of(const Lease& lease) {
  const auto words = words_of(lease.whereabouts);
  return words.size() < 5 ? "another node" : "the node with pid " + words[3] + " on " + words[0];
}

StoreError in_use(const Lease& lease) {
  return {StoreErrorKind::unavailable,
          "the journal is in use by " + place_of(lease) +
              ", which renews its lease: stop it, or give this node a journal of its own"};
}

}  // namespace

std::string whereabouts_of_this_process() {
  const std::string pid = std::to_string(::getpid());
  return host_name() + " " + boot_id() + " " + pid_namespace() + " " + pid + " " +
         look_at_process(pid).started;
}

bool is_certainly_dead(std::string_view whereabouts) {
  const auto words = words_of(whereabouts);
  if (words.size() != 5 || words[1] != boot_id() || words[2] != pid_namespace()) return false;
  const long pid = std::strtol(words[3].c_str(), nullptr, 10);
  if (pid <= 0) return false;
  if (::kill(static_cast<pid_t>(pid), 0) != 0 && errno == ESRCH) return true;
  const ProcessLook look = look_at_process(words[3]);
  return !look.started.empty() &&
         (look.started != words[4] || look.state == 'Z' || look.state == 'X');
}

StoreResult<std::unique_ptr<NodeLease>> NodeLease::take(JournalStore& store,
                                                        const LeaseTerms& terms, NodeFate& fate) {
  LeaseClaim claim{random_name(), whereabouts_of_this_process(), terms.length_ms * us_per_ms, ""};
  std::optional<Lease> first_seen;
  for (;;) {
    const auto asked_at = Clock::now();
    auto answer = store.take_lease(claim);
    if (const StoreError* error = error_of(answer)) return *error;
    const Lease& lease = std::get<Lease>(answer);
    if (lease.is_ours) {
      std::unique_ptr<NodeLease> held(new NodeLease(store, std::move(claim), fate));
      if (!lease.is_needed) return held;
      held->held_since(asked_at);
      held->thread_ = std::thread([raw = held.get()] { raw->keep_renewing(); });
      return held;
    }
    if (first_seen &&
        (first_seen->holder != lease.holder || first_seen->renewals != lease.renewals))
      return in_use(lease);
    if (!first_seen && is_certainly_dead(lease.whereabouts)) {
      spdlog::info("lease: {} has died; it is taken over", place_of(lease));
      claim.successor_of = lease.holder;
    } else {
      if (!first_seen)
        spdlog::warn("lease: {} held the journal last; waiting {:.1f} s for the end of its lease",
                     place_of(lease), static_cast<double>(lease.left_us) / us_per_s);
      // One that lives renews within a share of the length.
      const std::int64_t wait_ms =
          std::clamp<std::int64_t>(lease.left_us / us_per_ms, 0,
                                   2 * terms.length_ms / renewals_in_a_length) +
          slack_ms;
      if (terms.wait && !terms.wait(wait_ms))
        return StoreError{StoreErrorKind::unavailable, "told to stop while waiting for the lease"};
      if (!terms.wait) std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    }
    first_seen = lease;
  }
}

NodeLease::NodeLease(JournalStore& store, LeaseClaim claim, NodeFate& fate)
    : store_(store),
      claim_(std::move(claim)),
      fate_(fate),
      serves_until_(Clock::time_point::max().time_since_epoch().count()) {}

// It ends so long after the store was asked at the earliest.
void NodeLease::held_since(Clock::time_point asked_at) {
  const auto length = std::chrono::microseconds(claim_.length_us);
  serves_until_ = (asked_at + length - length / margin_share).time_since_epoch().count();
}

void NodeLease::keep_renewing() {
  pthread_setname_np(pthread_self(), "welkin.lease");
  const auto pause = std::chrono::microseconds(claim_.length_us) / renewals_in_a_length;
  std::unique_lock<std::mutex> lock(mutex_);
  while (!wake_.wait_for(lock, pause, [this] { return stopping_; })) {
    lock.unlock();
    renew();
    lock.lock();
  }
}

void NodeLease::renew() {
  const auto asked_at = Clock::now();
  const auto answer = store_.renew_lease(claim_);
  if (const StoreError* error = error_of(answer)) {
    if (is_held() || std::exchange(is_lapsed_, true)) return;
    spdlog::error("lease: it could not be renewed, and nothing is served until it is: {}",
                  error->detail);
    return;
  }
  const Lease& lease = std::get<Lease>(answer);
  if (!lease.is_ours)
    return fate_.end(fenced_reason, lease.holder.empty()
                                        ? "another node had taken this journal over"
                                        : place_of(lease) + " has taken this journal over");
  held_since(asked_at);
  if (std::exchange(is_lapsed_, false)) spdlog::info("lease: renewed, nobody else had taken it");
}

void NodeLease::give_up() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  const auto given_up = store_.give_up_lease(claim_);
  if (const StoreError* error = error_of(given_up))
    spdlog::warn("lease: it could not be given up, the next start may wait for its end: {}",
                 error->detail);
}

}  // namespace welkin
