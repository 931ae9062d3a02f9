// Files out of a zip archive in memory, with bounds on their number and size: bills come so, and a
// few packed bytes can become gigabytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace welkin {

struct ZipEntry {
  std::string name;  // its bytes as they stand in the archive, in whatever encoding
  std::string bytes;
};
struct ZipLimits {
  std::size_t max_entries = 64;
  std::size_t max_bytes = 512 * 1024 * 1024;  // of all entries, unpacked
};

// Nothing when it is no archive, an entry is broken or sealed with a password, or a limit is
// passed.
std::optional<std::vector<ZipEntry>> unzip(std::string_view archive, const ZipLimits& limits);

}  // namespace welkin
