#include "protocol/payment/refused_callback.hpp"

#include <string>

namespace welkin {

Decision decide_refused_callback(const Payment& payment, const Problem& why) {
  if (payment.state == PaymentState::none)
    return Problem{ProblemCode::not_found, "The callback names a payment that does not exist.", ""};
  if (payment.refused_callbacks >= max_refused_callbacks_kept) return AlreadySo{};
  return std::vector<PaymentEvent>{
      PaymentReportRefused{ReportSource::callback, std::string(refused_callback_field),
                           "a message of the channel's", std::string(spec_of(why.code).name)}};
}

}  // namespace welkin
