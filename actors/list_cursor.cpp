#include "actors/list_cursor.hpp"

#include <charconv>

namespace welkin {

std::string ListCursor::text() const { return std::to_string(created_at_us) + "." + stream.text(); }

std::optional<ListCursor> ListCursor::parse(std::string_view text) {
  const std::size_t dot = text.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  ListCursor cursor;
  const auto [end, error] = std::from_chars(text.data(), text.data() + dot, cursor.created_at_us);
  const auto stream = StreamId::parse(text.substr(dot + 1), StreamKind::payment);
  if (error != std::errc{} || end != text.data() + dot || cursor.created_at_us <= 0 || !stream)
    return std::nullopt;
  cursor.stream = *stream;
  if (cursor.text() != text) return std::nullopt;
  return cursor;
}

}  // namespace welkin
