// The table of configuration keys: all that is known of one stands in its row and nowhere else.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config.hpp"

namespace welkin::config_keys {

// A `[[merchant]]` as it is written; config.cpp makes a MerchantSection of it.
struct MerchantInput {
  std::string id;
  std::string name;
  std::vector<std::string> api_key_sha256;
  std::string api_key;
};

// Where keys are read into before they are checked against each other.
struct Input {
  ServeConfig serve;
  SandboxChannelSection sandbox;
};

enum class Section : std::uint8_t {
  top,
  store,
  http,
  runtime,
  log,
  operators,
  merchant,
  account,
  sandbox
};
constexpr std::size_t section_count = 9;

struct SectionSpec {
  Section section;
  std::string_view header;  // "[store]"
  std::string_view path;    // "store": before the dot of a key's full name
  std::string_view help;
};

using Target = std::variant<std::string*, std::int64_t*, bool*, std::vector<std::string>*>;

enum class Check : std::uint8_t { none, store_url, http_url, sha256, identifier, one_of };

struct KeySpec {
  Section section;
  std::string_view name;
  std::string_view unit;
  std::string_view help;
  // One of the three; the last two are of sections that are arrays of tables.
  Target (*target)(Input&) = nullptr;
  Target (*merchant_target)(MerchantInput&) = nullptr;
  Target (*account_target)(ChannelAccountSection&) = nullptr;
  std::int64_t min = 0;
  std::int64_t max = 0;
  Check check = Check::none;
  std::string_view choices = {};  // of Check::one_of: "a|b"
  bool required = false;
  bool secret = false;
  std::string_view default_words = {};  // where the default value alone would not explain itself
  std::string_view kinds = {};          // of accounts that have it: "a|b"; empty: all
};

bool is_list(Section section);  // an array of tables, counted from 1 in the environment
// Whether accounts of this kind have the key.
bool is_of_kind(const KeySpec& key, std::string_view kind);

void add_accounts(std::vector<KeySpec>& all);  // the rows of [[channel.account]]

const std::vector<SectionSpec>& sections();
const std::vector<KeySpec>& keys();

std::string full_name(const KeySpec& key);         // "http.port"
std::string environment_name(const KeySpec& key);  // "WELKIN_HTTP_PORT"

}  // namespace welkin::config_keys
