// Accounts from the configuration: each kind opens with good files, and whatever is wrong with a
// key or a certificate stops the start with its place, its key and its file.
#include "app/channel_accounts.hpp"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>

#include "sandbox/test_issuer.hpp"
#include "tests/support/channel_calls.hpp"

using namespace welkin;
using Catch::Contains;
using Catch::StartsWith;

namespace {

std::string key_file(const std::string& name) {
  return WELKIN_SOURCE_DIR "/tests/vectors/keys/" + name + ".TESTONLY.pem";
}

// A folder of this test's own, with the secrets that have no file among the vectors.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "welkin-accounts-XXXXXX");
    REQUIRE(mkdtemp(pattern.data()));
    path_ = pattern;
    write("api_v3_key", "0123456789abcdef0123456789ABCDEF\n");
    write("short_key", "0123\n");
    write("empty", "\nsecond line\n");
    write("stripe_key", "sk_test_TESTONLY0123456789\r\n");
    write("webhook", "whsec_TESTONLY0123456789abcdefghijklmnop\n");
    write("secret", "of the sandbox\n");
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name)) << text;
  }

 private:
  std::string path_;
};

std::string line(const std::string& key, const std::string& value) {
  return key + " = \"" + value + "\"\n";
}
std::string list(const std::string& key, const std::string& value) {
  return key + " = [\"" + value + "\"]\n";
}

std::string wechat(const Folder& folder) {
  return "[[channel.account]]\n" + line("name", "w") + line("kind", "wechat_pay") +
         line("app_id", "wx0000000000000001") + line("merchant_id", "1900000109") +
         line("notify_url", "https://pay.example.com/channels/w/notify") +
         line("api_v3_key_file", folder.file("api_v3_key")) +
         line("private_key_file", key_file("wechat_merchant_key")) +
         line("certificate_file", key_file("wechat_merchant_cert")) +
         list("platform_certificate_files", key_file("wechat_platform_cert"));
}
std::string alipay() {
  return "[[channel.account]]\n" + line("name", "a") + line("kind", "alipay") +
         line("app_id", "2021000000000001") + line("seller_id", "2088000000000999") +
         line("notify_url", "https://pay.example.com/channels/a/notify") +
         line("private_key_file", key_file("alipay_app_key")) +
         list("public_key_files", key_file("alipay_platform_pub"));
}
std::string alipay_with_certificates() {
  return "[[channel.account]]\n" + line("name", "a") + line("kind", "alipay") +
         line("app_id", "2021000000000001") + line("seller_id", "2088000000000999") +
         line("notify_url", "https://pay.example.com/channels/a/notify") +
         line("private_key_file", key_file("alipay_app_key")) +
         line("certificate_file", key_file("alipay_app_cert")) +
         list("platform_certificate_files", key_file("alipay_platform_cert")) +
         line("root_certificate_file", key_file("alipay_root_cert"));
}
std::string union_pay() {
  return "[[channel.account]]\n" + line("name", "u") + line("kind", "union_pay") +
         line("merchant_id", "777290058110048") + "test_environment = true\n" +
         line("notify_url", "https://pay.example.com/channels/u/notify") +
         line("private_key_file", key_file("unionpay_merchant_key")) +
         line("certificate_file", key_file("unionpay_merchant_cert")) +
         line("middle_certificate_file", key_file("unionpay_middle_cert")) +
         line("root_certificate_file", key_file("unionpay_root_cert"));
}
std::string stripe(const Folder& folder) {
  return "[[channel.account]]\n" + line("name", "s") + line("kind", "stripe") +
         line("secret_key_file", folder.file("stripe_key")) +
         list("webhook_secret_files", folder.file("webhook"));
}
std::string own_protocol(const Folder& folder) {
  return "[[channel.account]]\n" + line("name", "x") + line("kind", "sandbox") +
         line("base_url", "http://127.0.0.1:8601") + line("secret_file", folder.file("secret"));
}

OpenedAccounts opened(const std::string& toml, UnixUs now_us = vectors_now_us) {
  const auto config = parse_config(toml, "w.toml", {});
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&config))
    for (const ConfigError& error : *errors) UNSCOPED_INFO(error.text());
  REQUIRE(std::holds_alternative<ServeConfig>(config));
  return open_accounts(std::get<ServeConfig>(config), now_us);
}

std::string bad(const std::string& toml, UnixUs now_us = vectors_now_us) {
  const auto result = opened(toml, now_us);
  REQUIRE(std::holds_alternative<std::vector<ConfigError>>(result));
  std::string text;
  for (const ConfigError& error : std::get<std::vector<ConfigError>>(result))
    text += error.text() + "\n";
  return text;
}

