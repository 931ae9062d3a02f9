// How many calls one process has under way at a channel that takes its time: `welkin sandbox` as a
// process of its own answers each order after 300 ms, and 2,000 calls are always under way, through
// the circuit breaker, the channel's actor and the HTTP port. And what signing a request costs, by
// channel, with keys of 2048 bits.
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <atomic>
#include <caf/all.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "actors/breaker_actor.hpp"
#include "actors/channel_actor.hpp"
#include "actors/http_channel.hpp"
#include "app/channel_accounts.hpp"
#include "bench/bench_support.hpp"
#include "bench/child_process.hpp"
#include "protocol/channels/crypto.hpp"

namespace welkin::bench {
namespace {

constexpr int calls_under_way = 2'000;
constexpr int channel_takes_ms = 300;
constexpr int warm_up_s = 3;
// The sandbox keeps a quarter of its workers free of answers that it holds back.
constexpr int sandbox_workers = 2'800;

void exit_with(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

class SystemClock : public WallClock {
 public:
  UnixUs now_us() const override {
    return std::chrono::duration_cast<std::chrono::microseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

void allow_many_files() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

std::size_t threads_of_this_process() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// The sandbox's accounts, once it has written them and listens.
std::vector<OpenedAccount> accounts_of(ChildProcess& sandbox, const std::string& path) {
  for (const auto limit = Clock::now() + std::chrono::seconds(60); Clock::now() < limit;) {
    if (sandbox.log().find("http://127.0.0.1:") != std::string::npos) break;
    if (!sandbox.runs()) exit_with("the sandbox did not start: " + sandbox.log());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const ConfigResult config = load_config(path, {});
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&config))
    exit_with(errors->front().text());
  auto opened = open_accounts(std::get<ServeConfig>(config), SystemClock().now_us());
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&opened))
    exit_with(errors->front().text());
  return std::get<std::vector<OpenedAccount>>(std::move(opened));
}

ChannelCall order_number(std::uint64_t number) {
  ChannelCall call;
  call.payment = payment_id_of("bench", std::to_string(number));
  call.operation = ChannelOperation::create;
  call.merchant_id = "bench";
  call.channel_order_no = channel_order_no(call.payment, 1);
  call.amount_minor = call.order_amount_minor = 1'000;
  call.currency = *Currency::parse("CNY");
  call.subject = "Green tea, 250 g";
  call.order_created_at_us = SystemClock().now_us();
  call.expires_at_us = call.order_created_at_us + 1'800 * us_per_s;
  return call;
}

// ---- signing

double us_each(int times, const std::function<void()>& work) {
  work();  // what is made at the first use is not counted
  const auto start = Clock::now();
  for (int i = 0; i < times; ++i) work();
  return seconds_since(start) * 1e6 / times;
}

void measure_signing(const std::vector<OpenedAccount>& accounts, Figures& figures) {
  constexpr int times = 1'000;
  const ChannelCall call = order_number(0);
  for (const OpenedAccount& account : accounts) {
    if (account.section.kind == "wechat_pay") {
      std::ifstream in(account.section.private_key_file);
      const std::string pem{std::istreambuf_iterator<char>(in), {}};
      const auto key = std::get<crypto::PrivateKey>(crypto::PrivateKey::from_pem(pem));
      figures.add("rsa_sign_us", us_each(times, [&] { key.rsa_sha256_sign("a request"); }), "us");
    }
    const SigningContext context{SystemClock().now_us(), random_nonce()};
    const bool is_request =
        std::holds_alternative<WireRequest>(account.format->encode(call, context));
    if (!is_request) exit_with("no request is made for " + account.section.kind);
    figures.add("sign_us_" + account.section.kind,
                us_each(times, [&] { account.format->encode(call, context); }), "us");
  }
}

// ---- calls

// Keeps so many calls under way: each report that comes asks for the next call.
class Load {
 public:
  Load(caf::actor_system& system, RuntimeContextPtr context)
      : context_(std::move(context)),
        shard_(system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
          return {[this](report_atom, const ReportRequestPtr& request) { hear(request->report); },
                  [self](stop_atom) { self->quit(); }};
        })) {
    context_->shards.push_back(shard_);
  }

  void begin(caf::actor breaker) {
    breaker_ = std::move(breaker);
    for (int i = 0; i < calls_under_way; ++i) ask();
  }
  void stop() {
    stopping = true;
    caf::anon_send(shard_, stop_atom::value);
    shard_ = breaker_ = nullptr;
  }

