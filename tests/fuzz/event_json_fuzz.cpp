// Rows of a journal: an event that is read is written as the same text for ever, the two readers
// agree about it, and folding any such rows into a payment ends in a payment or in a refusal.
#include "app/canonical_reader.hpp"
#include "protocol/payment/event_codec.hpp"
#include "protocol/utf8.hpp"
#include "tests/fuzz/journal_rows.hpp"

namespace welkin::fuzz {
namespace {

PaymentEvent read_again(std::string_view type, int version, std::string_view payload) {
  auto parsed = parse_event(type, version, payload);
  const auto* error = std::get_if<CodecError>(&parsed);
  claim_same(error ? error->path + " " + error->what : "", "", "what is written can be read");
  return std::move(std::get<PaymentEvent>(parsed));
}

std::optional<PaymentEvent> check_row(std::string_view line) {
  const auto [type, version, payload] = row_of(line);
  auto parsed = parse_event(type, version, payload);
  if (const auto* error = std::get_if<CodecError>(&parsed)) {
    claim_names_field(*error);
    const auto kind = parse_payment_event_kind(type);
    claim(!kind || !read_canonical_event(*kind, version, payload),
          "what the strict reader refuses the fast one does not take");
    return std::nullopt;
  }
  const auto& event = std::get<PaymentEvent>(parsed);
  const int today = version_of(event);
  const std::string text = written(event);
  claim(is_utf8(text), "what is written is UTF-8");
  claim_every_byte_judged(payload, [&row_type = type, &row_version = version](auto other) {
    return std::holds_alternative<PaymentEvent>(parse_event(row_type, row_version, other));
  });
  claim(today >= version, "what is read is of today's version");
  claim_same(written(read_again(type, today, text)), text,
             "what is read is written the same again");
  if (const auto fast = read_canonical_event(kind_of(event), version, payload)) {
    claim_same(written(*fast), payload, "the fast reader takes exactly what the writer writes");
    claim_same(text, payload, "the two readers agree");
  }
  const bool plain = text.find('\\') == std::string::npos;
  claim(!plain || read_canonical_event(kind_of(event), today, text).has_value(),
        "the fast reader takes what the writer writes, escapes aside");
  return event;
}

void check(std::string_view rows) {
  Payment payment;
  UnixUs at_us = first_row_us;
  for (std::size_t count = 0; !rows.empty() && count < rows_max; ++count) {
    const auto event = check_row(take_line(rows));
    if (!event) continue;
    Payment before = payment;
    std::string why;
    if (!apply(payment, *event, ++at_us, &why)) {
      claim(!why.empty(), "a row that does not fit says why");
      payment = std::move(before);
      continue;
    }
    const auto snapshot = parse_payment(encode_payment(payment));
    claim(std::holds_alternative<Payment>(snapshot), "a snapshot can be read");
    claim_same(encode_payment(std::get<Payment>(snapshot)), encode_payment(payment),
               "a snapshot is the payment");
    claim(payment.refunded_minor <= payment.captured_minor &&
              payment.captured_minor <= payment.authorized_minor,
          "no rows give back more than was taken, or take more than was authorized");
  }
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
