// What a payment keeps of callbacks that name it and were not believed. Anybody can send such a
// one, so it is little, and it moves nothing: no state, no timer, and no certainty about money.
#pragma once

#include "protocol/payment/decide.hpp"

namespace welkin {

// Of one payment. Who goes on sending them is counted, and not written down any more.
constexpr int max_refused_callbacks_kept = 3;

Decision decide_refused_callback(const Payment& payment, const Problem& why);

}  // namespace welkin
