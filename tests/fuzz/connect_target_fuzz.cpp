// A database's URL: one that is taken has all its secrets known, so that none is ever in a message.
#include "persistence/postgres/connect_target.hpp"

#include <set>

#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

void check(const std::string& url) {
  const auto parsed = postgres::ConnectTarget::parse(url, false);
  if (const auto* error = std::get_if<StoreError>(&parsed)) {
    static std::set<std::string> details;
    details.insert(error->detail);
    claim(details.size() <= 3, "a refusal is in the same words whatever the URL holds");
    return;
  }
  const auto& target = std::get<postgres::ConnectTarget>(parsed);
  // As libpq might quote it.
  const std::string told = target.redact("could not use \"" + target.url() + "\", given " + url);
  claim(told.find(url) == std::string::npos, "a message does not hold the URL");
  claim(told.find('\n') == std::string::npos, "a message is one line");
  const std::size_t from = url.find("://") + 3;
  const std::size_t colon = url.find(':', from);
  const std::size_t at = url.find('@', from);
  if (at == std::string::npos || colon == std::string::npos || colon > at) return;
  const std::string password = url.substr(colon + 1, at - colon - 1);
  // Another secret of the URL may be what stands around it here.
  if (!password.empty() && url.find_first_of("<>") == std::string::npos &&
      url.find("%3") == std::string::npos)
    claim(target.redact("<" + password + ">") == "<*****>", "a message does not hold the password");
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(std::string(welkin::fuzz::view_of(data, size)));
  return 0;
}
