#include "bench/gateway_under_load.hpp"

#include <caf/all.hpp>
#include <cstdio>
#include <cstdlib>

#include "actors/messages.hpp"
#include "actors/runtime.hpp"
#include "bench/bench_support.hpp"
#include "bench/in_process_channel.hpp"
#include "gateway/gateway_server.hpp"

namespace welkin::bench {
namespace {

GatewayConfig gateway_config() {
  GatewayConfig config;
  if (const char* workers = std::getenv("WELKIN_BENCH_WORKERS"))
    config.edge.workers = std::strtoul(workers, nullptr, 10);
  config.max_commands_in_flight = 4'096;
  config.merchants.push_back({"m_bench", {sha256_hex(bench_api_key)}});
  config.extra_routes.push_back({"POST", "/bench/noop", [](const HttpRequest&, HttpAnswer& answer) {
                                   answer.content_type = "application/json";
                                   answer.body = "{}";
                                 }});
  return config;
}

}  // namespace

struct GatewayUnderLoad::Parts {
  ScratchFolder folder;
  std::unique_ptr<JournalStore> store = open_or_exit("sqlite:" + folder.path() + "/journal");
  InProcessChannel channel;
  std::unique_ptr<Runtime> runtime;
  std::unique_ptr<GatewayServer> gateway;
  int port = 0;
};

GatewayUnderLoad::GatewayUnderLoad() : parts_(std::make_unique<Parts>()) {
  auto started = Runtime::start({}, *parts_->store, {&parts_->channel});
  if (const StoreError* error = error_of(started)) {
    std::fprintf(stderr, "cannot start: %s\n", error->detail.c_str());
    std::exit(1);
  }
  parts_->runtime = std::move(std::get<std::unique_ptr<Runtime>>(started));
  const RuntimeContext& context = parts_->runtime->context();
  parts_->channel.deliver_callbacks_to([&context](ChannelReport report) {
    auto request = std::make_shared<ReportRequest>();
    request->report = std::move(report);
    const caf::actor& shard = context.shard(request->report.payment);
    caf::anon_send(shard, report_atom::value, ReportRequestPtr(std::move(request)));
  });
  parts_->gateway = std::make_unique<GatewayServer>(gateway_config(), *parts_->runtime);
  const auto listening = parts_->gateway->start();
  if (!listening.error.empty()) {
    std::fprintf(stderr, "cannot listen: %s\n", listening.error.c_str());
    std::exit(1);
  }
  parts_->port = listening.port;
}

GatewayUnderLoad::~GatewayUnderLoad() {
  parts_->gateway->stop();
  parts_->channel.deliver_callbacks_to({});
  parts_->runtime->stop();
}

int GatewayUnderLoad::port() const { return parts_->port; }

}  // namespace welkin::bench
