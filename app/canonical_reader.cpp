#include "app/canonical_reader.hpp"

#include <charconv>
#include <type_traits>
#include <utility>

#include "protocol/utf8.hpp"

namespace welkin {
namespace {

std::optional<CaptureMethod> parse_name(std::string_view name, CaptureMethod) {
  return parse_capture_method(name);
}
std::optional<ReportSource> parse_name(std::string_view name, ReportSource) {
  return parse_report_source(name);
}
std::optional<ChannelOperation> parse_name(std::string_view name, ChannelOperation) {
  return parse_channel_operation(name);
}
std::optional<Outcome> parse_name(std::string_view name, Outcome) { return parse_outcome(name); }
std::optional<CloseReason> parse_name(std::string_view name, CloseReason) {
  return parse_close_reason(name);
}

class CanonicalReader {
 public:
  explicit CanonicalReader(std::string_view text) : rest_(text) {}

  template <class T>
  bool whole(T& value) {
    object(value);
    return fits_ && rest_.empty();
  }

  template <class T>
  void operator()(std::string_view name, T& value) {
    if (!first_) expect(',');
    first_ = false;
    expect('"');
    expect(name);
    expect('"');
    expect(':');
    if (fits_) read(value);
  }

 private:
  template <class T>
  void object(T& value) {
    const bool outer_first = std::exchange(first_, true);
    expect('{');
    if (fits_) T::visit_fields(value, *this);
    expect('}');
    first_ = outer_first;
  }

  void expect(char c) {
    fits_ = fits_ && !rest_.empty() && rest_.front() == c;
    if (fits_) rest_.remove_prefix(1);
  }
  void expect(std::string_view text) {
    fits_ = fits_ && rest_.substr(0, text.size()) == text;
    if (fits_) rest_.remove_prefix(text.size());
  }
  bool next_is(char c) const { return fits_ && !rest_.empty() && rest_.front() == c; }

  void read(bool& value) {
    value = next_is('t');
    expect(value ? std::string_view("true") : std::string_view("false"));
  }
  template <class T>
  std::enable_if_t<std::is_integral_v<T>> read(T& value) {
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    const auto length = static_cast<std::size_t>(end - rest_.data());
    const std::string_view digits = rest_.substr(0, length);
    const bool padded = digits.size() > 1 && (digits[0] == '0' || digits.substr(0, 2) == "-0");
    fits_ = error == std::errc{} && !padded;
    if (fits_) rest_.remove_prefix(length);
  }
  // A text without escapes, which is nearly every one.
  std::string_view plain_text() {
    expect('"');
    std::size_t length = 0;
    bool ascii = true;
    for (; fits_; ++length) {
      if (length == rest_.size()) {
        fits_ = false;
        break;
      }
      const auto c = static_cast<unsigned char>(rest_[length]);
      if (c == '"') break;
      if (c < 0x20 || c == '\\') fits_ = false;
      if (c >= 0x80) ascii = false;
    }
    if (!fits_) return {};
    const std::string_view text = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
    fits_ = ascii || is_utf8(text);
    return text;
  }
  void read(std::string& value) { value = plain_text(); }
  void read(Currency& value) {
    const auto parsed = Currency::parse(plain_text());
    fits_ = fits_ && parsed.has_value();
    if (fits_) value = *parsed;
  }
  void read(std::map<std::string, std::string>& value) {
    value.clear();
    expect('{');
    while (fits_ && !next_is('}')) {
      if (!value.empty()) expect(',');
      std::string key(plain_text());
      expect(':');
      std::string text(plain_text());
      // Out of order or twice is not what the writer writes.
      fits_ = fits_ && (value.empty() || value.rbegin()->first < key);
      if (fits_) value.emplace_hint(value.end(), std::move(key), std::move(text));
    }
    expect('}');
  }
  template <class T>
  void read(std::vector<T>& values) {
    values.clear();
    expect('[');
    while (fits_ && !next_is(']')) {
      if (!values.empty()) expect(',');
      object(values.emplace_back());
    }
    expect(']');
  }
  template <class T>
  std::enable_if_t<std::is_enum_v<T>> read(T& value) {
    const auto parsed = parse_name(plain_text(), T{});
    fits_ = fits_ && parsed.has_value();
    if (fits_) value = *parsed;
  }
  template <class T>
  std::enable_if_t<std::is_class_v<T>> read(T& value) {
    object(value);
  }

  std::string_view rest_;
  bool fits_ = true;
  bool first_ = true;
};

template <class Event>
std::optional<PaymentEvent> read_one(int version, std::string_view payload) {
  if (version != Event::version) return std::nullopt;
  std::optional<PaymentEvent> event(std::in_place, std::in_place_type<Event>);
  if (!CanonicalReader(payload).whole(std::get<Event>(*event))) return std::nullopt;
  return event;
}

using ReadOne = std::optional<PaymentEvent> (*)(int, std::string_view);

template <std::size_t... I>
ReadOne reader_of(PaymentEventKind kind, std::index_sequence<I...>) {
  static constexpr ReadOne readers[] = {&read_one<std::variant_alternative_t<I, PaymentEvent>>...};
  return readers[static_cast<std::size_t>(kind)];
}

}  // namespace

std::optional<PaymentEvent> read_canonical_event(PaymentEventKind kind, int version,
                                                 std::string_view payload) {
  return reader_of(kind, std::make_index_sequence<payment_event_kind_count>{})(version, payload);
}

}  // namespace welkin
