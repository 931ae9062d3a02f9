// Full payment lives in one process: create → intent → channel accepted → paid, every step durable
// (fsync) before the next. First as fast as they go, 1,000 in flight; then at a steady rate, where
// a latency runs from the moment a payment was due to start until it is paid, so that waiting
// counts.
#include <algorithm>
#include <caf/all.hpp>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

#include "actors/messages.hpp"
#include "actors/runtime.hpp"
#include "bench/bench_support.hpp"
#include "bench/in_process_channel.hpp"
#include "bench/raw_limit.hpp"
#include "bench/workload.hpp"

namespace welkin::bench {
namespace {

using start_atom = caf::atom_constant<caf::atom("start")>;
using retry_atom = caf::atom_constant<caf::atom("retry")>;
using expect_atom = caf::atom_constant<caf::atom("expect")>;

// Replies to creates carry the payment's number plus one, replies to callbacks this.
constexpr std::uint64_t callback_token = 0;
constexpr auto retry_after = std::chrono::milliseconds(20);

struct Options {
  std::uint64_t payments = 1'000'000;
  std::uint64_t in_flight = 1'000;
  std::uint64_t steady_per_s = 12'000;
  int steady_s = 20;
};

}  // namespace

// What the driver notes: when each payment was paid, seconds after the run's start.
struct Run {
  std::uint64_t first_number = 0;
  std::uint64_t count = 0;
  Clock::time_point start;
  std::vector<float> paid_at_s;  // by number - first_number
  std::promise<void> over;
};
using RunPtr = std::shared_ptr<Run>;

}  // namespace welkin::bench

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(welkin::bench::RunPtr)

namespace welkin::bench {
namespace {

// Starts payments and hears when they are paid. With `refill`, each paid one starts the next.
class Driver : public caf::event_based_actor {
 public:
  Driver(caf::actor_config& config, const RuntimeContext& context)
      : caf::event_based_actor(config), context_(context) {}

  caf::behavior make_behavior() override {
    return {
        [this](expect_atom, const RunPtr& run, bool refill) {
          run_ = run;
          refill_ = refill;
          started_ = paid_ = 0;
        },
        [this](start_atom, std::uint64_t count) { start(count); },
        [this](reply_atom, const ReplyPtr& reply) { answered(*reply); },
        [this](retry_atom, std::uint64_t number) { submit(number); },
        [this](stop_atom) { quit(); },
    };
  }

 private:
  void start(std::uint64_t count) {
    for (; count > 0 && started_ < run_->count; --count, ++started_)
      submit(run_->first_number + started_);
  }

  void submit(std::uint64_t number) {
    auto request = std::make_shared<CommandRequest>();
    request->command = create_command(number);
    request->reply_to = {caf::actor_cast<caf::actor>(this), token_of_create(number)};
    const PaymentId id = request->command.payment;
    anon_send(context_.shard(id), submit_atom::value, CommandRequestPtr(std::move(request)));
  }

  void answered(const Reply& reply) {
    if (const auto* problem = std::get_if<Problem>(&reply.answer)) {
      // Refused at the edge because too much waits: a client comes again, and its waiting counts.
      if (problem->code == ProblemCode::overloaded && reply.token != callback_token) {
        delayed_send(this, retry_after, retry_atom::value, reply.token - 1);
        return;
      }
      std::fprintf(stderr, "a payment was refused: %s\n", problem->detail.c_str());
      std::exit(1);
    }
    if (reply.token != callback_token) return;  // created: it is paid that counts
    const Payment& payment = *std::get<CommandOutcome>(reply.answer).view.payment;
    if (payment.state != PaymentState::paid) {
      std::fprintf(stderr, "%s is not paid\n", payment.merchant_order_no.c_str());
      std::exit(1);
    }
    const std::uint64_t number = std::strtoull(payment.merchant_order_no.c_str() + 6, nullptr, 10);
    run_->paid_at_s[number - run_->first_number] = static_cast<float>(seconds_since(run_->start));
    if (++paid_ == run_->count) return run_->over.set_value();
    if (refill_) start(1);
  }

  static std::uint64_t token_of_create(std::uint64_t number) { return number + 1; }

