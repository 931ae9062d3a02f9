#include <catch2/catch.hpp>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "app/config.hpp"
#include "app/config_keys.hpp"
#include "protocol/ids.hpp"

using namespace welkin;
using Catch::Contains;

namespace {

const std::string some_hash(64, 'a');
const std::string other_hash(64, 'b');

ServeConfig good(const std::string& toml, const Environment& environment = {}) {
  auto result = parse_config(toml, "w.toml", environment);
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&result))
    for (const ConfigError& error : *errors) UNSCOPED_INFO(error.text());
  REQUIRE(std::holds_alternative<ServeConfig>(result));
  return std::get<ServeConfig>(result);
}

// All errors, a line each.
std::string bad(const std::string& toml, const Environment& environment = {}) {
  const auto result = parse_config(toml, "w.toml", environment);
  REQUIRE(std::holds_alternative<std::vector<ConfigError>>(result));
  std::string text;
  for (const ConfigError& error : std::get<std::vector<ConfigError>>(result))
    text += error.text() + "\n";
  return text;
}

}  // namespace

TEST_CASE("an empty file is a good configuration with the documented defaults") {
  const ServeConfig config = good("");
  CHECK(config.store.url == "sqlite:./journal");
  CHECK(config.http.port == 8080);
  CHECK(config.http.body_limit_bytes == 65'536);
  CHECK(config.runtime.shards == 256);
  CHECK_FALSE(config.sandbox);
  CHECK(config.merchants.empty());
}

TEST_CASE("every section is read") {
  const ServeConfig config = good(R"(
allow_plain_test_keys = true
[store]
url = "postgresql://w@localhost/journal"
[http]
port = 0
[log]
format = "json"
[operator]
key_sha256 = ")" + some_hash + R"("
[[merchant]]
id = "m_1"
name = "Tea house"
api_key_sha256 = [")" + other_hash +
                                  R"("]
[[merchant]]
id = "m_2"
api_key = "test_key"
[channel.sandbox]
base_url = "http://127.0.0.1:8081/"
secret = "s3cret"
timeout_ms = 700
)");
  CHECK(config.store.url == "postgresql://w@localhost/journal");
  CHECK(config.http.port == 0);
  CHECK(config.log.format == "json");
  CHECK(config.operators.key_sha256 == some_hash);
  REQUIRE(config.merchants.size() == 2);
  CHECK(config.merchants[0].name == "Tea house");
  CHECK(config.merchants[1].api_key_sha256 == std::vector<std::string>{sha256_hex("test_key")});
  REQUIRE(config.sandbox);
  CHECK(config.sandbox->base_url == "http://127.0.0.1:8081");
  CHECK(config.sandbox->timeout_ms == 700);
}

TEST_CASE("unknown keys and sections are refused with file, line and key") {
  CHECK(bad("[http]\nprot = 1\n") ==
        "w.toml:2: http.prot is not a known key; did you mean http.port?\n");
  CHECK(bad("\n\nshards = 1\n") == "w.toml:3: shards is not a known key\n");
  CHECK_THAT(bad("[htp]\nport = 1\n"), Contains("w.toml:1: htp is not a known key"));
  CHECK_THAT(bad("[channel.stripe]\nx = 1\n"), Contains("channel.stripe is not a known channel"));
  CHECK_THAT(bad("[[merchant]]\nid = \"m\"\nkey = \"k\"\n"),
             Contains("w.toml:3: merchant.key is not"));
}

TEST_CASE("bad values are refused with file, line and key, all of them at once") {
  const std::string text =
      bad("[http]\nport = 70000\nworkers = \"many\"\n[log]\nlevel = \"loud\"\n[store]\nurl = "
          "\"mysql://x\"\n"
          "[operator]\nkey_sha256 = \"abc\"\n");
  CHECK_THAT(text, Contains("w.toml:2: http.port must be between 0 and 65535, is 70000"));
  CHECK_THAT(text, Contains("w.toml:3: http.workers must be a whole number"));
  CHECK_THAT(text, Contains("w.toml:5: log.level must be one of trace|debug"));
  CHECK_THAT(text, Contains("w.toml:7: store.url must begin with"));
  CHECK_THAT(text, Contains("w.toml:9: operator.key_sha256 must be 64 hex digits"));
}

TEST_CASE("a file that is not TOML is refused with its line") {
  CHECK_THAT(bad("[http]\nport = \n"), Contains("w.toml:2: "));
}

TEST_CASE("the environment overrides the file, and the file the default") {
  const ServeConfig config = good("[http]\nport = 1000\nworkers = 3\n",
                                  {{"WELKIN_HTTP_PORT", "2000"}, {"WELKIN_LOG_LEVEL", "debug"}});
  CHECK(config.http.port == 2'000);
  CHECK(config.http.workers == 3);
  CHECK(config.log.level == "debug");
}

TEST_CASE("bad and misspelt variables are refused, and the nearest name is told") {
  CHECK(bad("", {{"WELKIN_HTTP_PORT", "80x"}}) ==
        "environment: WELKIN_HTTP_PORT must be a whole number\n");
  struct Row {
    const char* written;
    const char* meant;  // null: nobody knows
  };
  for (const Row& row :
       {Row{"WELKIN_HTTP_PROT", "WELKIN_HTTP_PORT"}, Row{"WELKIN_STOREURL", "WELKIN_STORE_URL"},
        Row{"WELKIN_STOER_URL", "WELKIN_STORE_URL"},
        Row{"WELKIN_ALOW_PLAIN_TEST_KEYS", "WELKIN_ALLOW_PLAIN_TEST_KEYS"},
        Row{"WELKIN_OPERATORS_KEY_SHA256", "WELKIN_OPERATOR_KEY_SHA256"},
        Row{"WELKIN_MERCHANT_2_NMAE", "WELKIN_MERCHANT_2_NAME"},
        Row{"WELKIN_MERCHAND_3_ID", "WELKIN_MERCHANT_3_ID"},
        Row{"WELKIN_CHANNEL_ACCOUNT_12_WIEGHT", "WELKIN_CHANNEL_ACCOUNT_12_WEIGHT"},
        Row{"WELKIN_CHANEL_SANDBOX_SECRET", "WELKIN_CHANNEL_SANDBOX_SECRET"},
        Row{"WELKIN_COLOUR_OF_THE_SKY", nullptr}, Row{"WELKIN_", nullptr}}) {
    const std::string hint =
        row.meant ? "; did you mean " + std::string(row.meant) + "?" : std::string();
    CHECK(bad("", {{row.written, "x"}}) ==
          "environment: " + std::string(row.written) + " is not the name of any key" + hint + "\n");
  }
}

namespace {

// The variables that a file of scripts reads: what stands behind `before`.
void collect_variables(const std::string& file, const std::string& before, Environment& out) {
  std::ifstream in(std::string(WELKIN_SOURCE_DIR "/") + file);
  REQUIRE(in);
  std::stringstream text;
  text << in.rdbuf();
  const std::string all = text.str();
  for (std::size_t at = all.find(before); at != std::string::npos; at = all.find(before, at + 1)) {
    const std::size_t begin = at + before.size() - std::string("WELKIN_").size();
    const std::size_t end = all.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", begin);
    out[all.substr(begin, end - begin)] = "x";
  }
}

}  // namespace

TEST_CASE("the variables of ./dev, of the tests and of Kubernetes are left alone") {
  Environment environment;
  collect_variables("dev", "${WELKIN_", environment);
  collect_variables("dev", "\n  WELKIN_", environment);
  CHECK(environment.size() == 6);
  collect_variables("tests/CMakeLists.txt", "\"WELKIN_", environment);
  collect_variables("tests/CMakeLists.txt", ";WELKIN_", environment);
  collect_variables("tests/conformance/peer.mjs", "process.env.WELKIN_", environment);
  collect_variables("tests/conformance/sandbox.mjs", "process.env.WELKIN_", environment);
  collect_variables("tests/e2e/shop.py", "environ.get(\"WELKIN_", environment);
  CHECK(environment.count("WELKIN_PROGRAM") == 1);
  CHECK(environment.count("WELKIN_TEST_SEED") == 1);
  for (const char* name :
       {"WELKIN_SERVICE_HOST", "WELKIN_SERVICE_PORT", "WELKIN_PORT_8080_TCP",
        "WELKIN_SERVICE_PORT_HTTP", "WELKIN_PORT_8080_TCP_ADDR", "WELKIN_MERCHANT_SERVICE_HOST"})
    environment[name] = "x";
  CHECK(good("", environment).http.port == 8'080);
}

TEST_CASE("merchants can come from the environment, counted on from the file's") {
  const std::string file = "[[merchant]]\nid = \"m_1\"\napi_key_sha256 = [\"" + some_hash + "\"]\n";
  const ServeConfig config = good(file, {{"WELKIN_MERCHANT_1_NAME", "Tea"},
                                         {"WELKIN_MERCHANT_2_ID", "m_2"},
                                         {"WELKIN_MERCHANT_2_API_KEY_SHA256", other_hash}});
  REQUIRE(config.merchants.size() == 2);
  CHECK(config.merchants[0].name == "Tea");
  CHECK(config.merchants[1].id == "m_2");
  CHECK_THAT(bad(file, {{"WELKIN_MERCHANT_3_ID", "m_3"}}), Contains("leaves a gap"));
}

TEST_CASE("a plain API key is refused unless the file says it is for a test") {
  const std::string merchant = "[[merchant]]\nid = \"m_1\"\napi_key = \"hunter2\"\n";
  const std::string text = bad(merchant);
  CHECK_THAT(text, Contains("w.toml:1: merchant.api_key is refused"));
  CHECK_THAT(text, !Contains("hunter2"));
  CHECK(good("allow_plain_test_keys = true\n" + merchant).merchants.size() == 1);
}

TEST_CASE("merchants without a key, with one id or with one key between them are refused") {
  CHECK_THAT(bad("[[merchant]]\nid = \"m_1\"\n"), Contains("merchant.api_key_sha256 is required"));
  const std::string keys = "api_key_sha256 = [\"" + some_hash + "\"]\n";
  const std::string text =
      bad("[[merchant]]\nid = \"m_1\"\n" + keys + "[[merchant]]\nid = \"m_1\"\n" + keys);
  CHECK_THAT(text, Contains("is the id of another merchant too"));
  CHECK_THAT(text, Contains("holds a key that stands elsewhere too"));
  CHECK_THAT(bad("[[merchant]]\nid = \"a/b\"\n" + keys), Contains("w.toml:2: merchant.id must be"));
}

TEST_CASE("a value that was refused is told in no other refusal either") {
  const std::string merchants = bad(R"([[merchant]]
id = "hunter2 x"
[[merchant]]
id = "hunter2 x"
)");
  CHECK_THAT(merchants, Contains("w.toml:2: merchant.id must be"));
  CHECK_THAT(merchants, Contains("w.toml:4: merchant.id must be"));
  CHECK_THAT(merchants, !Contains("hunter2"));
  const std::string accounts = bad(R"([[channel.account]]
name = "hunter2 x"
kind = "hunter2"
pfx_file = "x"
[[channel.account]]
name = "hunter2 x"
kind = "stripe"
)");
  CHECK_THAT(accounts, Contains("w.toml:2: channel.account.name must be"));
  CHECK_THAT(accounts, Contains("w.toml:3: channel.account.kind must be one of"));
  CHECK_THAT(accounts, !Contains("hunter2"));
}

TEST_CASE("the channel's secret comes from exactly one place, and the environment's wins") {
  const std::string head = "[channel.sandbox]\nbase_url = \"http://h\"\n";
  CHECK_THAT(bad(head), Contains("channel.sandbox.secret or secret_file is required"));
  CHECK_THAT(bad(head + "secret = \"a\"\nsecret_file = \"b\"\n"), Contains("exclude each other"));
  CHECK_THAT(bad(head + "secret_file = \"/nowhere/at/all\"\n"), Contains("cannot be read"));
  const Environment environment{{"WELKIN_CHANNEL_SANDBOX_SECRET", "from outside"}};
  CHECK(good(head + "secret_file = \"/nowhere/at/all\"\n", environment).sandbox->secret ==
        "from outside");
  CHECK_THAT(bad("", environment), Contains("environment: channel.sandbox.base_url is required"));
}

TEST_CASE("accounts are read with what is theirs, and serve the channel of their kind by default") {
  const ServeConfig config = good(R"(
[[channel.account]]
name = "wechat_main"
kind = "wechat_pay"
base_url = "https://w/"
merchant_id = "1900000109"
platform_certificate_files = ["a.pem", "b.pem"]
[[channel.account]]
name = "wechat_backup"
kind = "sandbox"
serves = "wechat_pay"
priority = 2
weight = 3
failure_percent = 30
window = "50"
base_url = "http://s"
secret = "x"
[channel.sandbox]
base_url = "http://s"
secret = "y"
)",
                                  {{"WELKIN_CHANNEL_ACCOUNT_2_PRIORITY", "4"},
                                   {"WELKIN_CHANNEL_ACCOUNT_3_NAME", "from_outside"},
                                   {"WELKIN_CHANNEL_ACCOUNT_3_KIND", "stripe"}});
  REQUIRE(config.accounts.size() == 4);
  CHECK(config.accounts[0].serves == "wechat_pay");
  CHECK(config.accounts[0].base_url == "https://w");
  CHECK(config.accounts[0].platform_certificate_files ==
        std::vector<std::string>{"a.pem", "b.pem"});
  CHECK(config.accounts[0].lines.at("merchant_id") == "w.toml:6");
  CHECK(config.accounts[1].serves == "wechat_pay");
  CHECK(config.accounts[1].priority == 4);
  CHECK(config.accounts[1].weight == 3);
  CHECK(config.accounts[1].breaker.failure_percent == 30);
  CHECK(config.accounts[1].breaker.window == "50");
  CHECK(config.accounts[2].name == "from_outside");
  CHECK(config.accounts[2].serves == "stripe");
  CHECK(config.accounts[3].name == "sandbox");
  CHECK(config.accounts[3].secret == "y");
}

TEST_CASE("accounts without a name or kind, of one name, or with another kind's keys are refused") {
  const std::string text = bad(R"([[channel.account]]
name = "a"
kind = "stripe"
pfx_file = "x"
[[channel.account]]
name = "a"
kind = "alipay"
[[channel.account]]
priority = 0
[[channel.account]]
name = "sandbox"
kind = "bitcoin"
surprise = 1
[channel.sandbox]
base_url = "http://s"
secret = "y"
)");
  CHECK_THAT(text, Contains("w.toml:4: channel.account.pfx_file is not a key of the kind stripe"));
  CHECK_THAT(text,
             Contains("w.toml:5: channel.account.name is the name of another account too: a"));
  CHECK_THAT(text, Contains("w.toml:8: channel.account.name is required"));
  CHECK_THAT(text, Contains("w.toml:8: channel.account.kind is required"));
  CHECK_THAT(text, Contains("w.toml:9: channel.account.priority must be between 1 and 1000"));
  CHECK_THAT(text, Contains("w.toml:10: channel.account.name is the name of another account too"));
  CHECK_THAT(text, Contains("w.toml:12: channel.account.kind must be one of"));
  CHECK_THAT(text, Contains("w.toml:13: channel.account.surprise is not a known key"));
  CHECK_THAT(bad("[channel.account]\nname = \"a\"\n"),
             Contains("must be written as [[channel.account]] sections"));
  CHECK_THAT(bad("", {{"WELKIN_CHANNEL_ACCOUNT_2_NAME", "b"}}), Contains("leaves a gap"));
  CHECK_THAT(bad("", {{"WELKIN_CHANNEL_ACCOUNT_1_SURPRISE", "b"}}),
             Contains("is not the name of any key"));
}

TEST_CASE("describing a configuration gives away no secret") {
  const ServeConfig config = good(
      "allow_plain_test_keys = true\n[store]\nurl = "
      "\"postgresql://w:hunter2@h/j?password=hunter3\"\n"
      "[[merchant]]\nid = \"m_1\"\napi_key = \"hunter4\"\n"
      "[channel.sandbox]\nbase_url = \"http://h\"\nsecret = \"hunter5\"\n"
      "[[channel.account]]\nname = \"a\"\nkind = \"sandbox\"\nsecret = \"hunter6\"\n");
  const std::string text = describe_config(config);
  CHECK_THAT(text, !Contains("hunter"));
  CHECK_THAT(text, Contains("store.url = \"postgresql://w:***@h/j?password=***\""));
  CHECK_THAT(text, Contains("channel.sandbox.secret = (set)"));
  CHECK_THAT(text, Contains("account a\n"));
  CHECK_THAT(text, Contains("  secret = (set)"));
}

TEST_CASE("a database's password is not shown, however the URL is spelled") {
  for (const char* url : {"postgresql://w:hunt/er2@h/j", "postgresql://w:hunt?er2@h/j",
                          "postgresql://h/j?sslpassword=hunter2&password=hunter2"}) {
    CAPTURE(url);
    const std::string toml = "[store]\nurl = \"" + std::string(url) + "\"\n";
    CHECK_THAT(describe_config(good(toml)), !Contains("hunt") && !Contains("er2"));
  }
}

TEST_CASE("a configuration that cannot be read or is a folder is refused") {
  for (const char* path : {"/nowhere/welkin.toml", "/"}) {
    const auto result = load_config(path, {});
    REQUIRE(std::holds_alternative<std::vector<ConfigError>>(result));
    CHECK_THAT(std::get<std::vector<ConfigError>>(result)[0].text(), Contains("cannot be read"));
  }
}

TEST_CASE("everything that is wrong is told in one run, whatever else cannot be read") {
  const ReadConfig read =
      read_config({"/nowhere/a.toml", "/nowhere/b.toml"}, {{"WELKIN_HTTP_PORT", "x"},
                                                           {"WELKIN_LOG_LEVL", "info"},
                                                           {"WELKIN_MERCHANT_2_ID", "m 2"},
                                                           {"WELKIN_CHANNEL_SANDBOX_SECRET", "s"}});
  std::set<std::string> told;
  for (const ConfigError& error : read.errors) told.insert(error.where + " " + error.key);
  // That merchant 1 and the sandbox's address are missing may be those files' fault.
  CHECK(told == std::set<std::string>{"/nowhere/a.toml ", "/nowhere/b.toml ",
                                      "environment WELKIN_HTTP_PORT", "environment WELKIN_LOG_LEVL",
                                      "environment WELKIN_MERCHANT_2_ID",
                                      "environment merchant.api_key_sha256"});
  CHECK(read.config.log.level == "info");
}

TEST_CASE("the operators' key is no merchant's") {
  CHECK_THAT(bad("[operator]\nkey_sha256 = \"" + some_hash + "\"\n[[merchant]]\nid = \"m_1\"\n" +
                 "api_key_sha256 = [\"" + some_hash + "\"]\n"),
             Contains("holds a key that stands elsewhere too"));
}

TEST_CASE("several files add up, and a key of which there is one stands in one of them") {
  const std::string merchant =
      "[[merchant]]\nid = \"m_1\"\napi_key_sha256 = [\"" + std::string(64, 'a') + "\"]\n";
  const std::string other =
      "[[merchant]]\nid = \"m_2\"\napi_key_sha256 = [\"" + std::string(64, 'b') + "\"]\n";
  const auto both = parse_config({{"a.toml", "[http]\nport = 1\n" + merchant},
                                  {"b.toml", "[log]\nlevel = \"warn\"\n" + other}},
                                 {});
  REQUIRE(std::holds_alternative<ServeConfig>(both));
  CHECK(std::get<ServeConfig>(both).http.port == 1);
  CHECK(std::get<ServeConfig>(both).log.level == "warn");
  CHECK(std::get<ServeConfig>(both).merchants.size() == 2);
  const auto twice =
      parse_config({{"a.toml", "[http]\nport = 1\n"}, {"b.toml", "\n[http]\nport = 1\n"}}, {});
  REQUIRE(std::holds_alternative<std::vector<ConfigError>>(twice));
  CHECK(std::get<std::vector<ConfigError>>(twice)[0].text() ==
        "b.toml:3: http.port is set in a.toml:2 too");
  const auto broken = parse_config({{"a.toml", merchant}, {"b.toml", "[http\n"}}, {});
  REQUIRE(std::holds_alternative<std::vector<ConfigError>>(broken));
  CHECK_THAT(std::get<std::vector<ConfigError>>(broken)[0].text(), Contains("b.toml:1"));
}

TEST_CASE("no two keys share a name or a variable, and each says what it is for") {
  std::set<std::string> names;
  std::set<std::string> variables;
  for (const config_keys::KeySpec& key : config_keys::keys()) {
    CAPTURE(config_keys::full_name(key));
    CHECK(names.insert(config_keys::full_name(key)).second);
    CHECK(variables.insert(config_keys::environment_name(key)).second);
    CHECK(key.help.size() > 10);
    CHECK_FALSE(key.unit.empty());
    CHECK((key.target != nullptr) + (key.merchant_target != nullptr) +
              (key.account_target != nullptr) ==
          1);
  }
}

TEST_CASE("docs/configuration.md is what --help-config prints") {
  std::ifstream in(WELKIN_SOURCE_DIR "/docs/configuration.md");
  std::stringstream text;
  text << in.rdbuf();
  CHECK(text.str() == config_help());
}
