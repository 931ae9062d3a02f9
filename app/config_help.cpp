// What the configuration says of itself: the help, which is docs/configuration.md, and what is in
// force.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "app/config.hpp"
#include "app/config_keys.hpp"

namespace welkin {
namespace {

using namespace config_keys;

std::vector<std::string> words_of(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// Without the passwords that a database's URL may carry. One that is not spelled as a URL wants it,
// with a slash or a question mark in it, is hidden too: rather too much than a part of it.
std::string url_without_password(std::string url) {
  const std::size_t authority = url.find("://");
  if (authority == std::string::npos) return url;
  const std::size_t colon = url.find(':', authority + 3);
  const std::size_t at = url.rfind('@');
  if (at != std::string::npos && colon < at) url.replace(colon + 1, at - colon - 1, "***");
  constexpr std::string_view setting = "password=";  // and sslpassword
  for (std::size_t found = url.find(setting); found != std::string::npos;) {
    const std::size_t value = found + setting.size();
    url.replace(value, std::min(url.find('&', value), url.size()) - value, "***");
    found = url.find(setting, value);
  }
  return url;
}

std::string shown(const KeySpec& key, const Target& target) {
  if (auto* number = std::get_if<std::int64_t*>(&target)) return std::to_string(**number);
  if (auto* flag = std::get_if<bool*>(&target)) return **flag ? "true" : "false";
  if (auto* text = std::get_if<std::string*>(&target)) {
    if (key.check == Check::store_url) return "\"" + url_without_password(**text) + "\"";
    if (key.secret) return (*text)->empty() ? "(none)" : "(set)";
    return "\"" + **text + "\"";
  }
  return std::to_string(std::get<std::vector<std::string>*>(target)->size()) + " set";
}

void append_wrapped(std::string& out, std::string_view text, std::string_view indent) {
  constexpr std::size_t columns = 98;
  std::size_t column = 0;
  for (const std::string& word : words_of(text, ' ')) {
    if (column > 0 && column + 1 + word.size() > columns) {
      out += "\n" + std::string(indent);
      column = indent.size();
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  out += '\n';
}

std::string default_of(const KeySpec& key) {
  if (key.required) return "required";
  if (!key.default_words.empty()) return "default " + std::string(key.default_words);
  Input input;
  MerchantInput merchant;
  ChannelAccountSection account;
  const Target target = key.merchant_target  ? key.merchant_target(merchant)
                        : key.account_target ? key.account_target(account)
                                             : key.target(input);
  if (auto* text = std::get_if<std::string*>(&target))
    return (*text)->empty() ? "default empty" : "default `\"" + **text + "\"`";
  if (std::holds_alternative<std::vector<std::string>*>(target)) return "default empty";
  return "default `" + shown(key, target) + "`";
}

std::string describe_key(const KeySpec& key) {
  std::string line = "- `" + std::string(key.name) + "` (" + std::string(key.unit);
  if (key.max != 0) line += " from " + std::to_string(key.min) + " to " + std::to_string(key.max);
  if (!key.choices.empty()) {
    const auto choices = words_of(key.choices, '|');
    for (const std::string& choice : choices)
      line += (&choice == &choices.front() ? ": " : ", ") + choice;
  }
  line += "; " + default_of(key) + "; `" + environment_name(key) + "`";
  if (!key.kinds.empty()) {
    line += "; only for ";
    for (const std::string& kind : words_of(key.kinds, '|'))
      line += (line.back() == ' ' ? "" : ", ") + kind;
  }
  return line + "): " + std::string(key.help);
}

}  // namespace

std::string config_help() {
  std::string out = "# Configuration of `welkin serve`\n\n";
  append_wrapped(
      out,
      "`welkin serve --config FILE` reads a TOML file, or several when `--config` is repeated: "
      "their "
      "`[[merchant]]` and `[[channel.account]]` sections add up, and every other key stands in one "
      "of them. Every key can be overridden by the "
      "environment variable named beside it. An unknown key, a WELKIN_ variable that is no key's "
      "and a bad value are refused at start with their file and line, all at once, and so is what "
      "is wrong "
      "with keys, certificates and accounts; `welkin serve --config FILE --check-config` tells "
      "the same and starts nothing. Relative paths are taken from the working directory. This "
      "text is what `welkin serve --help-config` prints.",
      "");
  for (const SectionSpec& section : sections()) {
    out += "\n## " + std::string(section.header) + "\n\n";
    append_wrapped(out, section.help, "");
    out += '\n';
    for (const KeySpec& key : keys())
      if (key.section == section.section) append_wrapped(out, describe_key(key), "  ");
  }
  return out;
}

std::string describe_config(const ServeConfig& config) {
  Input input;
  input.serve = config;
  if (config.sandbox) input.sandbox = *config.sandbox;
  std::string out;
  for (const KeySpec& key : keys()) {
    if (!key.target || (key.section == Section::sandbox && !config.sandbox)) continue;
    out += full_name(key) + " = " + shown(key, key.target(input)) + "\n";
  }
  for (const MerchantSection& merchant : config.merchants)
    out += "merchant " + merchant.id + " \"" + merchant.name +
           "\": " + std::to_string(merchant.api_key_sha256.size()) + " API key(s)\n";
  for (ChannelAccountSection account : config.accounts) {
    if (config.sandbox && account.name == "sandbox") continue;  // told above
    out += "account " + account.name + "\n";
    for (const KeySpec& key : keys())
      if (key.account_target && is_of_kind(key, account.kind))
        out +=
            "  " + std::string(key.name) + " = " + shown(key, key.account_target(account)) + "\n";
  }
  return out;
}

}  // namespace welkin
