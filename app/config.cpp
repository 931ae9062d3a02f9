#include "app/config.hpp"

#include <toml++/toml.h>
#include <unistd.h>
#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <type_traits>

#include "app/config_keys.hpp"
#include "app/config_names.hpp"
#include "protocol/ids.hpp"

namespace welkin {
namespace {

using namespace config_keys;

constexpr std::size_t largest_file_bytes = 4 << 20;
constexpr std::size_t merchant_limit = 100'000;
constexpr std::size_t account_limit = 256;

bool starts_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool is_lower_hex64(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool is_identifier(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
             std::string_view::npos;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// What is wrong with one text, or empty.
std::string fault_of(const KeySpec& key, std::string_view value) {
  switch (key.check) {
    case Check::none:
      return {};
    case Check::store_url:
      if (value == "memory:" || (starts_with(value, "sqlite:") && value.size() > 7) ||
          starts_with(value, "postgres://") || starts_with(value, "postgresql://"))
        return {};
      return "must begin with sqlite:, postgresql:// or be memory:";
    case Check::http_url:
      if (starts_with(value, "http://") || starts_with(value, "https://")) return {};
      return "must begin with http:// or https://";
    case Check::sha256:
      return is_lower_hex64(value) ? std::string{} : "must be 64 hex digits in lower case";
    case Check::identifier:
      if (is_identifier(value)) return {};
      return "must be 1 to 64 letters, digits, '_', '-' or '.'";
    case Check::one_of:
      for (const std::string& choice : split(key.choices, '|'))
        if (choice == value) return {};
      return "must be one of " + std::string(key.choices);
  }
  return {};
}

bool is_known_kind(std::string_view kind) {
  for (const KeySpec& key : keys())
    if (key.section == Section::account && key.name == "kind") return fault_of(key, kind).empty();
  return false;
}

// One section of an array of tables, as it is written.
template <class Row>
struct Source {
  Row row;
  std::string where;
};
// Those that only the environment names wait in `added` until all are known: the environment is
// read in the order of names, where 10 stands before 2.
template <class Row>
struct Sources {
  Section section;
  std::string_view name;  // "merchant"
  std::size_t limit;
  std::vector<Source<Row>> rows{};
  std::map<std::size_t, Source<Row>> added{};
};

Target target_of(const KeySpec& key, Input& input) { return key.target(input); }
Target target_of(const KeySpec& key, MerchantInput& merchant) {
  return key.merchant_target(merchant);
}
Target target_of(const KeySpec& key, ChannelAccountSection& account) {
  return key.account_target(account);
}
void note_line(Input&, const KeySpec&, const std::string&) {}
void note_line(MerchantInput&, const KeySpec&, const std::string&) {}
void note_line(ChannelAccountSection& account, const KeySpec& key, const std::string& where) {
  account.lines[std::string(key.name)] = where;
}

class ConfigReader {
 public:
  // Files are read one after another: sections of which there are many add up, and a key of which
  // there is one stands in one of them.
  void read_file(const ConfigFile& file) {
    file_name_ = file.name;
    try {
      read_table(toml::parse(file.text, file.name));
    } catch (const toml::parse_error& error) {
      is_partial_ = true;
      fail(file.name + ":" + std::to_string(error.source().begin.line), "",
           std::string(error.description()));
    }
  }

  void miss_file(ConfigError why) {
    is_partial_ = true;
    errors_.push_back(std::move(why));
  }

  void read_table(const toml::table& root) {
    for (const auto& [name, node] : root) {
      if (name == "merchant") {
        read_rows(merchants_, node);
      } else if (name == "channel") {
        read_channels(node);
      } else if (const SectionSpec* section = find_section(name.str())) {
        if (const toml::table* table = node.as_table())
          read_section(*table, section->section, input_);
        else
          fail(at(node), std::string(name.str()), "must be a section");
      } else {
        read_key(name.str(), node, Section::top, input_);
      }
    }
  }

  void read_environment(const Environment& environment) {
    for (const auto& [name, value] : environment) {
      if (starts_with(name, "WELKIN_MERCHANT_")) {
        read_row_variable(merchants_, name, value);
        continue;
      }
      if (starts_with(name, "WELKIN_CHANNEL_ACCOUNT_")) {
        read_row_variable(accounts_, name, value);
        continue;
      }
      const auto& all = keys();
      const auto key =
          std::find_if(all.begin(), all.end(), [&name = name](const KeySpec& candidate) {
            return candidate.target && environment_name(candidate) == name;
          });
      if (key != all.end()) {
        if (key->section == Section::sandbox) sandbox_at_ = sandbox_at_.value_or("environment");
        set_text(*key, key->target(input_), value, "environment", name);
        from_environment_.insert(full_name(*key));
      } else if (!is_variable_of_others(name)) {
        fail("environment", name, "is not the name of any key" + suggested_variable(name));
      }
    }
  }

  ReadConfig finish() {
    finish_merchants();
    finish_accounts();
    finish_sandbox();
    return {std::move(input_.serve), std::move(errors_)};
  }

 private:
  std::string at(const toml::node& node) const {
    return file_name_ + ":" + std::to_string(node.source().begin.line);
  }
  void fail(std::string where, std::string key, std::string what) {
    errors_.push_back({std::move(where), std::move(key), std::move(what)});
  }

  static const SectionSpec* find_section(std::string_view path) {
    for (const SectionSpec& section : sections())
      if (!section.path.empty() && section.path == path) return &section;
    return nullptr;
  }

  template <class Row>
  void read_section(const toml::table& table, Section section, Row& row) {
    for (const auto& [name, node] : table) read_key(name.str(), node, section, row);
  }

  template <class Row>
  void read_key(std::string_view name, const toml::node& node, Section section, Row& row) {
    for (const KeySpec& key : keys()) {
      if (key.section != section || key.name != name) continue;
      if constexpr (std::is_same_v<Row, Input>) {
        const auto [first, is_first] = set_at_.emplace(full_name(key), at(node));
        if (!is_first) return fail(at(node), full_name(key), "is set in " + first->second + " too");
      }
      note_line(row, key, at(node));
      return set_node(key, target_of(key, row), node);
    }
    const std::string_view path = sections()[static_cast<std::size_t>(section)].path;
    const std::string written =
        (path.empty() ? std::string() : std::string(path) + ".") + std::string(name);
    fail(at(node), written, "is not a known key" + suggestion(written, names_in(section)));
  }

  // What may stand in a section; at the top that is other sections too.
  static std::vector<std::string> names_in(Section section) {
    std::vector<std::string> names;
    for (const KeySpec& key : keys())
      if (key.section == section) names.push_back(full_name(key));
    if (section != Section::top) return names;
    for (const SectionSpec& other : sections())
      if (!other.path.empty()) names.emplace_back(other.path);
    return names;
  }

  template <class Row>
  void read_rows(Sources<Row>& sources, const toml::node& node) {
    const std::string name(sources.name);
    const toml::array* array = node.as_array();
    if (!array || !array->is_homogeneous(toml::node_type::table))
      return fail(at(node), name, "must be written as [[" + name + "]] sections");
    if (array->size() + sources.rows.size() > sources.limit)
      return fail(at(node), name, "are too many");
    for (const toml::node& element : *array) {
      sources.rows.push_back({{}, at(element)});
      read_section(*element.as_table(), sources.section, sources.rows.back().row);
    }
  }

  void read_channels(const toml::node& node) {
    const toml::table* channels = node.as_table();
    if (!channels) return fail(at(node), "channel", "must be sections such as [channel.sandbox]");
    for (const auto& [name, channel] : *channels) {
      if (name == "account") {
        read_rows(accounts_, channel);
        continue;
      }
      const toml::table* table = channel.as_table();
      if (name != "sandbox" || !table) {
        fail(at(channel), "channel." + std::string(name.str()), "is not a known channel");
        continue;
      }
      sandbox_at_ = at(channel);
      read_section(*table, Section::sandbox, input_);
    }
  }

  void set_node(const KeySpec& key, const Target& target, const toml::node& node) {
    const std::string name = full_name(key);
    if (auto* number = std::get_if<std::int64_t*>(&target)) {
      if (!node.is_integer()) return fail(at(node), name, "must be a whole number");
      return set_number(key, *number, *node.value_exact<std::int64_t>(), at(node), name);
    }
    if (auto* flag = std::get_if<bool*>(&target)) {
      if (!node.is_boolean()) return fail(at(node), name, "must be true or false");
      **flag = *node.value_exact<bool>();
      return;
    }
    if (auto* text = std::get_if<std::string*>(&target)) {
      if (!node.is_string()) return fail(at(node), name, "must be a text in quotes");
      return set_one(key, *text, *node.value_exact<std::string>(), at(node), name);
    }
    auto* list = std::get<std::vector<std::string>*>(target);
    const toml::array* array = node.as_array();
    if (!array) return fail(at(node), name, "must be a list of texts");
    for (const toml::node& element : *array) {
      if (!element.is_string()) {
        fail(at(element), name, "must be a list of texts");
        continue;
      }
      set_one(key, &list->emplace_back(), *element.value_exact<std::string>(), at(element), name);
    }
  }

  void set_text(const KeySpec& key, const Target& target, const std::string& value,
                const std::string& where, const std::string& name) {
    if (auto* number = std::get_if<std::int64_t*>(&target)) {
      std::int64_t parsed = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
      if (error != std::errc{} || end != value.data() + value.size())
        return fail(where, name, "must be a whole number");
      return set_number(key, *number, parsed, where, name);
    }
    if (auto* flag = std::get_if<bool*>(&target)) {
      if (value != "true" && value != "false") return fail(where, name, "must be true or false");
      **flag = value == "true";
      return;
    }
    if (auto* text = std::get_if<std::string*>(&target))
      return set_one(key, *text, value, where, name);
    auto* list = std::get<std::vector<std::string>*>(target);
    list->clear();
    for (std::string& part : split(value, ','))
      set_one(key, &list->emplace_back(), std::move(part), where, name);
  }

  void set_number(const KeySpec& key, std::int64_t* target, std::int64_t value,
                  const std::string& where, const std::string& name) {
    *target = value;
    if (value < key.min || value > key.max)
      fail(where, name,
           "must be between " + std::to_string(key.min) + " and " + std::to_string(key.max) +
               ", is " + std::to_string(value));
  }

  // The value itself stays out of this message and of all others: it may be a secret put under the
  // wrong key.
  void set_one(const KeySpec& key, std::string* target, std::string value, const std::string& where,
               const std::string& name) {
    const std::string fault = fault_of(key, value);
    if (!fault.empty()) fail(where, name, fault);
    *target = std::move(value);
  }

  template <class Row>
  void read_row_variable(Sources<Row>& sources, const std::string& name, const std::string& value) {
    for (const KeySpec& key : keys()) {
      if (key.section != sources.section) continue;
      // "WELKIN_MERCHANT_N_ID": what stands before and behind the number.
      const std::string spelled = environment_name(key);
      const std::size_t at = spelled.find("_N_") + 1;
      const std::string_view behind = std::string_view(spelled).substr(at + 1);
      if (name.size() <= at + behind.size() ||
          std::string_view(name).substr(name.size() - behind.size()) != behind)
        continue;
      const char* end = name.data() + name.size() - behind.size();
      std::size_t number = 0;
      const auto parsed = std::from_chars(name.data() + at, end, number);
      if (parsed.ec != std::errc{} || parsed.ptr != end || name[at] == '0') continue;
      if (number < 1 || number > sources.limit) break;
      Source<Row>& source = row_of_environment(sources, number);
      note_line(source.row, key, "environment");
      return set_text(key, target_of(key, source.row), value, "environment", name);
    }
    if (!is_variable_of_others(name))
      fail("environment", name, "is not the name of any key" + suggested_variable(name));
  }

  template <class Row>
  static Source<Row>& row_of_environment(Sources<Row>& sources, std::size_t number) {
    if (number <= sources.rows.size()) return sources.rows[number - 1];
    Source<Row>& added = sources.added[number];
    added.where = "environment";
    return added;
  }

  template <class Row>
  void add_those_of_environment(Sources<Row>& sources, const std::string& prefix) {
    for (auto& [number, source] : sources.added) {
      // What a file that was not read holds may fill it.
      if (number != sources.rows.size() + 1 && !is_partial_)
        fail("environment", prefix + std::to_string(number) + "_…",
             "leaves a gap: the next " + std::string(sources.name) + " is number " +
                 std::to_string(sources.rows.size() + 1));
      sources.rows.push_back(std::move(source));
    }
  }

  void finish_merchants() {
    add_those_of_environment(merchants_, "WELKIN_MERCHANT_");
    std::set<std::string> ids;
    std::set<std::string> hashes{input_.serve.operators.key_sha256};
    for (auto& [merchant, where] : merchants_.rows) {
      if (merchant.id.empty()) fail(where, "merchant.id", "is required");
      if (is_identifier(merchant.id) && !ids.insert(merchant.id).second)
        fail(where, "merchant.id", "is the id of another merchant too: " + merchant.id);
      if (!merchant.api_key.empty()) {
        if (!input_.serve.allow_plain_test_keys)
          fail(where, "merchant.api_key",
               "is refused: put its SHA-256 into api_key_sha256, or set allow_plain_test_keys = "
               "true "
               "for a test");
        merchant.api_key_sha256.push_back(sha256_hex(merchant.api_key));
      }
      if (merchant.api_key_sha256.empty())
        fail(where, "merchant.api_key_sha256", "is required: the merchant could not sign in");
      for (const std::string& hash : merchant.api_key_sha256)
        if (!hashes.insert(hash).second)
          fail(where, "merchant.api_key_sha256", "holds a key that stands elsewhere too");
      input_.serve.merchants.push_back({merchant.id, merchant.name, merchant.api_key_sha256});
    }
  }

  void finish_accounts() {
    add_those_of_environment(accounts_, "WELKIN_CHANNEL_ACCOUNT_");
    std::set<std::string> names;
    for (auto& [account, where] : accounts_.rows) {
      account.where = where;
      if (account.name.empty()) fail(where, "channel.account.name", "is required");
      if (account.kind.empty()) fail(where, "channel.account.kind", "is required");
      const bool taken = account.name == "sandbox" && sandbox_at_;
      if (is_identifier(account.name) && (!names.insert(account.name).second || taken))
        fail(where, "channel.account.name", "is the name of another account too: " + account.name);
      for (const KeySpec& key : keys()) {
        const auto line = account.lines.find(std::string(key.name));
        if (!key.account_target || line == account.lines.end()) continue;
        if (is_known_kind(account.kind) && !is_of_kind(key, account.kind))
          fail(line->second, full_name(key), "is not a key of the kind " + account.kind);
      }
      if (account.serves.empty()) account.serves = account.kind;
      while (!account.base_url.empty() && account.base_url.back() == '/')
        account.base_url.pop_back();
      input_.serve.accounts.push_back(account);
    }
  }

  void finish_sandbox() {
    if (!sandbox_at_ || (*sandbox_at_ == "environment" && is_partial_)) return;
    const std::size_t errors_before = errors_.size();
    SandboxChannelSection& sandbox = input_.sandbox;
    // An override replaces the file's secret, whichever of the two ways either is given in.
    if (from_environment_.count("channel.sandbox.secret") &&
        !from_environment_.count("channel.sandbox.secret_file"))
      sandbox.secret_file.clear();
    if (from_environment_.count("channel.sandbox.secret_file") &&
        !from_environment_.count("channel.sandbox.secret"))
      sandbox.secret.clear();
    if (sandbox.base_url.empty()) fail(*sandbox_at_, "channel.sandbox.base_url", "is required");
    while (!sandbox.base_url.empty() && sandbox.base_url.back() == '/') sandbox.base_url.pop_back();
    if (sandbox.secret.empty() == sandbox.secret_file.empty())
      fail(*sandbox_at_, "channel.sandbox.secret",
           sandbox.secret.empty() ? "or secret_file is required"
                                  : "and secret_file exclude each other");
    else if (sandbox.secret.empty())
      read_secret(sandbox);
    input_.serve.sandbox = sandbox;
    if (errors_.size() != errors_before) return;
    ChannelAccountSection account;
    account.name = account.kind = account.serves = "sandbox";
    account.base_url = sandbox.base_url;
    account.notify_url = sandbox.notify_url;
    account.secret = sandbox.secret;
    account.timeout_ms = sandbox.timeout_ms;
    account.max_in_flight = sandbox.max_in_flight;
    account.where = *sandbox_at_;
    input_.serve.accounts.push_back(std::move(account));
  }

  void read_secret(SandboxChannelSection& sandbox) {
    std::ifstream in(sandbox.secret_file);
    if (!std::getline(in, sandbox.secret) || sandbox.secret.empty())
      fail(*sandbox_at_, "channel.sandbox.secret_file",
           "cannot be read, or its first line is empty: " + sandbox.secret_file);
  }

  std::string file_name_;                      // of the file being read
  std::map<std::string, std::string> set_at_;  // keys of which there is one
  Input input_;
  Sources<MerchantInput> merchants_{Section::merchant, "merchant", merchant_limit};
  Sources<ChannelAccountSection> accounts_{Section::account, "channel.account", account_limit};
  std::optional<std::string> sandbox_at_;
  std::set<std::string> from_environment_;
  bool is_partial_ = false;  // there is a file that could not be read
  std::vector<ConfigError> errors_;
};

}  // namespace

std::string ConfigError::text() const {
  return where + ": " + (key.empty() ? "" : key + " ") + what;
}

Environment welkin_environment() {
  Environment found;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view line(*entry);
    const std::size_t equals = line.find('=');
    if (starts_with(line, "WELKIN_") && equals != std::string_view::npos)
      found.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return found;
}

namespace {

ConfigResult result_of(ReadConfig read) {
  if (!read.errors.empty()) return std::move(read.errors);
  return std::move(read.config);
}

std::variant<ConfigFile, ConfigError> load_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  char block[1 << 14];
  while (in && text.size() <= largest_file_bytes) {
    in.read(block, sizeof block);
    text.append(block, static_cast<std::size_t>(in.gcount()));
  }
  if (in.eof()) return ConfigFile{path, std::move(text)};
  const bool large = text.size() > largest_file_bytes;
  return ConfigError{path, "", large ? "is too large" : "cannot be read"};
}

}  // namespace

ConfigResult parse_config(const std::vector<ConfigFile>& files, const Environment& environment) {
  ConfigReader reader;
  for (const ConfigFile& file : files) reader.read_file(file);
  reader.read_environment(environment);
  return result_of(reader.finish());
}

ConfigResult parse_config(std::string_view toml_text, const std::string& file_name,
                          const Environment& environment) {
  return parse_config({{file_name, std::string(toml_text)}}, environment);
}

ConfigResult load_config(const std::string& path, const Environment& environment) {
  return load_config(std::vector<std::string>{path}, environment);
}

ConfigResult load_config(const std::vector<std::string>& paths, const Environment& environment) {
  return result_of(read_config(paths, environment));
}

ReadConfig read_config(const std::vector<std::string>& paths, const Environment& environment) {
  ConfigReader reader;
  for (const std::string& path : paths) {
    auto file = load_file(path);
    if (auto* error = std::get_if<ConfigError>(&file))
      reader.miss_file(std::move(*error));
    else
      reader.read_file(std::get<ConfigFile>(file));
  }
  reader.read_environment(environment);
  return reader.finish();
}

}  // namespace welkin
