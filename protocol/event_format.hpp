// What the events of every kind of stream have in common in the journal: what is said of one that
// cannot be read, and the hash that chains them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/ids.hpp"

namespace welkin {

struct CodecError {
  std::string path;  // JSON pointer: "/postings/0/account"
  std::string what;
};

// SHA-256 over the previous hash, then every column with its length before it (numbers as 8 bytes,
// big-endian). docs/journal.md spells it out for readers in other languages.
Hash event_hash(const Hash& prev, std::string_view stream_text, std::uint64_t seq,
                std::string_view type, int version, UnixUs at_us, std::string_view causation_id,
                std::string_view correlation_id, std::string_view payload);

}  // namespace welkin