  const RuntimeContext& context_;
  RunPtr run_;
  bool refill_ = false;
  std::uint64_t started_ = 0;
  std::uint64_t paid_ = 0;
};

RunPtr make_run(std::uint64_t first_number, std::uint64_t count) {
  auto run = std::make_shared<Run>();
  run->first_number = first_number;
  run->count = count;
  run->paid_at_s.resize(count);
  run->start = Clock::now();
  return run;
}

struct ClosedLoop {
  double per_s, first_per_s, last_per_s;
};

ClosedLoop run_closed_loop(const caf::actor& driver, const Options& options) {
  const auto run = make_run(0, options.payments);
  caf::anon_send(driver, expect_atom::value, run, true);
  caf::anon_send(driver, start_atom::value, options.in_flight);
  run->over.get_future().wait();
  const double total_s = seconds_since(run->start);
  // By order of completion, so that the slices are of equal work.
  std::vector<float>& at = run->paid_at_s;
  std::sort(at.begin(), at.end());
  const std::uint64_t slice = std::min<std::uint64_t>(200'000, options.payments / 5);
  const double first_s = at[slice - 1];
  const double last_s = at.back() - at[at.size() - slice - 1];
  return {static_cast<double>(options.payments) / total_s, static_cast<double>(slice) / first_s,
          static_cast<double>(slice) / last_s};
}

struct OpenLoop {
  double p50_ms, p99_ms, per_s;
};

OpenLoop run_open_loop(const caf::actor& driver, const Options& options) {
  const std::uint64_t count = options.steady_per_s * static_cast<std::uint64_t>(options.steady_s);
  const auto run = make_run(options.payments, count);
  const double rate = static_cast<double>(options.steady_per_s);
  caf::anon_send(driver, expect_atom::value, run, false);
  std::uint64_t sent = 0;
  while (sent < count) {
    const auto due = std::min(count, static_cast<std::uint64_t>(seconds_since(run->start) * rate));
    if (due > sent) caf::anon_send(driver, start_atom::value, due - sent);
    sent = std::max(sent, due);
    std::this_thread::sleep_for(std::chrono::microseconds(500));
  }
  run->over.get_future().wait();
  const double total_s = seconds_since(run->start);
  std::vector<float> latency_ms(count);
  for (std::uint64_t i = 0; i < count; ++i)
    latency_ms[i] = static_cast<float>((run->paid_at_s[i] - static_cast<double>(i) / rate) * 1e3);
  return {percentile(latency_ms, 0.50), percentile(latency_ms, 0.99),
          static_cast<double>(count) / total_s};
}

int run(const Options& options) {
  Figures figures;
  ClosedLoop closed{};
  OpenLoop open{};
  double events_per_payment = 0;
  {
    const ScratchFolder folder;
    const auto store = open_or_exit("sqlite:" + folder.path() + "/journal");
    InProcessChannel channel;
    RuntimeConfig config;
    if (const char* policy = std::getenv("WELKIN_BENCH_POLICY")) config.scheduler_policy = policy;
    auto started = Runtime::start(config, *store, {&channel});
    if (const StoreError* error = error_of(started)) {
      std::fprintf(stderr, "cannot start: %s\n", error->detail.c_str());
      return 1;
    }
    const auto runtime = std::move(std::get<std::unique_ptr<Runtime>>(started));
    const RuntimeContext& context = runtime->context();
    const caf::actor driver = runtime->system().spawn<Driver>(context);
    channel.deliver_callbacks_to([&context, driver](ChannelReport report) {
      auto request = std::make_shared<ReportRequest>();
      request->report = std::move(report);
      request->reply_to = {driver, callback_token};
      const caf::actor& shard = context.shard(request->report.payment);
      caf::anon_send(shard, report_atom::value, ReportRequestPtr(std::move(request)));
    });
    closed = run_closed_loop(driver, options);
    const auto stats = store->stats();
    if (const auto* good = std::get_if<StoreStats>(&stats))
      events_per_payment =
          static_cast<double>(good->events) / static_cast<double>(options.payments);
    open = run_open_loop(driver, options);
    channel.deliver_callbacks_to({});
    caf::anon_send(driver, stop_atom::value);
    runtime->stop();
  }
  const double raw = raw_payments_per_s(options.payments, 300);
  figures.add("payments_per_s", closed.per_s, "payments/s");
  figures.add("first_per_s", closed.first_per_s, "payments/s, first fifth");
  figures.add("last_per_s", closed.last_per_s, "payments/s, last fifth");
  figures.add("raw_limit_payments_per_s", raw, "payments/s, rows by one bare thread");
  figures.add("ratio", closed.per_s / raw, "of the raw limit");
  figures.add("events_per_payment", events_per_payment, "");
  figures.add("open_loop_p50_ms", open.p50_ms, "ms, due to paid");
  figures.add("open_loop_p99_ms", open.p99_ms, "ms, due to paid");
  figures.add("open_loop_per_s", open.per_s, "payments/s");
  figures.print_table("Full payment lives, fsync before every answer, " +
                      std::to_string(options.in_flight) + " in flight");
  figures.print_json();
  return 0;
}

}  // namespace
}  // namespace welkin::bench

int main(int argc, char** argv) {
  welkin::bench::Options options;
  if (argc > 1) options.payments = std::strtoull(argv[1], nullptr, 10);
  if (argc > 2) options.steady_s = std::atoi(argv[2]);
  if (options.payments < 10 * options.in_flight || options.steady_s < 1) {
    std::fprintf(stderr, "usage: bench_payments [payments >= 10000] [steady seconds >= 1]\n");
    return 2;
  }
  return welkin::bench::run(options);
}
