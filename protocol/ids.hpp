// Names of things: 128-bit ids with a readable text form, derived by a stable hash so that the same
// order reaches the same actor on every node and for ever.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace welkin {

// Microseconds since 1970-01-01T00:00:00Z. Every time in the journal is one of these.
using UnixUs = std::int64_t;
constexpr UnixUs us_per_ms = 1'000;
constexpr UnixUs us_per_s = 1'000'000;

struct Id128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  // 26 characters of Crockford base32 in lower case, which sorts as the number does.
  std::string text() const;
  void write_text(char (&out)[26]) const;
  static std::optional<Id128> parse(std::string_view text26);

  bool is_zero() const { return high == 0 && low == 0; }
  friend bool operator==(const Id128& a, const Id128& b) {
    return a.high == b.high && a.low == b.low;
  }
  friend bool operator!=(const Id128& a, const Id128& b) { return !(a == b); }
  friend bool operator<(const Id128& a, const Id128& b) {
    return a.high != b.high ? a.high < b.high : a.low < b.low;
  }
};

// The first 128 bits of SHA-256 over length-prefixed parts, so that ("ab","c") and ("a","bc")
// differ. `domain` keeps the id spaces apart and carries the version of the derivation.
Id128 stable_hash(std::string_view domain, std::initializer_list<std::string_view> parts);

// What a stream of events belongs to. Each has a prefix of its own in the stream's text form.
enum class StreamKind : std::uint8_t { payment, breaker, journal };

struct StreamId {
  StreamKind kind = StreamKind::payment;
  Id128 key;

  std::string text() const;  // "pay_01j…"
  static std::optional<StreamId> parse(std::string_view text);
  // Nothing for a stream of another kind: where a payment is named, nothing else is meant.
  static std::optional<StreamId> parse(std::string_view text, StreamKind kind);

  friend bool operator==(const StreamId& a, const StreamId& b) {
    return a.kind == b.kind && a.key == b.key;
  }
  friend bool operator!=(const StreamId& a, const StreamId& b) { return !(a == b); }
  friend bool operator<(const StreamId& a, const StreamId& b) {
    return a.kind != b.kind ? a.kind < b.kind : a.key < b.key;
  }
};

// A payment is its stream: payment_id is the stream's text.
using PaymentId = StreamId;

PaymentId payment_id_of(std::string_view merchant_id, std::string_view merchant_order_no);

// The stream of what the circuit breaker of a channel account did.
StreamId breaker_id_of(std::string_view account);

// The stream of what happened to the journal itself.
StreamId journal_stream_id();

struct RefundId {
  Id128 key;
  std::string text() const;  // "rfd_…"
  static std::optional<RefundId> parse(std::string_view text);
  friend bool operator==(const RefundId& a, const RefundId& b) { return a.key == b.key; }
  friend bool operator!=(const RefundId& a, const RefundId& b) { return !(a == b); }
};

RefundId refund_id_of(const PaymentId& payment, std::string_view merchant_refund_no);

// The number a channel knows one attempt by: 26 characters of the payment id in upper case and two
// digits of the attempt, so that every channel accepts it (8–32 letters and digits) and a callback
// leads back to its payment without a look-up.
// Attempts run from 0 to channel_attempts_max; another one would repeat an old number, so it
// aborts.
constexpr int channel_attempts_max = 99;
std::string channel_order_no(const PaymentId& payment, int attempt);

struct ChannelOrder {
  PaymentId payment;
  int attempt = 0;
};
std::optional<ChannelOrder> parse_channel_order_no(std::string_view channel_order_no);

// The number a channel knows one refund by: "R" and the refund id's 26 characters in upper case.
std::string channel_refund_no(const RefundId& refund);
std::optional<RefundId> parse_channel_refund_no(std::string_view channel_refund_no);

// Which of `shard_count` shards owns a stream. Part of the durable format: it never changes.
std::uint32_t shard_of(const StreamId& stream, std::uint32_t shard_count);

// SHA-256, as stored in the journal's hash chain.
using Hash = std::array<std::uint8_t, 32>;
std::string hex(const Hash& hash);
std::optional<Hash> parse_hash(std::string_view hex64);
std::string sha256_hex(std::string_view bytes);

}  // namespace welkin

template <>
struct std::hash<welkin::Id128> {
  // The ids are hashes already, so their own low bits spread well.
  std::size_t operator()(const welkin::Id128& id) const noexcept { return id.low; }
};
template <>
struct std::hash<welkin::StreamId> {
  std::size_t operator()(const welkin::StreamId& id) const noexcept {
    return id.key.low ^ static_cast<std::size_t>(id.kind);
  }
};
