// Splits a URL just far enough to find its secrets and its query; libpq does the real parsing.
#include "persistence/postgres/connect_target.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>

namespace welkin::postgres {
namespace {

constexpr std::size_t none = std::string_view::npos;

// A dead server is noticed within seconds, and a statement that hangs is ended by the server.
constexpr std::string_view link_settings =
    "connect_timeout=5&keepalives=1&keepalives_idle=10&keepalives_interval=3&keepalives_count=3"
    "&tcp_user_timeout=10000&fallback_application_name=welkin";

// Server settings a user's own `options` may change …
constexpr std::string_view soft_options =
    "-c%20statement_timeout%3D30s%20-c%20idle_in_transaction_session_timeout%3D30s"
    "%20-c%20lock_timeout%3D10s%20-c%20jit%3Doff";

// … and those he may not. Each statement here has an index made for it, while a planner that last
// saw the tables empty would scan or hash them, and keep that plan for the life of the session.
constexpr std::string_view hard_options =
    "-c%20synchronous_commit%3Don%20-c%20search_path%3Dwelkin%20-c%20bytea_output%3Dhex"
    "%20-c%20enable_seqscan%3Doff%20-c%20enable_hashjoin%3Doff%20-c%20enable_mergejoin%3Doff"
    "%20-c%20plan_cache_mode%3Dforce_generic_plan";

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

struct UrlParts {
  std::string_view before_query;
  std::string_view raw_password;           // still percent-encoded
  std::vector<std::string_view> settings;  // "name=value" of the query
};

std::optional<UrlParts> split(std::string_view url) {
  const std::size_t scheme_end = url.find("://");
  if (scheme_end == none) return std::nullopt;
  const std::string_view rest = url.substr(scheme_end + 3);
  const std::size_t at = rest.find('@');
  if (at != none && (rest.find('@', at + 1) != none || rest.find_first_of("/?#") < at))
    return std::nullopt;

  UrlParts parts;
  const std::size_t question = url.find('?');
  parts.before_query = url.substr(0, question);
  if (at != none) {
    const std::string_view user_info = rest.substr(0, at);
    const std::size_t colon = user_info.find(':');
    if (colon != none) parts.raw_password = user_info.substr(colon + 1);
  }
  std::string_view query = question == none ? std::string_view{} : url.substr(question + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    if (end > 0) parts.settings.push_back(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return parts;
}

StoreError refused(std::string detail) {
  return StoreError{StoreErrorKind::unavailable, std::move(detail)};
}

}  // namespace

StoreResult<ConnectTarget> ConnectTarget::parse(const std::string& url, bool read_only) {
  if (url.rfind("postgres://", 0) != 0 && url.rfind("postgresql://", 0) != 0)
    return refused("the database URL does not begin with postgres:// or postgresql://");
  const std::optional<UrlParts> parts = split(url);
  if (!parts)
    return refused(
        "the database URL is ambiguous: write @ : / ? # in a name, a password or a "
        "setting as %40 %3A %2F %3F %23");

  ConnectTarget target;
  const auto keep_secret = [&target](std::string_view raw) {
    const std::optional<std::string> decoded = percent_decoded(raw);
    if (!decoded) return false;
    if (raw.empty()) return true;
    target.secrets_.emplace_back(raw);
    target.secrets_.push_back(*decoded);
    return true;
  };
  bool well_formed = keep_secret(parts->raw_password);
  std::string user_settings;
  std::string user_options;
  for (const std::string_view setting : parts->settings) {
    const std::size_t equals = setting.find('=');
    const std::string_view name = setting.substr(0, equals);
    const std::string_view value = equals == none ? std::string_view{} : setting.substr(equals + 1);
    if (name == "password" || name == "sslpassword")
      well_formed = keep_secret(value) && well_formed;
    if (name == "options")
      user_options.append("%20").append(value);
    else
      user_settings.append("&").append(setting);
  }
  if (!well_formed) return refused("the password in the database URL has a % that encodes nothing");

  target.url_.append(parts->before_query).append("?").append(link_settings);
  target.url_.append("&client_encoding=UTF8&options=").append(soft_options).append(user_options);
  target.url_.append("%20").append(hard_options);
  if (read_only) target.url_.append("%20-c%20default_transaction_read_only%3Don");
  target.url_.append(user_settings);
  target.secrets_.push_back(url);
  target.secrets_.push_back(target.url_);
  return target;
}

// Secrets may overlap and one may be part of another, so what any of them covers is found first.
std::string ConnectTarget::redact(std::string_view text) const {
  std::vector<bool> covered(text.size());
  for (const std::string& secret : secrets_)
    for (std::size_t at = text.find(secret); at != none; at = text.find(secret, at + 1))
      std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(at), secret.size(), true);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!covered[i])
      out.push_back(text[i]);
    else if (i == 0 || !covered[i - 1])
      out.append("*****");
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

}  // namespace welkin::postgres