std::string read(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// `toml` with what stands behind a key replaced.
std::string with(std::string toml, const std::string& key, const std::string& value) {
  const std::size_t at = toml.find("\n" + key + " = ") + 1;
  REQUIRE(at != 0);
  return toml.replace(at, toml.find('\n', at) - at, key + " = " + value);
}
std::string with_file(const std::string& toml, const std::string& key, const std::string& file) {
  return with(toml, key, "\"" + file + "\"");
}

}  // namespace

TEST_CASE("an account of each kind opens with its files") {
  const Folder folder;
  auto result =
      opened(wechat(folder) + alipay() + union_pay() + stripe(folder) + own_protocol(folder));
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&result))
    for (const ConfigError& error : *errors) UNSCOPED_INFO(error.text());
  REQUIRE(std::holds_alternative<std::vector<OpenedAccount>>(result));
  std::string kinds;
  for (const OpenedAccount& account : std::get<std::vector<OpenedAccount>>(result)) {
    kinds += std::string(account.format->kind()) + " ";
    CHECK(account.breaker.window_ms == 20'000);
  }
  CHECK(kinds == "wechat_pay alipay union_pay stripe sandbox ");
}

TEST_CASE("a channel's own address is known, and another one is taken") {
  const Folder folder;
  auto result = opened(stripe(folder));
  CHECK(std::get<0>(result)[0].format->base_url() == "https://api.stripe.com");
  result = opened(stripe(folder) + line("base_url", "http://127.0.0.1:9/stripe/"));
  CHECK(std::get<0>(result)[0].format->base_url() == "http://127.0.0.1:9/stripe");
}

TEST_CASE("a file that cannot be read is named, with the line and the key") {
  const Folder folder;
  CHECK_THAT(bad(with_file(wechat(folder), "private_key_file", "/nowhere/key.pem")),
             Contains("w.toml:8: channel.account.private_key_file names a file that cannot be "
                      "read: /nowhere/key.pem (account w)"));
  CHECK_THAT(bad(with_file(stripe(folder), "secret_key_file", folder.file("empty"))),
             Contains("channel.account.secret_key_file names a file whose first line is empty: " +
                      folder.file("empty")));
  CHECK_THAT(bad(stripe(folder) + line("ca_file", "/nowhere/ca.pem")),
             Contains("channel.account.ca_file names a file that cannot be read"));
}

TEST_CASE("a key that is missing, too short, of another sort or another's stops the start") {
  const Folder folder;
  const std::string good = wechat(folder);
  CHECK_THAT(bad(with_file(good, "private_key_file", key_file("rsa_1024"))),
             Contains("w.toml:8: channel.account.private_key_file is not good") &&
                 Contains("wrong_size") && Contains("File: " + key_file("rsa_1024")));
  CHECK_THAT(bad(with_file(good, "private_key_file", key_file("ec_p256"))), Contains("not_rsa"));
  CHECK_THAT(bad(with_file(good, "private_key_file", "")),
             Contains("channel.account.private_key_file is not good") && Contains("missing"));
  CHECK_THAT(bad(with_file(good, "certificate_file", key_file("wechat_platform_cert"))),
             Contains("w.toml:9: channel.account.certificate_file") && Contains("other_key"));
  CHECK_THAT(bad(with_file(good, "api_v3_key_file", folder.file("short_key"))),
             Contains("channel.account.api_v3_key_file") && Contains("32 characters"));
  CHECK_THAT(bad(with(good, "platform_certificate_files",
                      "[\"" + key_file("wechat_platform_cert") + "\", \"" +
                          key_file("wechat_merchant_cert") + "\"]")),
             Contains("channel.account.platform_certificate_files") &&
                 Contains("File: " + key_file("wechat_merchant_cert")));
  CHECK_THAT(bad(with(alipay(), "public_key_files", "[\"" + key_file("alipay_app_pub") + "\"]")),
             Contains("channel.account.public_key_files") && Contains("own key, not Alipay's"));
  CHECK_THAT(bad(with_file(union_pay(), "root_certificate_file", key_file("wechat_merchant_key"))),
             Contains("channel.account.root_certificate_file"));
  CHECK_THAT(bad(with_file(stripe(folder), "secret_key_file", folder.file("webhook"))),
             Contains("channel.account.secret_key_file") && Contains("sk_live_"));
}

