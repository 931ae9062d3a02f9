#include "app/wiring.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "actors/http_channel.hpp"
#include "actors/http_client.hpp"
#include "actors/runtime.hpp"
#include "app/exit_codes.hpp"
#include "app/stop_signals.hpp"
#include "gateway/gateway_server.hpp"
#include "persistence/journal_store.hpp"
#include "protocol/json_text.hpp"

namespace welkin {
namespace {

UnixUs system_now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// The message as a JSON string: spdlog's own %v would let a quotation mark end it early.
class JsonMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string text;
    append_json_string(text, {message.payload.data(), message.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

void set_up_log(const LogSection& log) {
  spdlog::set_level(spdlog::level::from_str(log.level));
  if (log.format != "json") return spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %v");
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<JsonMessage>('*').set_pattern(
      R"({"at":"%Y-%m-%dT%H:%M:%S.%f%z","level":"%l","message":%*})");
  spdlog::set_formatter(std::move(formatter));
}

RuntimeConfig runtime_config(const RuntimeSection& section) {
  RuntimeConfig config;
  config.shard_count = static_cast<std::uint32_t>(section.shards);
  config.scheduler_threads =
      section.worker_threads > 0
          ? static_cast<int>(section.worker_threads)
          : static_cast<int>(std::max(2U, std::thread::hardware_concurrency()));
  config.command_timeout_ms = static_cast<int>(section.command_timeout_ms);
  config.limits.active_entities = static_cast<std::size_t>(section.active_limit);
  config.limits.passivate_after_us = section.passivate_after_ms * us_per_ms;
  config.limits.snapshot_every_events = static_cast<std::uint64_t>(section.snapshot_every_events);
  config.limits.max_queued_appends = static_cast<std::size_t>(section.max_queued_appends);
  return config;
}

GatewayConfig gateway_config(const ServeConfig& config) {
  GatewayConfig gateway;
  const HttpSection& http = config.http;
  gateway.edge.listen_host = http.host;
  gateway.edge.port = static_cast<int>(http.port);
  gateway.edge.limits.body_limit_bytes = static_cast<std::size_t>(http.body_limit_bytes);
  gateway.edge.workers = static_cast<std::size_t>(http.workers);
  gateway.edge.max_connections = static_cast<std::size_t>(http.max_connections);
  gateway.edge.head_timeout_ms = http.request_deadline_ms;
  gateway.edge.request_timeout_ms = http.request_deadline_ms;
  gateway.edge.idle_timeout_ms = http.idle_timeout_ms;
  gateway.max_commands_in_flight = static_cast<std::size_t>(http.max_in_flight);
  gateway.operator_key_sha256 = config.operators.key_sha256;
  for (const MerchantSection& merchant : config.merchants)
    gateway.merchants.push_back({merchant.id, merchant.api_key_sha256});
  return gateway;
}

// The accounts that are configured, and what carries them.
struct Channels {
  std::unique_ptr<HttpClient> http;
  std::vector<std::unique_ptr<HttpChannel>> ports;
  std::vector<ChannelAccount> accounts;
};

std::function<std::uint64_t()> random_draw() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device()};
  return [generator = std::mt19937_64(seed)]() mutable { return generator(); };
}

Channels open_channels(std::vector<OpenedAccount> opened) {
  Channels channels;
  if (opened.empty()) return channels;
  HttpClientOptions http;
  http.max_in_flight = 0;
  for (const OpenedAccount& account : opened)
    http.max_in_flight += static_cast<std::size_t>(account.section.max_in_flight);
  // As many connections as calls: one that is closed for want of room is opened again, with TLS.
  http.max_idle_connections = http.max_in_flight;
  channels.http = std::make_unique<HttpClient>(http);
  for (OpenedAccount& one : opened) {
    HttpChannelOptions options;
    options.account = one.section.name;
    options.timeout_ms = one.section.timeout_ms;
    options.connect_timeout_ms = one.section.connect_timeout_ms;
    options.ca_file = one.section.ca_file;
    channels.ports.push_back(std::make_unique<HttpChannel>(
        std::move(options), std::move(one.format), *channels.http, system_now_us));
    ChannelAccount& account = channels.accounts.emplace_back(channels.ports.back().get());
    account.serves = one.section.serves;
    account.priority = static_cast<int>(one.section.priority);
    account.weight = static_cast<int>(one.section.weight);
    account.calls.max_in_flight = static_cast<std::size_t>(one.section.max_in_flight);
    account.calls.retry.try_us = one.section.timeout_ms * us_per_ms;
    account.calls.draw = random_draw();
    account.breaker = one.breaker;
  }
  return channels;
}

// Files of before were made for everybody to read, and hold what clients and payers gave.
void warn_of_open_paths(const StoreOptions& options) {
  const std::vector<std::string> paths = paths_open_to_others(options);
  if (paths.empty()) return;
  spdlog::warn(
      "journal: {} and {} more may be read or written by others than their owner; "
      "`chmod -R go=` takes that away",
      paths.front(), paths.size() - 1);
}

}  // namespace

int run_server(const ServeConfig& config, std::vector<OpenedAccount> accounts,
               bool accept_truncated_journal) {
  set_up_log(config.log);
  const StopSignals signals;  // before any thread, so that all of them leave the signals to it
  // A file at the process's size limit is an error of that one write, as a full disk is.
  std::signal(SIGXFSZ, SIG_IGN);
  const StoreOptions options{config.store.url, false,
                             static_cast<std::uint64_t>(config.store.segment_rows),
                             accept_truncated_journal};
  auto opened = open_store(options);
  if (const StoreError* error = error_of(opened)) {
    spdlog::critical("store: {}", error->detail);
    return exit_store;
  }
  const auto store = std::move(std::get<std::unique_ptr<JournalStore>>(opened));
  warn_of_open_paths(options);
  const Channels channels = open_channels(std::move(accounts));
  RuntimeConfig how = runtime_config(config.runtime);
  how.lease.wait = [&signals](std::int64_t wait_ms) { return !signals.wait_for(wait_ms); };
  how.accept_truncated_journal = accept_truncated_journal;
  auto started = Runtime::start(how, *store, channels.accounts);
  if (const StoreError* error = error_of(started)) {
    spdlog::critical("store: {}", error->detail);
    return exit_store;
  }
  const auto runtime = std::move(std::get<std::unique_ptr<Runtime>>(started));
  GatewayServer gateway(gateway_config(config), *runtime);
  const GatewayServer::Started listening = gateway.start();
  if (!listening.error.empty()) {
    spdlog::critical("http: {}", listening.error);
    // What is due at a start may have called a channel already, whose answer must find its node.
    if (channels.http) channels.http->stop(0);
    return exit_usage;
  }
  spdlog::info("serving on http://{}:{}", config.http.host, listening.port);
  runtime->when_ended([] { StopSignals::send(); });
  const int signal = signals.wait();
  const bool had_to_end = !runtime->end_reason().empty();
  spdlog::info("{}: draining",
               had_to_end ? "the node has ended" : "signal " + std::to_string(signal));
  runtime->drain();
  const bool drained = gateway.stop();
  if (!drained) spdlog::warn("some requests were still running when the drain time-out passed");
  // Calls under way are settled by query after the next start, if their answers come too late now.
  if (channels.http) channels.http->stop(500);
  runtime->stop();
  spdlog::info("stopped");
  return had_to_end ? exit_node_ended : exit_fine;
}

}  // namespace welkin
