// What Stripe's objects, an intent and a refund, say in a report. Answers and events bring the same
// objects.
#pragma once

#include <nlohmann/json.hpp>

#include "protocol/channel/channel.hpp"

namespace welkin::stripe {

// Both fill in `report`, whose order (and refund) is set already, and judge the verdict. What does
// not hold together leaves it unknown, with the reason in code and message.
void read_intent(ChannelReport& report, const nlohmann::ordered_json& intent);
void read_refund(ChannelReport& report, const nlohmann::ordered_json& refund);

std::string order_no_of(const nlohmann::ordered_json& object);   // of its metadata
std::string refund_no_of(const nlohmann::ordered_json& object);  // of its metadata

}  // namespace welkin::stripe