TEST_CASE("keys too short to sign with stop the start at every channel that signs with RSA") {
  const Folder folder;
  folder.write("short_pub", sandbox::public_key_of(read(key_file("rsa_1024"))));
  CHECK_THAT(bad(with_file(alipay(), "private_key_file", key_file("rsa_1024"))),
             Contains("w.toml:7: channel.account.private_key_file is not good") &&
                 Contains("wrong_size") && Contains("File: " + key_file("rsa_1024")));
  CHECK_THAT(bad(with(alipay(), "public_key_files", "[\"" + folder.file("short_pub") + "\"]")),
             Contains("w.toml:8: channel.account.public_key_files is not good") &&
                 Contains("wrong_size") && Contains("File: " + folder.file("short_pub")));
  CHECK_THAT(bad(with_file(union_pay(), "private_key_file", key_file("rsa_1024"))),
             Contains("w.toml:7: channel.account.private_key_file is not good") &&
                 Contains("wrong_size") && Contains("File: " + key_file("rsa_1024")));
  folder.write("short_cert", sandbox::issue_certificate({"short"}, read(key_file("rsa_1024")),
                                                        read(key_file("unionpay_middle_key")),
                                                        read(key_file("unionpay_middle_cert"))));
  CHECK_THAT(bad(with_file(union_pay(), "certificate_file", folder.file("short_cert"))),
             Contains("w.toml:8: channel.account.certificate_file is not good") &&
                 Contains("wrong_size") && Contains("File: " + folder.file("short_cert")));
}

TEST_CASE("a certificate of the channel's that has run out stops the start") {
  const Folder folder;
  // What is issued here is good for ten years, the vectors to the end of the century.
  const UnixUs this_year_us = std::int64_t{std::time(nullptr)} * us_per_s;
  const UnixUs in_twenty_years_us = this_year_us + std::int64_t{20} * 365 * 86'400 * us_per_s;
  const std::string accounts = wechat(folder) + alipay_with_certificates() + union_pay();
  REQUIRE(std::holds_alternative<std::vector<OpenedAccount>>(opened(accounts, in_twenty_years_us)));
  struct Case {
    std::string toml;
    std::string key;
    int line;
    std::string name;    // of the vectors' key whose certificate it is
    std::string issuer;  // none: its own
    bool authority = false;
  };
  for (const Case& one :
       {Case{wechat(folder), "platform_certificate_files", 10, "wechat_platform"},
        Case{alipay_with_certificates(), "certificate_file", 8, "alipay_app", "alipay_root"},
        Case{alipay_with_certificates(), "platform_certificate_files", 9, "alipay_platform",
             "alipay_root"},
        Case{alipay_with_certificates(), "root_certificate_file", 10, "alipay_root", "", true},
        Case{union_pay(), "middle_certificate_file", 9, "unionpay_middle", "unionpay_root", true},
        Case{union_pay(), "root_certificate_file", 10, "unionpay_root", "", true}}) {
    CAPTURE(one.key, one.name);
    const auto vector = [](const std::string& name, const char* what) {
      return name.empty() ? std::string() : read(key_file(name + what));
    };
    sandbox::CertificateOrder order{one.name};
    order.authority = one.authority;
    folder.write(one.name, sandbox::issue_certificate(order, vector(one.name, "_key"),
                                                      vector(one.issuer, "_key"),
                                                      vector(one.issuer, "_cert")));
    const std::string file = folder.file(one.name);
    const std::string value = one.key.back() == 's' ? "[\"" + file + "\"]" : "\"" + file + "\"";
    const std::string toml = with(one.toml, one.key, value);
    // Another root vouches for nobody, so such an account is good at no time.
    if (one.key != "root_certificate_file")
      CHECK(std::holds_alternative<std::vector<OpenedAccount>>(opened(toml, this_year_us)));
    const std::string text = bad(toml, in_twenty_years_us);
    CHECK_THAT(text, StartsWith("w.toml:" + std::to_string(one.line) + ": channel.account." +
                                one.key + " is not good"));
    CHECK_THAT(text, Contains("expired"));
    CHECK_THAT(text, Contains("File: " + file));
  }
}

TEST_CASE("a certificate that has run out stops the start") {
  const Folder folder;
  constexpr UnixUs in_2100_us = 4'102'444'800 * us_per_s;
  CHECK_THAT(bad(wechat(folder), in_2100_us), Contains("channel.account.certificate_file") &&
                                                  Contains("expired") &&
                                                  Contains(key_file("wechat_merchant_cert")));
  CHECK_THAT(bad(union_pay(), in_2100_us),
             Contains("channel.account.certificate_file") && Contains("expired"));
}