  std::atomic<std::uint64_t> completed{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<bool> stopping{false};

 private:
  void ask() {
    caf::anon_send(breaker_, call_atom::value,
                   std::make_shared<const ChannelCall>(order_number(++asked_)));
  }
  void hear(const ChannelReport& report) {
    if (stopping) return;
    ++(report.verdict == ChannelVerdict::accepted ? completed : failed);
    if (report.verdict != ChannelVerdict::accepted && failed < 4)
      std::fprintf(stderr, "a call failed: %s %s\n", report.code.c_str(), report.message.c_str());
    ask();
  }

  RuntimeContextPtr context_;
  caf::actor shard_;
  caf::actor breaker_;
  std::uint64_t asked_ = 0;
};

class Config : public caf::actor_system_config {
 public:
  Config() {
    set("scheduler.max-threads", std::size_t{2});
    set("scheduler.policy", caf::atom("sharing"));
  }
};

void measure_calls(OpenedAccount account, int seconds, Figures& figures) {
  SystemClock clock;
  RuntimeMetrics metrics;
  RouteTable routes;
  HttpClientOptions http_options;
  http_options.max_in_flight = http_options.max_idle_connections = calls_under_way;
  HttpClient http(http_options);
  HttpChannelOptions options;
  options.account = account.section.name;
  HttpChannel port(options, std::move(account.format), http, [&clock] { return clock.now_us(); });

  Config config;
  caf::actor_system system(config);
  auto context = std::make_shared<RuntimeContext>();
  context->clock = &clock;
  context->metrics = &metrics;
  context->routes = &routes;
  // Nothing is written while the breaker stays closed.
  context->journal = system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](stop_atom) { self->quit(); }};
  });
  ChannelActorOptions calls;
  calls.max_in_flight = calls_under_way;
  Load load(system, context);
  const caf::actor channel = system.spawn<ChannelActor>(context, port, calls);
  const caf::actor breaker = system.spawn<BreakerActor>(context, options.account, account.breaker,
                                                        channel, LoadedBreaker{});
  load.begin(breaker);

  std::this_thread::sleep_for(std::chrono::seconds(warm_up_s));
  const std::uint64_t before = load.completed;
  const auto start = Clock::now();
  std::this_thread::sleep_for(std::chrono::seconds(seconds) / 2);
  const std::size_t threads = threads_of_this_process();
  std::this_thread::sleep_for(std::chrono::seconds(seconds) / 2);
  const double calls_per_s = static_cast<double>(load.completed - before) / seconds_since(start);

  figures.add("calls_per_s", calls_per_s, "/s");
  figures.add("threads", static_cast<double>(threads), "of this process");
  figures.add("calls_under_way", calls_under_way, "");
  figures.add("channel_takes_ms", channel_takes_ms, "ms");
  figures.add("calls_failed", static_cast<double>(load.failed), "");

  load.stopping = true;
  http.stop(1'000);
  caf::anon_send(breaker, stop_atom::value);
  caf::anon_send(context->journal, stop_atom::value);
  load.stop();
  context->shards.clear();
  context->journal = nullptr;
}

int run(int seconds) {
  spdlog::set_level(spdlog::level::warn);
  allow_many_files();
  const ScratchFolder folder;
  const std::string accounts_path = folder.path() + "/accounts.toml";
  ChildProcess sandbox(
      {welkin_program(), "sandbox", "--port", "0", "--keys", folder.path() + "/keys", "--accounts",
       accounts_path, "--no-auto-pay", "--workers", std::to_string(sandbox_workers), "--control",
       R"({"delay_rate":1,"delay_ms":)" + std::to_string(channel_takes_ms) + "}"},
      folder.path() + "/sandbox.log");
  std::vector<OpenedAccount> accounts = accounts_of(sandbox, accounts_path);
  Figures figures;
  for (OpenedAccount& account : accounts)
    if (account.section.kind == "sandbox") {
      // The signing comes after, so that it does not share the processors with the calls.
      OpenedAccount called{account.section, account.breaker, nullptr};
      called.format = std::move(account.format);
      measure_calls(std::move(called), seconds, figures);
    }
  sandbox.signal(SIGKILL);
  sandbox.wait();
  std::vector<OpenedAccount> real;
  for (OpenedAccount& account : accounts)
    if (account.format) real.push_back(std::move(account));
  measure_signing(real, figures);
  figures.print_table("Channel calls");
  figures.print_json();
  return 0;
}

}  // namespace
}  // namespace welkin::bench

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 10;
  if (seconds < 2 || seconds > 60) {
    std::fprintf(stderr, "usage: bench_channels [SECONDS from 2 to 60]\n");
    return 2;
  }
  return welkin::bench::run(seconds);
}
