// What Stripe's objects, an intent, a refund and a charge, say in a report. Answers and events
// bring the same objects.
#pragma once

#include <nlohmann/json.hpp>

#include "protocol/channel/channel.hpp"

namespace welkin::stripe {

// Each fills in `report`, whose order (and refund) is set already, and judges the verdict. What
// does not hold together leaves it unknown, with the reason in code and message.
void read_intent(ChannelReport& report, const nlohmann::ordered_json& intent);
void read_refund(ChannelReport& report, const nlohmann::ordered_json& refund);
// The same of a charge: what it has given back in all.
void read_charge_refunds(ChannelReport& report, const nlohmann::ordered_json& charge);

std::string order_no_of(const nlohmann::ordered_json& object);   // of its metadata
std::string refund_no_of(const nlohmann::ordered_json& object);  // of its metadata

}  // namespace welkin::stripe
