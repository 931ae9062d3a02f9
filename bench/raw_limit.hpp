// The floor under the payments benchmark: the same rows, encoded, hashed and appended by one bare
// thread in batches of the same size, with no actor and no answer.
#pragma once

#include <cstdint>

namespace welkin::bench {

double raw_payments_per_s(std::uint64_t payments, std::uint64_t payments_per_batch);

}  // namespace welkin::bench
