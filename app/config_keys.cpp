#include "app/config_keys.hpp"

#include <algorithm>

namespace welkin::config_keys {
namespace {

// Rows are built by these functions so that each states only what it has to.
#define WELKIN_AT(path) [](Input& in) -> Target { return &in.path; }
#define WELKIN_MERCHANT(path) [](MerchantInput& in) -> Target { return &in.path; }

KeySpec number(Section section, std::string_view name, std::string_view unit, Target (*at)(Input&),
               std::int64_t min, std::int64_t max, std::string_view help,
               std::string_view default_words = {}) {
  KeySpec key{section, name, unit, help, at};
  key.min = min;
  key.max = max;
  key.default_words = default_words;
  return key;
}

KeySpec plain(Section section, std::string_view name, std::string_view unit, Target (*at)(Input&),
              std::string_view help, Check check = Check::none, std::string_view choices = {}) {
  KeySpec key{section, name, unit, help, at};
  key.check = check;
  key.choices = choices;
  return key;
}

KeySpec of_merchant(std::string_view name, std::string_view unit, Target (*at)(MerchantInput&),
                    std::string_view help, Check check, bool required, bool secret) {
  KeySpec key{Section::merchant, name, unit, help};
  key.merchant_target = at;
  key.check = check;
  key.required = required;
  key.secret = secret;
  return key;
}

KeySpec required(KeySpec key) {
  key.required = true;
  return key;
}
KeySpec secret(KeySpec key) {
  key.secret = true;
  return key;
}
KeySpec default_words(KeySpec key, std::string_view words) {
  key.default_words = words;
  return key;
}

void add_store_and_http(std::vector<KeySpec>& all) {
  constexpr std::int64_t day_ms = 86'400'000;
  all.push_back(
      plain(Section::top, "allow_plain_test_keys", "true or false",
            WELKIN_AT(serve.allow_plain_test_keys),
            "Lets a merchant have a plain `api_key`. For tests only: whoever reads the file "
            "can then spend as the merchant."));
  all.push_back(
      plain(Section::store, "url", "URL", WELKIN_AT(serve.store.url),
            "Where the journal is: `sqlite:FOLDER`, `postgresql://USER@HOST/DATABASE`, or "
            "`memory:`, which forgets all when the process ends.",
            Check::store_url));
  all.back().secret = true;  // a database's URL may carry a password
  all.push_back(
      number(Section::store, "segment_rows", "rows", WELKIN_AT(serve.store.segment_rows), 1'000,
             10'000'000,
             "Rows in one segment of the SQLite journal. An ever-growing index would halve "
             "the speed of writing."));
  const auto http = Section::http;
  all.push_back(
      plain(http, "host", "address", WELKIN_AT(serve.http.host),
            "Address to listen on. Towards the internet, stand a hardening proxy before it."));
  all.push_back(number(http, "port", "TCP port", WELKIN_AT(serve.http.port), 0, 65'535,
                       "Port to listen on; 0 takes any free one."));
  all.push_back(number(http, "body_limit_bytes", "bytes", WELKIN_AT(serve.http.body_limit_bytes),
                       256, 16 << 20,
                       "Largest request body; a larger one is refused with 413, a callback in its "
                       "channel's own words."));
  all.push_back(number(http, "workers", "threads", WELKIN_AT(serve.http.workers), 1, 4'096,
                       "Threads that read and judge requests; none waits for a payment."));
  all.push_back(number(http, "max_connections", "connections",
                       WELKIN_AT(serve.http.max_connections), 1, 1'000'000,
                       "Open client connections; one more is told 503 and closed."));
  all.push_back(number(http, "max_in_flight", "commands", WELKIN_AT(serve.http.max_in_flight), 1,
                       1'000'000,
                       "Commands and callbacks being worked on; one more is refused with 503."));
  all.push_back(number(http, "request_deadline_ms", "ms", WELKIN_AT(serve.http.request_deadline_ms),
                       100, 600'000, "How long a client may take to send one whole request."));
  all.push_back(number(http, "idle_timeout_ms", "ms", WELKIN_AT(serve.http.idle_timeout_ms), 100,
                       day_ms, "How long an idle connection is kept for its next request."));
}

void add_runtime(std::vector<KeySpec>& all) {
  constexpr std::int64_t day_ms = 86'400'000;
  const auto runtime = Section::runtime;
  all.push_back(
      number(runtime, "shards", "shards", WELKIN_AT(serve.runtime.shards), 1, 65'536,
             "Shards the payments are spread over. Fixed when a journal is created: another "
             "number later is refused at start."));
  all.push_back(number(runtime, "worker_threads", "threads",
                       WELKIN_AT(serve.runtime.worker_threads), 0, 1'024,
                       "Threads that run the actors.", "0, one a core"));
  all.push_back(number(runtime, "passivate_after_ms", "ms",
                       WELKIN_AT(serve.runtime.passivate_after_ms), 100, day_ms,
                       "How long a payment may be idle before it leaves memory."));
  all.push_back(number(runtime, "active_limit", "payments", WELKIN_AT(serve.runtime.active_limit),
                       100, 100'000'000,
                       "Payments kept in memory; above it the idlest leave early."));
  all.push_back(number(runtime, "snapshot_every_events", "events",
                       WELKIN_AT(serve.runtime.snapshot_every_events), 2, 1'000'000,
                       "Events of one payment after which its state is kept as a snapshot."));
  all.push_back(number(runtime, "command_timeout_ms", "ms",
                       WELKIN_AT(serve.runtime.command_timeout_ms), 10, 600'000,
                       "How long a request waits for the runtime before it gets a 503."));
  all.push_back(number(runtime, "max_queued_appends", "appends",
                       WELKIN_AT(serve.runtime.max_queued_appends), 1, 10'000'000,
                       "Appends that may wait for the journal; one more is refused with 503."));
  all.push_back(plain(Section::log, "level", "word", WELKIN_AT(serve.log.level),
                      "Least severe messages to log.", Check::one_of,
                      "trace|debug|info|warn|error|off"));
  all.push_back(plain(Section::log, "format", "word", WELKIN_AT(serve.log.format),
                      "Lines for people or one JSON object a line.", Check::one_of, "text|json"));
  all.push_back(default_words(secret(plain(Section::operators, "key_sha256", "64 hex digits",
                                           WELKIN_AT(serve.operators.key_sha256),
                                           "SHA-256 of the operators' bearer key.", Check::sha256)),
                              "none: the operators' routes answer nobody"));
}

void add_merchant(std::vector<KeySpec>& all) {
  all.push_back(
      of_merchant("id", "text", WELKIN_MERCHANT(id),
                  "The merchant's name in ids and accounts; never changed. Letters, digits, "
                  "`_`, `-` and `.`, at most 64.",
                  Check::identifier, true, false));
  all.push_back(of_merchant("name", "text", WELKIN_MERCHANT(name), "A name for people.",
                            Check::none, false, false));
  all.push_back(
      of_merchant("api_key_sha256", "list of 64 hex digits", WELKIN_MERCHANT(api_key_sha256),
                  "SHA-256 of each API key the merchant may use: two while one is replaced. "
                  "`printf %s KEY | sha256sum` prints it.",
                  Check::sha256, false, false));
  all.back().default_words = "none; one of the two kinds of key is required";
  all.push_back(of_merchant("api_key", "text", WELKIN_MERCHANT(api_key),
                            "An API key in plain. Refused unless `allow_plain_test_keys` is true.",
                            Check::none, false, true));
}

void add_sandbox(std::vector<KeySpec>& all) {
  const auto sandbox = Section::sandbox;
  all.push_back(required(plain(sandbox, "base_url", "URL", WELKIN_AT(sandbox.base_url),
                               "Where `welkin sandbox` listens.", Check::http_url)));
  all.push_back(default_words(
      secret(plain(sandbox, "secret", "text", WELKIN_AT(sandbox.secret),
                   "The secret that signs requests and callbacks, shared with the channel.")),
      "none; this or `secret_file` is required"));
  all.push_back(plain(sandbox, "secret_file", "path", WELKIN_AT(sandbox.secret_file),
                      "A file whose first line is the secret."));
  all.push_back(default_words(
      plain(
          sandbox, "notify_url", "URL", WELKIN_AT(sandbox.notify_url),
          "Where the channel sends its callbacks: this server's `/channels/sandbox/notify` as the "
          "channel reaches it.",
          Check::http_url),
      "none: where the channel was told at its start"));
  all.push_back(
      number(sandbox, "timeout_ms", "ms", WELKIN_AT(sandbox.timeout_ms), 10, 14'000,
             "How long one call may take; after that its outcome is unknown and is queried. "
             "Below the 15 s after which an unanswered call is asked about."));
  all.push_back(number(sandbox, "max_in_flight", "calls", WELKIN_AT(sandbox.max_in_flight), 1,
                       100'000, "Calls under way at one time; one more is refused at once."));
}

#undef WELKIN_AT
#undef WELKIN_MERCHANT

}  // namespace

const std::vector<SectionSpec>& sections() {
  static const std::vector<SectionSpec> all = {
      {Section::top, "Top of the file", "", "Before the first section."},
      {Section::store, "[store]", "store", "The journal."},
      {Section::http, "[http]", "http", "The gateway."},
      {Section::runtime, "[runtime]", "runtime", "The actors."},
      {Section::log, "[log]", "log", "Log lines, written to standard output."},
      {Section::operators, "[operator]", "operator", "Who may use the operators' routes."},
      {Section::merchant, "[[merchant]]", "merchant",
       "One section a merchant. In the environment merchants are counted from 1 in the file's "
       "order: "
       "`WELKIN_MERCHANT_1_ID`; the number after the last one adds a merchant, and a list is "
       "separated "
       "by commas."},
      {Section::account, "[[channel.account]]", "channel.account",
       "One section an account at a channel. Payments name the channel it serves; callbacks come "
       "to "
       "`/channels/NAME/notify`. Several accounts may serve one channel: the lowest priority that "
       "works is asked first. Keys and certificates are files, checked at start. Accounts are "
       "counted in the environment as merchants are."},
      {Section::sandbox, "[channel.sandbox]", "channel.sandbox",
       "The short form of an account named `sandbox`, of the kind `sandbox`. It is there when this "
       "section is, or any of its environment variables."},
  };
  return all;
}

const std::vector<KeySpec>& keys() {
  static const std::vector<KeySpec> all = [] {
    std::vector<KeySpec> rows;
    add_store_and_http(rows);
    add_runtime(rows);
    add_merchant(rows);
    add_accounts(rows);
    add_sandbox(rows);
    return rows;
  }();
  return all;
}

namespace {

std::string_view path_of(Section section) {
  return sections()[static_cast<std::size_t>(section)].path;
}

}  // namespace

bool is_list(Section section) {
  return section == Section::merchant || section == Section::account;
}

bool is_of_kind(const KeySpec& key, std::string_view kind) {
  std::string_view left = key.kinds;
  while (!left.empty()) {
    const std::string_view one = left.substr(0, left.find('|'));
    if (one == kind) return true;
    left.remove_prefix(std::min(left.size(), one.size() + 1));
  }
  return key.kinds.empty();
}

std::string full_name(const KeySpec& key) {
  const std::string_view path = path_of(key.section);
  return path.empty() ? std::string(key.name) : std::string(path) + "." + std::string(key.name);
}

std::string environment_name(const KeySpec& key) {
  const std::string_view path = path_of(key.section);
  std::string name = "WELKIN_";
  if (!path.empty()) name += std::string(path) + "_";
  if (is_list(key.section)) name += "N_";
  name += key.name;
  for (char& c : name) c = c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

}  // namespace welkin::config_keys
