#include "protocol/ids.hpp"

#include <cstdlib>

#include "protocol/sha256.hpp"

namespace welkin {
namespace {

constexpr char base32_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford: no i, l, o, u
constexpr std::size_t base32_length = 26;
constexpr std::string_view refund_prefix = "rfd_";

// In the order of StreamKind.
constexpr std::string_view stream_prefixes[] = {"pay_", "brk_", "jnl_"};

constexpr std::string_view prefix_of(StreamKind kind) {
  return stream_prefixes[static_cast<std::size_t>(kind)];
}

int base32_value(char c) {
  if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (int value = 0; value < 32; ++value)
    if (base32_digits[value] == c) return value;
  return -1;
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

Hash sha256(std::string_view bytes) {
  Sha256& hasher = Sha256::start();
  hasher.add(bytes);
  return hasher.finish();
}

std::uint64_t big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

void Id128::write_text(char (&out)[26]) const {
  // 130 bits for 128: the first character carries the top three bits only.
  unsigned __int128 rest = static_cast<unsigned __int128>(high) << 64 | low;
  for (std::size_t i = base32_length; i-- > 0;) {
    out[i] = base32_digits[static_cast<unsigned>(rest & 31)];
    rest >>= 5;
  }
}

std::string Id128::text() const {
  char out[26];
  write_text(out);
  return {out, base32_length};
}

std::optional<Id128> Id128::parse(std::string_view text26) {
  if (text26.size() != base32_length) return std::nullopt;
  unsigned __int128 value = 0;
  for (std::size_t i = 0; i < base32_length; ++i) {
    const int digit = base32_value(text26[i]);
    if (digit < 0 || (i == 0 && digit > 7)) return std::nullopt;
    value = value << 5 | static_cast<unsigned>(digit);
  }
  return Id128{static_cast<std::uint64_t>(value >> 64), static_cast<std::uint64_t>(value)};
}

Id128 stable_hash(std::string_view domain, std::initializer_list<std::string_view> parts) {
  std::string bytes;
  bytes.reserve(128);
  const auto add = [&bytes](std::string_view part) {
    const auto size = static_cast<std::uint32_t>(part.size());
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(size >> shift));
    bytes.append(part);
  };
  add(domain);
  for (const std::string_view part : parts) add(part);
  const Hash hash = sha256(bytes);
  return {big_endian(hash.data()), big_endian(hash.data() + 8)};
}

std::string StreamId::text() const {
  char digits[26];
  key.write_text(digits);
  std::string out;
  out.reserve(prefix_of(kind).size() + base32_length);
  out.append(prefix_of(kind)).append(digits, base32_length);
  return out;
}

std::optional<StreamId> StreamId::parse(std::string_view text, StreamKind kind) {
  const std::string_view prefix = prefix_of(kind);
  if (text.substr(0, prefix.size()) != prefix) return std::nullopt;
  const auto key = Id128::parse(text.substr(prefix.size()));
  if (!key) return std::nullopt;
  const StreamId id{kind, *key};
  // One id, one spelling: an upper-case copy is another text and names nothing.
  if (id.text() != text) return std::nullopt;
  return id;
}

std::optional<StreamId> StreamId::parse(std::string_view text) {
  auto id = parse(text, StreamKind::payment);
  if (!id) id = parse(text, StreamKind::breaker);
  return id ? id : parse(text, StreamKind::journal);
}

PaymentId payment_id_of(std::string_view merchant_id, std::string_view merchant_order_no) {
  return {StreamKind::payment, stable_hash("welkin.payment.1", {merchant_id, merchant_order_no})};
}

StreamId breaker_id_of(std::string_view account) {
  return {StreamKind::breaker, stable_hash("welkin.breaker.1", {account})};
}

StreamId journal_stream_id() { return {StreamKind::journal, stable_hash("welkin.journal.1", {})}; }

std::string RefundId::text() const { return std::string(refund_prefix) + key.text(); }

std::optional<RefundId> RefundId::parse(std::string_view text) {
  if (text.substr(0, refund_prefix.size()) != refund_prefix) return std::nullopt;
  const auto key = Id128::parse(text.substr(refund_prefix.size()));
  if (!key || RefundId{*key}.text() != text) return std::nullopt;
  return RefundId{*key};
}

RefundId refund_id_of(const PaymentId& payment, std::string_view merchant_refund_no) {
  return {stable_hash("welkin.refund.1", {payment.text(), merchant_refund_no})};
}

std::string channel_order_no(const PaymentId& payment, int attempt) {
  if (attempt < 0 || attempt > channel_attempts_max) std::abort();
  std::string out = upper(payment.key.text());
  out.push_back(static_cast<char>('0' + attempt / 10));
  out.push_back(static_cast<char>('0' + attempt % 10));
  return out;
}

std::optional<ChannelOrder> parse_channel_order_no(std::string_view text) {
  if (text.size() != base32_length + 2) return std::nullopt;
  const auto key = Id128::parse(text.substr(0, base32_length));
  const char tens = text[base32_length];
  const char ones = text[base32_length + 1];
  if (!key || tens < '0' || tens > '9' || ones < '0' || ones > '9') return std::nullopt;
  const ChannelOrder order{{StreamKind::payment, *key}, (tens - '0') * 10 + (ones - '0')};
  if (channel_order_no(order.payment, order.attempt) != text) return std::nullopt;
  return order;
}

std::string channel_refund_no(const RefundId& refund) { return "R" + upper(refund.key.text()); }

std::optional<RefundId> parse_channel_refund_no(std::string_view text) {
  if (text.empty() || text.front() != 'R') return std::nullopt;
  const auto key = Id128::parse(text.substr(1));
  if (!key || channel_refund_no(RefundId{*key}) != text) return std::nullopt;
  return RefundId{*key};
}

std::uint32_t shard_of(const StreamId& stream, std::uint32_t shard_count) {
  return static_cast<std::uint32_t>(stream.key.high % shard_count);
}

std::string hex(const Hash& hash) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(64);
  for (const std::uint8_t byte : hash) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

std::optional<Hash> parse_hash(std::string_view hex64) {
  if (hex64.size() != 64) return std::nullopt;
  Hash hash{};
  for (std::size_t i = 0; i < 64; ++i) {
    const char c = hex64[i];
    int value = -1;
    if (c >= '0' && c <= '9') value = c - '0';
    if (c >= 'a' && c <= 'f') value = c - 'a' + 10;
    if (value < 0) return std::nullopt;
    hash[i / 2] = static_cast<std::uint8_t>(hash[i / 2] << 4 | value);
  }
  return hash;
}

std::string sha256_hex(std::string_view bytes) { return hex(sha256(bytes)); }

}  // namespace welkin
