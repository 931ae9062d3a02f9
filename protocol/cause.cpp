#include "protocol/cause.hpp"

namespace welkin {
namespace {

constexpr std::string_view kind_names[] = {"request", "timer",    "calls",    "answer",
                                           "query",   "callback", "operator", "restore"};

}  // namespace

std::string_view name_of(CauseKind kind) { return kind_names[static_cast<int>(kind)]; }

std::string cause(CauseKind kind, std::string_view which) {
  const std::string_view name = name_of(kind);
  std::string out;
  out.reserve(name.size() + 1 + which.size());
  out.append(name).append(":").append(which);
  return out;
}

std::string cause(CauseKind kind, UnixUs at_us) { return cause(kind, std::to_string(at_us)); }

bool is_caused_by(std::string_view causation_id, CauseKind kind) {
  const std::string_view name = name_of(kind);
  if (causation_id.substr(0, name.size()) != name) return false;
  return causation_id.size() == name.size() || causation_id[name.size()] == ':';
}

}  // namespace welkin
