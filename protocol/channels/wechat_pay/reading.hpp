// What WeChat Pay's objects, an order ("transaction") and a refund, say in a report. Answers and
// callbacks bring the same objects.
#pragma once

#include <nlohmann/json.hpp>

#include "protocol/channel/channel.hpp"
#include "protocol/channels/wechat_pay/account.hpp"

namespace welkin::wechat_pay {

// Both fill in `report`, whose order (and refund) is set already, and judge the verdict. What does
// not hold together leaves it unknown, with the reason in code and message.
void read_transaction(ChannelReport& report, const Account& account,
                      const nlohmann::ordered_json& transaction);
// `status_field`: "status" in answers, "refund_status" in callbacks. An amount of the order other
// than `order_amount_minor` contradicts, unless that is 0: not known here.
void read_refund(ChannelReport& report, const nlohmann::ordered_json& refund,
                 const char* status_field, std::int64_t order_amount_minor);

}  // namespace welkin::wechat_pay
