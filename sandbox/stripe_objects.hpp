// Stripe's objects and errors, as JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "protocol/channels/form.hpp"
#include "sandbox/desk.hpp"

namespace welkin::sandbox::stripe_objects {

using Json = nlohmann::ordered_json;

DeskAnswer error(int status, std::string_view type, std::string_view code, std::string_view message,
                 const Json& more = Json::object());
DeskAnswer invalid(std::string_view code, std::string_view message, std::string_view parameter);
DeskAnswer missing(std::string_view what);

std::string upper(std::string_view code);
// In Stripe's units of the currency.
std::int64_t units(std::int64_t amount_minor, Currency currency);

// The metadata[…] of a request as an object.
Json metadata_of(const FormFields& fields);
// What the desk alone keeps of an order or a refund.
Json details_of(const std::string& details);

// How the test instruments behave, by what Stripe's own are called.
enum class Instrument : std::uint8_t { pays, is_declined, has_no_funds, wants_authentication };
Instrument instrument_of(std::string_view name);
Json decline_error(const std::string& instrument);

struct IntentLinks {
  std::string_view secret_of_secrets;  // what client secrets are derived from
  std::string_view pay_url_base;
};
// As a charge stands in news of its refunds.
Json charge_json(const OrderFacts& facts);
Json intent_json(const OrderFacts& facts, const IntentLinks& links);
Json refund_json(const BookResult& of);

}  // namespace welkin::sandbox::stripe_objects
