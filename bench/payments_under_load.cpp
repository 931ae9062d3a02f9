#include "bench/payments_under_load.hpp"

#include <algorithm>
#include <caf/all.hpp>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "actors/messages.hpp"
#include "bench/bench_support.hpp"
#include "bench/in_process_channel.hpp"
#include "bench/workload.hpp"

namespace welkin::bench {
namespace {

using start_atom = caf::atom_constant<caf::atom("start")>;
using retry_atom = caf::atom_constant<caf::atom("retry")>;
using expect_atom = caf::atom_constant<caf::atom("expect")>;

// Replies to creates carry the payment's number plus one, replies to callbacks this.
constexpr std::uint64_t callback_token = 0;
constexpr auto retry_after = std::chrono::milliseconds(20);

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

}  // namespace

struct PaymentsUnderLoad::Parts {
  explicit Parts(JournalStore& given) : store(given) {}

  JournalStore& store;
  InProcessChannel channel;
  std::unique_ptr<Runtime> runtime;
  caf::actor driver;
  std::uint64_t next_number = 0;

  RunPtr begin(std::uint64_t count, bool refill) {
    auto run = make_run(std::exchange(next_number, next_number + count), count);
    caf::anon_send(driver, expect_atom::value, run, refill);
    return run;
  }
};

PaymentsUnderLoad::PaymentsUnderLoad(const RuntimeConfig& config, JournalStore& store)
    : parts_(std::make_unique<Parts>(store)) {
  auto started = Runtime::start(config, store, {&parts_->channel});
  if (const StoreError* error = error_of(started)) {
    std::fprintf(stderr, "cannot start: %s\n", error->detail.c_str());
    std::exit(1);
  }
  parts_->runtime = std::move(std::get<std::unique_ptr<Runtime>>(started));
  const RuntimeContext& context = parts_->runtime->context();
  const caf::actor driver = parts_->runtime->system().spawn<Driver>(context);
  parts_->driver = driver;
  parts_->channel.deliver_callbacks_to([&context, driver](ChannelReport report) {
    auto request = std::make_shared<ReportRequest>();
    request->report = std::move(report);
    request->reply_to = {driver, callback_token};
    const caf::actor& shard = context.shard(request->report.payment);
    caf::anon_send(shard, report_atom::value, ReportRequestPtr(std::move(request)));
  });
}

PaymentsUnderLoad::~PaymentsUnderLoad() {
  parts_->channel.deliver_callbacks_to({});
  caf::anon_send(parts_->driver, stop_atom::value);
  parts_->driver = nullptr;
  parts_->runtime->stop();
}

PaymentsUnderLoad::ClosedLoop PaymentsUnderLoad::run_closed_loop(std::uint64_t payments,
                                                                 std::uint64_t in_flight) {
  const auto run = parts_->begin(payments, true);
  caf::anon_send(parts_->driver, start_atom::value, in_flight);
  run->over.get_future().wait();
  const double total_s = seconds_since(run->start);
  // By order of completion, so that the slices are of equal work.
  std::vector<float>& at = run->paid_at_s;
  std::sort(at.begin(), at.end());
  const std::uint64_t slice = std::min<std::uint64_t>(200'000, payments / 5);
  const double first_s = at[slice - 1];
  const double last_s = at.back() - at[at.size() - slice - 1];
  return {static_cast<double>(payments) / total_s, static_cast<double>(slice) / first_s,
          static_cast<double>(slice) / last_s};
}

PaymentsUnderLoad::OpenLoop PaymentsUnderLoad::run_open_loop(std::uint64_t per_s,
                                                             std::uint64_t seconds) {
  const std::uint64_t count = per_s * seconds;
  const auto run = parts_->begin(count, false);
  const double rate = static_cast<double>(per_s);
  std::uint64_t sent = 0;
  while (sent < count) {
    const auto due = std::min(count, static_cast<std::uint64_t>(seconds_since(run->start) * rate));
    if (due > sent) caf::anon_send(parts_->driver, start_atom::value, due - sent);
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

}  // namespace welkin::bench
