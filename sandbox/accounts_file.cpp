// The configuration of the merchant's side, as `welkin serve` reads it; see test_keys.hpp.
#include "sandbox/test_keys.hpp"

namespace welkin::sandbox {
namespace {

// A text as TOML writes it.
std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out + "\"";
}

std::string name_of(const AccountsFile& file, std::string_view channel) {
  return std::string(channel) + (file.route.empty() ? "" : "_" + file.route);
}

class AccountWriter {
 public:
  AccountWriter(const AccountsFile& file, std::string& out) : file_(file), out_(out) {}

  void begin(const std::string& kind) {
    out_ += "\n[[channel.account]]\n";
    text("name", name_of(file_, kind));
    text("kind", kind);
    text("serves", kind);
    out_ += "priority = " + std::to_string(file_.priority) + "\n";
  }
  void text(std::string_view key, std::string_view value) {
    out_ += std::string(key) + " = " + toml_text(value) + "\n";
  }
  void path(std::string_view key, std::string_view file) { text(key, path_of(file)); }
  void paths(std::string_view key, std::string_view file) {
    out_ += std::string(key) + " = [" + toml_text(path_of(file)) + "]\n";
  }

 private:
  std::string path_of(std::string_view file) const {
    return file_.keys_folder + "/" + std::string(file);
  }

  const AccountsFile& file_;
  std::string& out_;
};

}  // namespace

std::string notify_url_of(const AccountsFile& file, std::string_view channel) {
  return file.gateway_url + "/channels/" + name_of(file, channel) + "/notify";
}

std::string accounts_toml(const AccountsFile& file) {
  std::string out =
      "# Written by `welkin sandbox`, for tests only: accounts at that sandbox, with keys that "
      "open\n"
      "# nothing else. It writes the file anew each time it starts.\n";
  AccountWriter account(file, out);
  if (file.own_secret_is_of_the_keys) {
    account.begin("sandbox");
    account.text("base_url", file.sandbox_url);
    account.text("notify_url", notify_url_of(file, "sandbox"));
    account.path("secret_file", "sandbox_secret.test.txt");
  }
  account.begin("wechat_pay");
  account.text("base_url", file.sandbox_url + "/wechat_pay");
  account.text("notify_url", notify_url_of(file, "wechat_pay"));
  account.text("app_id", wechat_app_id);
  account.text("merchant_id", wechat_merchant_id);
  account.path("api_v3_key_file", "wechat_api_v3_key.test.txt");
  account.path("private_key_file", "wechat_merchant_key.test.pem");
  account.path("certificate_file", "wechat_merchant_certificate.test.pem");
  account.paths("platform_certificate_files", "wechat_platform_certificate.test.pem");

  account.begin("alipay");
  account.text("base_url", file.sandbox_url + "/alipay");
  account.text("notify_url", notify_url_of(file, "alipay"));
  account.text("app_id", alipay_app_id);
  account.text("seller_id", alipay_seller_id);
  account.path("private_key_file", "alipay_app_key.test.pem");
  account.paths("public_key_files", "alipay_public_key.test.pem");

  account.begin("union_pay");
  account.text("base_url", file.sandbox_url + "/union_pay");
  account.text("notify_url", notify_url_of(file, "union_pay"));
  account.text("merchant_id", union_pay_merchant_id);
  account.path("private_key_file", "union_pay_merchant_key.test.pem");
  account.path("certificate_file", "union_pay_merchant_certificate.test.pem");
  account.path("middle_certificate_file", "union_pay_middle_certificate.test.pem");
  account.path("root_certificate_file", "union_pay_root_certificate.test.pem");
  out += "test_environment = true\n";

  account.begin("stripe");
  account.text("base_url", file.sandbox_url + "/stripe");
  account.path("secret_key_file", "stripe_secret_key.test.txt");
  account.paths("webhook_secret_files", "stripe_webhook_secret.test.txt");
  return out;
}

}  // namespace welkin::sandbox
