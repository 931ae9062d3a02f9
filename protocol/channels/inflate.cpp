// zlib, in pieces; see the header.
#include "protocol/channels/inflate.hpp"

#include <zlib.h>

#include <limits>

namespace welkin {

std::optional<std::string> inflate_zlib(std::string_view packed, std::size_t max_bytes) {
  if (packed.size() > std::numeric_limits<uInt>::max()) return std::nullopt;
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return std::nullopt;
  // zlib reads through this pointer and writes nothing there.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  std::string out;
  char piece[16 * 1024];
  int result = Z_OK;
  while (result == Z_OK && out.size() <= max_bytes) {
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    result = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
    if (stream.avail_in == 0 && stream.avail_out > 0) break;
  }
  const bool whole = result == Z_STREAM_END && stream.avail_in == 0;
  inflateEnd(&stream);
  if (!whole || out.size() > max_bytes) return std::nullopt;
  return out;
}

}  // namespace welkin
