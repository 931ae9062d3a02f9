#include "bench/raw_limit.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "actors/store_io.hpp"
#include "bench/bench_support.hpp"
#include "bench/payment_life.hpp"
#include "bench/workload.hpp"

namespace welkin::bench {
namespace {

using Step = AppendRequestPtr (PaymentLife::*)(UnixUs);
constexpr Step steps[] = {&PaymentLife::create, &PaymentLife::accepted, &PaymentLife::paid};

}  // namespace

double raw_payments_per_s(std::uint64_t payments, std::uint64_t payments_per_batch) {
  const ScratchFolder folder;
  const auto store = open_or_exit("sqlite:" + folder.path() + "/raw");
  store->claim_epochs(1);
  JournalCommitter committer(*store);
  double spent_s = 0;
  std::vector<PaymentLife> lives;
  std::vector<AppendRequestPtr> batch;
  for (std::uint64_t done = 0; done < payments; done += payments_per_batch) {
    lives.clear();
    for (std::uint64_t i = 0; i < payments_per_batch; ++i)
      lives.emplace_back(create_command(done + i), 0);
    for (const Step step : steps) {
      batch.clear();
      for (PaymentLife& life : lives) batch.push_back((life.*step)(1'800'000'000 * us_per_s));
      // Only the journal's share is timed: making the events is the actors' work.
      const auto start = Clock::now();
      if (committer.commit(batch) != JournalCommitter::Verdict::settled) {
        std::fprintf(stderr, "raw limit: %s\n", committer.error().detail.c_str());
        std::exit(1);
      }
      spent_s += seconds_since(start);
      for (std::size_t i = 0; i < lives.size(); ++i) lives[i].committed(committer.acks()[i]);
    }
  }
  return static_cast<double>(payments) / spent_s;
}

}  // namespace welkin::bench