TEST_CASE("what is missing is named by its key, for all accounts at once") {
  const Folder folder;
  const std::string text = bad(with(wechat(folder), "notify_url", "\"https://h/notify?a=1\"") +
                               with(alipay(), "seller_id", "\"2088\"") + "[[channel.account]]\n" +
                               line("name", "y") + line("kind", "sandbox") + line("secret", "s"));
  CHECK_THAT(text, Contains("w.toml:6: channel.account.notify_url") && Contains("(account w)"));
  CHECK_THAT(text, Contains("channel.account.seller_id") && Contains("(account a)"));
  CHECK_THAT(text, Contains("channel.account.base_url is required"));
}

namespace {

// The keys that are told, of each account in the order of telling.
std::vector<std::string> keys_told(const std::string& toml) {
  const auto result = opened(toml);
  REQUIRE(std::holds_alternative<std::vector<ConfigError>>(result));
  std::vector<std::string> keys;
  for (const ConfigError& error : std::get<std::vector<ConfigError>>(result)) {
    UNSCOPED_INFO(error.text());
    keys.push_back(error.key.substr(std::string("channel.account.").size()));
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}
using Keys = std::vector<std::string>;

// Each key with another file or value than the good one; "open_ms" beside them, of the breaker.
std::string bent(std::string toml, const std::map<std::string, std::string>& values) {
  for (const auto& [key, value] : values) toml = with(toml, key, value);
  return toml + "open_ms = 5000\nmax_open_ms = 4000\nca_file = \"/nowhere/ca.pem\"\n";
}

}  // namespace

TEST_CASE("all that is wrong with an account is told at once, of every kind") {
  const Folder folder;
  const std::string rsa_1024 = "\"" + key_file("rsa_1024") + "\"";
  const std::string no_key = "\"" + folder.file("webhook") + "\"";
  CHECK(keys_told(bent(wechat(folder), {{"app_id", "\"\""},
                                        {"merchant_id", "\"x\""},
                                        {"notify_url", "\"https://h/?a=1\""},
                                        {"api_v3_key_file", no_key},
                                        {"private_key_file", rsa_1024},
                                        {"certificate_file", no_key},
                                        {"platform_certificate_files", "[" + no_key + "]"}})) ==
        Keys{"api_v3_key_file", "app_id", "ca_file", "certificate_file", "max_open_ms",
             "merchant_id", "notify_url", "platform_certificate_files", "private_key_file"});
  CHECK(keys_told(bent(alipay(), {{"app_id", "\"\""},
                                  {"seller_id", "\"x\""},
                                  {"private_key_file", rsa_1024},
                                  {"public_key_files", "[" + no_key + "]"}})) ==
        Keys{"app_id", "ca_file", "max_open_ms", "private_key_file", "public_key_files",
             "seller_id"});
  CHECK(keys_told(bent(
            alipay_with_certificates(),
            {{"certificate_file", no_key}, {"platform_certificate_files", "[" + no_key + "]"}})) ==
        Keys{"ca_file", "certificate_file", "max_open_ms", "platform_certificate_files"});
  CHECK(keys_told(bent(union_pay(), {{"merchant_id", "\"x\""},
                                     {"private_key_file", rsa_1024},
                                     {"certificate_file", no_key},
                                     {"middle_certificate_file", no_key},
                                     {"root_certificate_file", no_key}})) ==
        Keys{"ca_file", "certificate_file", "max_open_ms", "merchant_id", "middle_certificate_file",
             "private_key_file", "root_certificate_file"});
  CHECK(keys_told(bent(stripe(folder) + line("api_version", "a b"),
                       {{"secret_key_file", no_key},
                        {"webhook_secret_files", "[\"" + folder.file("stripe_key") + "\"]"}})) ==
        Keys{"api_version", "ca_file", "max_open_ms", "secret_key_file", "webhook_secret_files"});
  CHECK(keys_told(bent("[[channel.account]]\n" + line("name", "x") + line("kind", "sandbox"),
                       {})) == Keys{"base_url", "ca_file", "max_open_ms", "secret"});
}

TEST_CASE("a file that cannot be read is told once, and hides nothing else") {
  const Folder folder;
  const std::string nowhere = "\"/nowhere/at/all\"";
  CHECK(keys_told(with(with(wechat(folder), "private_key_file", nowhere), "app_id", "\"\"")) ==
        Keys{"app_id", "private_key_file"});
  CHECK(keys_told(with(with(union_pay(), "private_key_file", nowhere), "certificate_file",
                       nowhere)) == Keys{"certificate_file", "private_key_file"});
  CHECK(keys_told(with(with(with(alipay_with_certificates(), "certificate_file", nowhere),
                            "platform_certificate_files", "[" + nowhere + "]"),
                       "root_certificate_file", nowhere)) ==
        Keys{"certificate_file", "platform_certificate_files", "root_certificate_file"});
  CHECK(keys_told("[[channel.account]]\n" + line("name", "u") + line("kind", "union_pay") +
                  line("merchant_id", "777290058110048") +
                  line("notify_url", "https://pay.example.com/channels/u/notify") +
                  line("pfx_file", key_file("unionpay_merchant_key")) +
                  line("pfx_password_file", "/nowhere/at/all") +
                  line("middle_certificate_file", key_file("unionpay_middle_cert")) +
                  line("root_certificate_file", key_file("unionpay_root_cert"))) ==
        Keys{"pfx_password_file"});
}

TEST_CASE("what was told of an account's key before is not told again") {
  const auto config = read_config(
      {}, {{"WELKIN_CHANNEL_ACCOUNT_1_NAME", "x"}, {"WELKIN_CHANNEL_ACCOUNT_1_KIND", "bitcoin"}});
  REQUIRE(config.errors.size() == 1);
  CHECK(std::holds_alternative<std::vector<OpenedAccount>>(
      open_accounts(config.config, vectors_now_us, config.errors)));
  const ConfigError told{"w.toml:1", "channel.account.base_url", "is wrong"};
  ServeConfig own;
  ChannelAccountSection account;
  account.name = account.kind = "sandbox";
  account.where = "w.toml:1";
  account.secret = "s";
  own.accounts.push_back(account);
  CHECK(std::get<1>(open_accounts(own, vectors_now_us)).size() == 1);
  CHECK(std::get<0>(open_accounts(own, vectors_now_us, {told})).empty());
}

TEST_CASE("a file of authorities without a certificate stops the start") {
  const Folder folder;
  CHECK_THAT(bad(stripe(folder) + line("ca_file", folder.file("webhook"))),
             Contains("channel.account.ca_file names a file without a certificate in PEM"));
}

TEST_CASE("WeChat's keys come from files or are fetched, and from somewhere they must come") {
  const Folder folder;
  const std::string bare = with(wechat(folder), "platform_certificate_files", "[]");
  const SigningContext context{vectors_now_us, "nonce"};
  const auto fetches = [&](const std::string& toml) {
    auto result = opened(toml);
    return std::get<0>(result)[0].format->encode_upkeep(context).has_value();
  };
  CHECK(fetches(bare));
  CHECK_FALSE(fetches(wechat(folder)));
  CHECK(fetches(wechat(folder) + line("certificate_download", "on")));
  CHECK_THAT(bad(bare + line("certificate_download", "off")),
             Contains("channel.account.certificate_download is off"));
  const std::string key = list("public_key_files", key_file("wechat_platform_pub"));
  CHECK_FALSE(fetches(bare + key + list("public_key_ids", "PUB_KEY_ID_01")));
  CHECK_THAT(bad(bare + key), Contains("channel.account.public_key_ids must name as many"));
  CHECK_THAT(bad(bare + key + list("public_key_ids", "01")),
             Contains("channel.account.public_key_ids is not good"));
}

TEST_CASE("a breaker that could not work is refused by its key") {
  const Folder folder;
  auto result = opened(stripe(folder) + line("window", "7s") + "minimum_calls = 3\n");
  REQUIRE(std::holds_alternative<std::vector<OpenedAccount>>(result));
  CHECK(std::get<0>(result)[0].breaker.window_ms == 7'000);
  CHECK(std::get<0>(result)[0].breaker.minimum_calls == 3);
  result = opened(stripe(folder) + line("window", "50"));
  CHECK(std::get<0>(result)[0].breaker.window == WindowKind::calls);
  CHECK(std::get<0>(result)[0].breaker.window_calls == 50);
  for (const char* window : {"", "s", "20m", "-5s", "0", "20s "})
    CHECK_THAT(bad(stripe(folder) + line("window", window)),
               Contains("channel.account.window must be"));
  CHECK_THAT(bad(stripe(folder) + line("window", "999999s")), Contains("channel.account.window"));
  CHECK_THAT(bad(stripe(folder) + "open_ms = 5000\nmax_open_ms = 4000\n"),
             Contains("channel.account.max_open_ms must be"));
}
