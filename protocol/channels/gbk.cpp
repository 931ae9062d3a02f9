// The C library's iconv; see the header.
#include "protocol/channels/gbk.hpp"

#include <iconv.h>

#include <cerrno>
#include <cstdint>

namespace welkin {

namespace {

std::optional<std::string> converted(std::string_view bytes, const char* to_charset,
                                     const char* from_charset) {
  const iconv_t converter = iconv_open(to_charset, from_charset);
  if (reinterpret_cast<std::intptr_t>(converter) == -1) return std::nullopt;
  std::string out;
  char piece[4096];
  // iconv reads through this pointer and writes nothing there.
  char* from = const_cast<char*>(bytes.data());
  std::size_t left = bytes.size();
  bool good = true;
  while (good && left > 0) {
    char* to = piece;
    std::size_t room = sizeof piece;
    const std::size_t result = iconv(converter, &from, &left, &to, &room);
    out.append(piece, sizeof piece - room);
    if (result == static_cast<std::size_t>(-1) && errno != E2BIG) good = false;
  }
  iconv_close(converter);
  if (!good) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> utf8_of_gbk(std::string_view bytes) {
  return converted(bytes, "UTF-8", "GBK");
}

std::optional<std::string> gbk_of(std::string_view utf8) { return converted(utf8, "GBK", "UTF-8"); }

}  // namespace welkin
