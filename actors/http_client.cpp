// The HTTP client's one thread and the queue in front of it; see the header.
#include "actors/http_client.hpp"

#include <curl/curl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>

namespace welkin {
namespace {

using SteadyClock = std::chrono::steady_clock;
using TimePoint = SteadyClock::time_point;
using std::chrono::milliseconds;

constexpr long max_connection_age_s = 55;  // most servers drop an idle connection after a minute
constexpr int poll_max_ms = 1'000;
// While requests wait in the queue, or the client stops, deadlines are looked at this often.
constexpr int poll_watchful_ms = 50;
constexpr int max_events_a_turn = 256;

struct Transfer {
  HttpCall request;
  HttpClient::Done done;
  TimePoint deadline;

  CURL* easy = nullptr;
  curl_slist* header_list = nullptr;
  std::size_t max_answer_bytes = 0;
  std::size_t header_bytes = 0;
  bool may_have_left = false;  // a connection stood and the request was about to be written to it
  bool too_large = false;
  HttpResult result;
  char error[CURL_ERROR_SIZE] = {};

  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() { curl_slist_free_all(header_list); }

  void finish(HttpOutcome outcome, std::string code, std::string detail) {
    if (outcome != HttpOutcome::answered) {
      result = HttpResult{};
      result.code = std::move(code);
      result.detail = std::move(detail);
    }
    result.outcome = outcome;
    done(std::move(result));
  }
};

// curl calls this when a connection stands, before the first byte of the request is written. What
// has not come this far has certainly not been sent. curl would by itself send a request once more
// when a kept connection turns out to be dead; for anything but a GET that second time is refused.
int before_request(void* user, char*, char*, int, int) {
  auto* transfer = static_cast<Transfer*>(user);
  const bool again = transfer->may_have_left;
  transfer->may_have_left = true;
  return again && transfer->request.method != "GET" ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

std::size_t on_body(char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if (transfer->result.body.size() + bytes > transfer->max_answer_bytes) {
    transfer->too_large = true;
    return 0;
  }
  transfer->result.body.append(data, bytes);
  return bytes;
}

std::size_t on_header(char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  transfer->header_bytes += bytes;
  if (transfer->header_bytes > transfer->max_answer_bytes) {
    transfer->too_large = true;
    return 0;
  }
  std::string_view line(data, bytes);
  // A status line opens another head: that of the answer after a 100 or 103.
  if (line.substr(0, 5) == "HTTP/") {
    transfer->result.headers.clear();
    return bytes;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return bytes;
  std::string name(line.substr(0, colon));
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  line.remove_prefix(colon + 1);
  const std::string_view blanks = " \t\r\n";
  const std::size_t first = line.find_first_not_of(blanks);
  const std::size_t last = line.find_last_not_of(blanks);
  std::string value;
  if (first != std::string_view::npos) value = line.substr(first, last - first + 1);
  transfer->result.headers.emplace_back(std::move(name), std::move(value));
  return bytes;
}

bool has_control_characters(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Why the request cannot be sent as it is, or null.
const char* fault_of(const HttpCall& request) {
  if (!starts_with(request.url, "http://") && !starts_with(request.url, "https://"))
    return "The URL is neither http nor https.";
  if (has_control_characters(request.url)) return "The URL has control characters.";
  const bool is_token =
      !request.method.empty() && std::all_of(request.method.begin(), request.method.end(),
                                             [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!is_token || request.method == "HEAD" || request.method == "CONNECT")
    return "The method cannot be used.";
  for (const auto& [name, value] : request.headers)
    if (name.empty() || has_control_characters(name) || has_control_characters(value))
      return "A header has control characters.";
  if (request.timeout_ms <= 0 || request.connect_timeout_ms <= 0)
    return "A deadline is not positive.";
  return nullptr;
}

bool is_connect_failure(CURLcode code) {
  return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
         code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION;
}

}  // namespace

class HttpClient::Loop {
 public:
  explicit Loop(HttpClientOptions options) : options_(std::move(options)) {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = global == CURLE_OK ? curl_multi_init() : nullptr;
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    waker_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!multi_ || epoll_ < 0 || waker_ < 0) {  // no memory or files: every request is refused
      stopping_ = joining_ = joined_ = true;
      return;
    }
    watch(waker_, EPOLLIN, EPOLL_CTL_ADD);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS,
                      static_cast<long>(options_.max_idle_connections));
    thread_ = std::thread([this] { run(); });
    thread_id_ = thread_.get_id();
  }

  ~Loop() {
    stop(0);
    if (multi_) curl_multi_cleanup(multi_);
    for (const int fd : {epoll_, waker_})
      if (fd >= 0) ::close(fd);
  }

  void send(HttpCall request, Done done) {
    auto transfer = std::make_unique<Transfer>();
    transfer->deadline = SteadyClock::now() + milliseconds(request.timeout_ms);
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    if (const char* fault = fault_of(transfer->request))
      return transfer->finish(HttpOutcome::not_sent, "bad_request", fault);
    bool refused_because_stopped = false;
    {
      std::lock_guard lock(mutex_);
      refused_because_stopped = stopping_;
      if (!stopping_ && queue_.size() < options_.max_queued) {
        queue_.push_back(std::move(transfer));
        // The thread takes the whole queue at once, so the first one in wakes it for all.
        if (queue_.size() == 1) wake();
        return;
      }
    }
    if (refused_because_stopped)
      return transfer->finish(HttpOutcome::not_sent, "stopped", "The HTTP client is stopping.");
    transfer->finish(HttpOutcome::not_sent, "queue_full", "Too many requests wait to be sent.");
  }

  void stop(std::int64_t grace_ms) {
    std::unique_lock lock(mutex_);
    if (!std::exchange(stopping_, true))
      stop_deadline_ = SteadyClock::now() + milliseconds(grace_ms);
    wake();
    if (thread_id_ == std::this_thread::get_id()) return;
    // One caller joins; the others wait until it has.
    if (std::exchange(joining_, true))
      return joined_condition_.wait(lock, [this] { return joined_; });
    lock.unlock();
    thread_.join();
    lock.lock();
    joined_ = true;
    joined_condition_.notify_all();
  }

 private:
  using Transfers = std::deque<std::unique_ptr<Transfer>>;

  struct Intake {
    bool stopping = false;
    bool more_is_queued = false;
    Transfers taken;
  };

  void run() {
    pthread_setname_np(pthread_self(), "welkin.channels");
    while (true) {
      Intake intake = take_queue();
      for (auto& transfer : intake.taken) {
        if (intake.stopping)
          transfer->finish(HttpOutcome::not_sent, "stopped", "The HTTP client is stopping.");
        else
          start(std::move(transfer));
      }
      collect();
      if (intake.stopping && (in_flight_.empty() || SteadyClock::now() >= stop_deadline_)) break;
      const bool watchful = intake.stopping || intake.more_is_queued;
      serve_sockets(watchful ? poll_watchful_ms : poll_max_ms);
      collect();
    }
    fail_rest();
    close_everything();
  }

  // Kept connections are closed with the client: whoever is at their other end need not wait for
  // more.
  void close_everything() {
    for (CURL* easy : idle_handles_) curl_easy_cleanup(easy);
    idle_handles_.clear();
    curl_multi_cleanup(multi_);
    multi_ = nullptr;
  }

  // ---- sockets: curl says which to watch for what and when to be called at the latest, so that a
  // turn costs what happens in it, however many calls wait meanwhile

  void wake() {
    const std::uint64_t one = 1;
    // A counter that is full wakes the thread as well.
    [[maybe_unused]] const auto written = ::write(waker_, &one, sizeof one);
  }

  void watch(int fd, std::uint32_t events, int how) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    ::epoll_ctl(epoll_, how, fd, &event);
  }

  // `known` is not null for a socket that is watched already.
  static int on_socket(CURL*, curl_socket_t fd, int what, void* user, void* known) {
    auto* loop = static_cast<Loop*>(user);
    if (what == CURL_POLL_REMOVE) {
      loop->watch(fd, 0, EPOLL_CTL_DEL);
      return 0;
    }
    const std::uint32_t events = (what & CURL_POLL_IN ? std::uint32_t{EPOLLIN} : 0U) |
                                 (what & CURL_POLL_OUT ? std::uint32_t{EPOLLOUT} : 0U);
    loop->watch(fd, events, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD);
    if (!known) curl_multi_assign(loop->multi_, fd, loop);
    return 0;
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) {
    auto* loop = static_cast<Loop*>(user);
    loop->timer_at_.reset();
    if (timeout_ms >= 0) loop->timer_at_ = SteadyClock::now() + milliseconds(timeout_ms);
    return 0;
  }

  void serve_sockets(int wait_max_ms) {
    std::array<epoll_event, max_events_a_turn> events;
    const int ready = ::epoll_wait(epoll_, events.data(), max_events_a_turn, wait_ms(wait_max_ms));
    int running = 0;
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.fd == waker_) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto bytes = ::read(waker_, &count, sizeof count);
        continue;
      }
      const int mask = (event.events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                       (event.events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (event.events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
      curl_multi_socket_action(multi_, event.data.fd, mask, &running);
    }
    if (!timer_at_ || *timer_at_ > SteadyClock::now()) return;
    timer_at_.reset();
    curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &running);
  }

