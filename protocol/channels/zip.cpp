// libzip, reading from memory; see the header.
#include "protocol/channels/zip.hpp"

#include <zip.h>

#include <memory>

namespace welkin {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct Close {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};

std::optional<std::string> read_whole(zip_t* archive, zip_uint64_t index, std::size_t max_bytes) {
  const std::unique_ptr<zip_file_t, Close> file(zip_fopen_index(archive, index, 0));
  if (!file) return std::nullopt;
  std::string out;
  char piece[16 * 1024];
  while (true) {
    // At the end of the entry the checksum is compared, and a wrong one is an error here.
    const zip_int64_t count = zip_fread(file.get(), piece, sizeof piece);
    if (count < 0) return std::nullopt;
    if (count == 0) return out;
    out.append(piece, static_cast<std::size_t>(count));
    if (out.size() > max_bytes) return std::nullopt;
  }
}

}  // namespace

std::optional<std::vector<ZipEntry>> unzip(std::string_view archive, const ZipLimits& limits) {
  // To libzip nothing at all is an archive without entries; to us it is one that did not come.
  if (archive.empty()) return std::nullopt;
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(archive.data(), archive.size(), 0, &error);
  if (!source) {
    zip_error_fini(&error);
    return std::nullopt;
  }
  const std::unique_ptr<zip_t, Discard> opened(
      zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  zip_error_fini(&error);
  if (!opened) {
    zip_source_free(source);
    return std::nullopt;
  }
  const zip_int64_t count = zip_get_num_entries(opened.get(), 0);
  if (count < 0 || static_cast<std::size_t>(count) > limits.max_entries) return std::nullopt;
  std::vector<ZipEntry> entries;
  std::size_t room = limits.max_bytes;
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    const char* name = zip_get_name(opened.get(), i, ZIP_FL_ENC_RAW);
    auto bytes = read_whole(opened.get(), i, room);
    if (!name || !bytes) return std::nullopt;
    room -= bytes->size();
    entries.push_back({name, *std::move(bytes)});
  }
  return entries;
}

}  // namespace welkin
