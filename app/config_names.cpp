#include "app/config_names.hpp"

#include <algorithm>
#include <numeric>

#include "app/config_keys.hpp"

namespace welkin {
namespace {

constexpr std::string_view variables_of_scripts[] = {
    "WELKIN_PORT",      "WELKIN_SANDBOX_PORT", "WELKIN_RUN_DIR",   "WELKIN_BIN",
    "WELKIN_JOBS",      "WELKIN_SKIP_DEPS",    "WELKIN_TEST_SEED", "WELKIN_NODE_ROOT",
    "WELKIN_WIRE_PEER", "WELKIN_PROGRAM"};

constexpr std::size_t longest_name = 80;  // the distance may take the product of two lengths

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Letters that are missing, too many or other ones, and neighbours that changed places; what is
// over `most` is not counted to its end.
std::size_t distance(std::string_view a, std::string_view b, std::size_t most) {
  while (!a.empty() && !b.empty() && a.front() == b.front()) a.remove_prefix(1), b.remove_prefix(1);
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) rows[i][0] = i;
  std::iota(rows[0].begin(), rows[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t other = a[i - 1] == b[j - 1] ? 0 : 1;
      std::size_t& here = rows[i][j];
      here = std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + other});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        here = std::min(here, rows[i - 2][j - 2] + 1);
    }
    // Neighbours that changed places look two rows back.
    const auto least = [&](std::size_t row) {
      return *std::min_element(rows[row].begin(), rows[row].end());
    };
    if (least(i) > most && least(i - 1) > most) return most + 1;
  }
  return rows.back().back();
}

// The number that stands between two underscores as a part of its own, or nothing.
std::string_view number_in(std::string_view name) {
  for (std::size_t at = name.find('_'); at != std::string_view::npos; at = name.find('_', at + 1)) {
    std::size_t end = at + 1;
    while (end < name.size() && is_digit(name[end])) ++end;
    if (end > at + 1 && end < name.size() && name[end] == '_')
      return name.substr(at + 1, end - at - 1);
  }
  return {};
}

}  // namespace

bool is_variable_of_others(std::string_view name) {
  if (std::find(std::begin(variables_of_scripts), std::end(variables_of_scripts), name) !=
      std::end(variables_of_scripts))
    return true;
  const std::size_t port = name.find("_PORT_");
  return name.find("_SERVICE_HOST") != std::string_view::npos ||
         name.find("_SERVICE_PORT") != std::string_view::npos ||
         (port != std::string_view::npos && port + 6 < name.size() && is_digit(name[port + 6]));
}

std::string suggestion(std::string_view written, const std::vector<std::string>& candidates) {
  if (written.size() > longest_name) return {};
  // One slip in a short name, up to three in a long one.
  const std::size_t most = std::min<std::size_t>(3, 1 + written.size() / 8);
  const std::string* nearest = nullptr;
  std::size_t least = 0;
  for (const std::string& candidate : candidates) {
    const std::size_t longer = std::max(candidate.size(), written.size());
    const std::size_t shorter = std::min(candidate.size(), written.size());
    if (longer - shorter > most) continue;  // as many slips at least
    const std::size_t away = distance(written, candidate, most);
    if (nearest != nullptr && away >= least) continue;
    nearest = &candidate;
    least = away;
  }
  return nearest != nullptr && least <= most ? "; did you mean " + *nearest + "?" : std::string();
}

std::string suggested_variable(std::string_view written) {
  const std::string_view number = number_in(written);
  std::vector<std::string> names;
  for (const config_keys::KeySpec& key : config_keys::keys()) {
    std::string name = config_keys::environment_name(key);
    if (config_keys::is_list(key.section))
      name.replace(name.find("_N_") + 1, 1, number.empty() ? "1" : number);
    names.push_back(std::move(name));
  }
  return suggestion(written, names);
}

}  // namespace welkin