  int wait_ms(int max_ms) const {
    if (!timer_at_) return max_ms;
    const auto left = *timer_at_ - SteadyClock::now();
    if (left <= SteadyClock::duration::zero()) return 0;
    // Rounded up: a turn before the time is one too many.
    const auto left_ms = std::chrono::ceil<milliseconds>(left).count();
    return static_cast<int>(std::min<std::int64_t>(left_ms, max_ms));
  }

  // What can start now, what has waited beyond its deadline, and when stopping simply everything.
  Intake take_queue() {
    Intake intake;
    std::lock_guard lock(mutex_);
    intake.stopping = stopping_;
    const std::size_t room =
        options_.max_in_flight - std::min(options_.max_in_flight, in_flight_.size());
    const TimePoint now = SteadyClock::now();
    while (!queue_.empty() &&
           (stopping_ || intake.taken.size() < room || queue_.front()->deadline <= now)) {
      intake.taken.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    intake.more_is_queued = !queue_.empty();
    return intake;
  }

  void start(std::unique_ptr<Transfer> transfer) {
    const auto left =
        std::chrono::duration_cast<milliseconds>(transfer->deadline - SteadyClock::now());
    if (left.count() <= 0)
      return transfer->finish(HttpOutcome::not_sent, "deadline", "It waited too long to be sent.");
    CURL* easy = take_handle();
    if (!easy) return transfer->finish(HttpOutcome::not_sent, "bad_request", "Out of memory.");
    transfer->easy = easy;
    prepare(*transfer, left.count());
    const CURLMcode code = curl_multi_add_handle(multi_, easy);
    if (code != CURLM_OK) {
      give_back_handle(easy);
      return transfer->finish(HttpOutcome::not_sent, "bad_request", curl_multi_strerror(code));
    }
    in_flight_.emplace(easy, std::move(transfer));
  }

  void prepare(Transfer& transfer, std::int64_t left_ms) {
    CURL* easy = transfer.easy;
    const HttpCall& request = transfer.request;
    transfer.max_answer_bytes = options_.max_answer_bytes;
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    // Where money is asked for is the configuration's business, not the environment's.
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    // A slow name server must not hold the thread: its resolver is left behind instead of joined.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    // Behind TLS the first connection tells whether the others can share it.
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, starts_with(request.url, "https://") ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    const std::string& ca_file = request.ca_file.empty() ? options_.ca_file : request.ca_file;
    if (!ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file.c_str());
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(left_ms));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::min(left_ms, request.connect_timeout_ms)));
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, max_connection_age_s);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.error);
    if (request.method != "GET" || !request.body.empty()) {
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    }
    add_header(transfer, "Expect:");  // no waiting for a 100 before a body of a few hundred bytes
    for (const auto& [name, value] : request.headers)
      // curl writes an empty header only when it ends in a semicolon.
      add_header(transfer, value.empty() ? name + ";" : name + ": " + value);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.header_list);
  }

  static void add_header(Transfer& transfer, const std::string& line) {
    if (curl_slist* list = curl_slist_append(transfer.header_list, line.c_str()))
      transfer.header_list = list;
  }

  void collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      complete(remove(message->easy_handle), code);
    }
  }

  std::unique_ptr<Transfer> remove(CURL* easy) {
    const auto it = in_flight_.find(easy);
    std::unique_ptr<Transfer> transfer = std::move(it->second);
    in_flight_.erase(it);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->result.status = static_cast<int>(status);
    curl_multi_remove_handle(multi_, easy);
    give_back_handle(easy);
    return transfer;
  }

  static void complete(std::unique_ptr<Transfer> transfer, CURLcode code) {
    if (code == CURLE_OK) return transfer->finish(HttpOutcome::answered, {}, {});
    std::string detail = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
    const auto outcome = transfer->may_have_left ? HttpOutcome::no_answer : HttpOutcome::not_sent;
    const char* name = "connection_broken";
    if (transfer->too_large)
      name = "answer_too_large";
    else if (code == CURLE_OPERATION_TIMEDOUT)
      name = "deadline";
    else if (is_connect_failure(code))
      name = "connect_failed";
    else if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
      name = "bad_request";
    transfer->finish(outcome, name, std::move(detail));
  }

  void fail_rest() {
    while (!in_flight_.empty()) {
      auto transfer = remove(in_flight_.begin()->first);
      const auto outcome = transfer->may_have_left ? HttpOutcome::no_answer : HttpOutcome::not_sent;
      transfer->finish(outcome, "stopped", "The HTTP client stopped before the answer came.");
    }
    Transfers rest;
    {
      std::lock_guard lock(mutex_);
      rest = std::move(queue_);
      queue_.clear();
    }
    for (auto& transfer : rest)
      transfer->finish(HttpOutcome::not_sent, "stopped", "The HTTP client is stopping.");
  }

  CURL* take_handle() {
    if (idle_handles_.empty()) return curl_easy_init();
    CURL* easy = idle_handles_.back();
    idle_handles_.pop_back();
    return easy;
  }

  void give_back_handle(CURL* easy) {
    if (idle_handles_.size() >= options_.max_idle_connections) return curl_easy_cleanup(easy);
    curl_easy_reset(easy);
    idle_handles_.push_back(easy);
  }

  const HttpClientOptions options_;

  int epoll_ = -1;
  int waker_ = -1;

  // The thread's own.
  CURLM* multi_ = nullptr;
  std::optional<TimePoint> timer_at_;  // when curl wants to be called at the latest
  std::unordered_map<CURL*, std::unique_ptr<Transfer>> in_flight_;
  std::vector<CURL*> idle_handles_;

  std::mutex mutex_;
  Transfers queue_;
  bool stopping_ = false;
  TimePoint stop_deadline_{};
  bool joining_ = false;
  bool joined_ = false;
  std::condition_variable joined_condition_;
  std::thread thread_;
  std::thread::id thread_id_;  // `thread_` itself belongs to whoever joins it
};

HttpClient::HttpClient(HttpClientOptions options)
    : loop_(std::make_unique<Loop>(std::move(options))) {}
HttpClient::~HttpClient() = default;
void HttpClient::send(HttpCall request, Done done) {
  loop_->send(std::move(request), std::move(done));
}
void HttpClient::stop(std::int64_t grace_ms) { loop_->stop(grace_ms); }

}  // namespace welkin
