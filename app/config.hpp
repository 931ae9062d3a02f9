// The configuration of `welkin serve`: TOML files, each key of which an environment variable can
// override. The table of keys in config_keys.hpp drives the parser, the overrides, `--help-config`
// and docs/configuration.md; an unknown key or a bad value is refused with its file and line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace welkin {

// Every number is an int64, within the bounds that the table of keys gives it.
struct StoreSection {
  std::string url = "sqlite:./journal";
  std::int64_t segment_rows = 500'000;
};

struct HttpSection {
  std::string host = "127.0.0.1";
  std::int64_t port = 8080;
  std::int64_t body_limit_bytes = 64 * 1024;
  std::int64_t workers = 4;
  std::int64_t max_connections = 4'096;
  std::int64_t max_in_flight = 1'024;
  std::int64_t request_deadline_ms = 10'000;
  std::int64_t idle_timeout_ms = 30'000;
};

struct RuntimeSection {
  std::int64_t shards = 256;
  std::int64_t worker_threads = 0;  // 0: one a core
  std::int64_t passivate_after_ms = 120'000;
  std::int64_t active_limit = 100'000;
  std::int64_t snapshot_every_events = 64;
  std::int64_t command_timeout_ms = 8'000;
  std::int64_t max_queued_appends = 10'000;
};

struct LogSection {
  std::string level = "info";
  std::string format = "text";
};

struct OperatorSection {
  std::string key_sha256;  // empty: the operators' routes answer nobody
};

struct MerchantSection {
  std::string id;
  std::string name;
  std::vector<std::string> api_key_sha256;  // lower-case hex; a plain `api_key` is hashed into here
};

struct SandboxChannelSection {
  std::string base_url;
  std::string secret;  // from `secret` or read from `secret_file`
  std::string secret_file;
  std::string notify_url;
  std::int64_t timeout_ms = 5'000;
  std::int64_t max_in_flight = 1'000;
};

// One of our accounts at a channel. Keys and certificates are files, which
// app/channel_accounts.hpp reads.
struct ChannelAccountSection {
  std::string name;
  std::string kind;
  std::string serves;  // empty: the channel named as the kind is
  std::int64_t priority = 1;
  std::int64_t weight = 1;
  std::string base_url;  // empty: the channel's own
  std::string notify_url;
  std::string return_url;
  std::int64_t timeout_ms = 5'000;
  std::int64_t connect_timeout_ms = 2'000;
  std::int64_t max_in_flight = 1'000;
  std::string ca_file;

  struct Breaker {
    std::string window = "20s";
    std::int64_t minimum_calls = 20;
    std::int64_t failure_percent = 50;
    std::int64_t slow_percent = 80;
    std::int64_t slow_call_ms = 3'000;
    std::int64_t open_ms = 10'000;
    std::int64_t open_growth_percent = 200;
    std::int64_t max_open_ms = 300'000;
    std::int64_t probes = 5;
    std::int64_t ramp_ms = 10'000;
    std::int64_t ramp_start_percent = 10;
  } breaker;

  std::string app_id;
  std::string merchant_id;
  std::string seller_id;
  std::string private_key_file;
  std::string certificate_file;
  std::vector<std::string> platform_certificate_files;
  std::vector<std::string> public_key_files;
  std::vector<std::string> public_key_ids;
  std::string certificate_download = "auto";
  std::string api_v3_key_file;
  std::string middle_certificate_file;
  std::string root_certificate_file;
  std::string pfx_file;
  std::string pfx_password_file;
  std::string secure_key_file;
  bool test_environment = false;
  bool undo_same_day = false;
  std::string secret_key_file;
  std::vector<std::string> webhook_secret_files;
  std::string api_version;
  std::string secret;  // the sandbox's
  std::string secret_file;

  std::string where;                         // the section's place in the file
  std::map<std::string, std::string> lines;  // and that of each key that is set
};

struct ServeConfig {
  bool allow_plain_test_keys = false;
  StoreSection store;
  HttpSection http;
  RuntimeSection runtime;
  LogSection log;
  OperatorSection operators;
  std::vector<MerchantSection> merchants;
  std::optional<SandboxChannelSection> sandbox;  // [channel.sandbox], when it is there
  // [[channel.account]]; and [channel.sandbox] as an account of that name, last.
  std::vector<ChannelAccountSection> accounts;
};

struct ConfigError {
  std::string where;  // "welkin.toml:12", "environment" or the file's name
  std::string key;    // "http.port", or empty
  std::string what;
  std::string text() const;
};

// As far as the configuration could be read, and all that is wrong with it.
struct ReadConfig {
  ServeConfig config;
  std::vector<ConfigError> errors;
};

using Environment = std::map<std::string, std::string>;
using ConfigResult = std::variant<ServeConfig, std::vector<ConfigError>>;

// The environment of this process, as far as its names begin with WELKIN_.
Environment welkin_environment();

struct ConfigFile {
  std::string name;
  std::string text;
};
// All errors are collected, so that a person repairs a file in one go. Of several files the
// sections of which there are many (merchants, accounts) add up; every other key stands in one.
ConfigResult parse_config(const std::vector<ConfigFile>& files, const Environment& environment);
ConfigResult parse_config(std::string_view toml, const std::string& file_name,
                          const Environment& environment);
// For whoever can find more that is wrong in what there is.
ReadConfig read_config(const std::vector<std::string>& paths, const Environment& environment);
ConfigResult load_config(const std::vector<std::string>& paths, const Environment& environment);
ConfigResult load_config(const std::string& path, const Environment& environment);

// Every key with its unit, default and environment variable, as Markdown.
std::string config_help();
// What is in force, a line a key, secrets left out.
std::string describe_config(const ServeConfig& config);

}  // namespace welkin
