// Events as JSON text and back, and the hash that chains them.
//
// Writing is by hand because it is on the journal's hot path (measured: nlohmann/json costs about
// six times as much); parsing is nlohmann/json and strict: an unknown, missing, repeated or
// mistyped field is an error that names its path, because a journal that is half understood must
// not be acted on.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "protocol/ids.hpp"
#include "protocol/payment/event.hpp"
#include "protocol/payment/payment.hpp"

namespace welkin {

struct CodecError {
  std::string path;  // JSON pointer: "/postings/0/account"
  std::string what;
};

// Appends the event's JSON object to `out`.
void write_event(const PaymentEvent& event, std::string& out);
int version_of(const PaymentEvent& event);

// Upcasts older versions one step at a time, so that the rest of the program sees only today's
// shape.
std::variant<PaymentEvent, CodecError> parse_event(std::string_view type, int version,
                                                   std::string_view payload);

// SHA-256 over the previous hash, then every column with its length before it (numbers as 8 bytes,
// big-endian). docs/journal.md spells it out for readers in other languages.
Hash event_hash(const Hash& prev, std::string_view stream_text, std::uint64_t seq,
                std::string_view type, int version, UnixUs at_us, std::string_view causation_id,
                std::string_view correlation_id, std::string_view payload);

// Snapshots. A payload of another version is not an error but no snapshot: the events are read.
constexpr int payment_snapshot_version = 1;
std::string encode_payment(const Payment& payment);
std::variant<Payment, CodecError> parse_payment(std::string_view payload);

}  // namespace welkin
