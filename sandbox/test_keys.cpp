// How the keys are made, kept and found again; see the header.
#include "sandbox/test_keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "sandbox/test_issuer.hpp"

namespace welkin::sandbox {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view readme_name = "README.test.txt";
constexpr std::string_view readme =
    "Keys made by `welkin sandbox` for tests. They open no account anywhere: the merchant's side\n"
    "and the channel's side of each contract lie here together. Delete the folder for new ones.\n";

struct KeyFile {
  std::string_view name;
  std::string TestKeys::*text;
};
// clang-format off
constexpr KeyFile key_files[] = {
    {"sandbox_secret.test.txt",              &TestKeys::sandbox_secret},
    {"wechat_api_v3_key.test.txt",           &TestKeys::wechat_api_v3_key},
    {"wechat_merchant_key.test.pem",         &TestKeys::wechat_merchant_key},
    {"wechat_merchant_certificate.test.pem", &TestKeys::wechat_merchant_certificate},
    {"wechat_platform_key.test.pem",         &TestKeys::wechat_platform_key},
    {"wechat_platform_certificate.test.pem", &TestKeys::wechat_platform_certificate},
    {"alipay_app_key.test.pem",              &TestKeys::alipay_app_key},
    {"alipay_app_certificate.test.pem",      &TestKeys::alipay_app_certificate},
    {"alipay_key.test.pem",                  &TestKeys::alipay_key},
    {"alipay_public_key.test.pem",           &TestKeys::alipay_public_key},
    {"alipay_certificate.test.pem",          &TestKeys::alipay_certificate},
    {"alipay_root_certificate.test.pem",     &TestKeys::alipay_root_certificate},
    {"union_pay_merchant_key.test.pem",         &TestKeys::union_pay_merchant_key},
    {"union_pay_merchant_certificate.test.pem", &TestKeys::union_pay_merchant_certificate},
    {"union_pay_signer_key.test.pem",           &TestKeys::union_pay_signer_key},
    {"union_pay_signer_certificate.test.pem",   &TestKeys::union_pay_signer_certificate},
    {"union_pay_middle_certificate.test.pem",   &TestKeys::union_pay_middle_certificate},
    {"union_pay_root_certificate.test.pem",     &TestKeys::union_pay_root_certificate},
    {"stripe_secret_key.test.txt",           &TestKeys::stripe_secret_key},
    {"stripe_webhook_secret.test.txt",       &TestKeys::stripe_webhook_secret},
};
// clang-format on

Problem fault(const std::string& path, std::string detail) {
  return {ProblemCode::invalid_value, path + ": " + std::move(detail), "/keys"};
}

std::string path_in(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

bool is_pem(std::string_view name) { return name.substr(name.size() - 4) == ".pem"; }

// Only PEM can bear a comment: a secret is the whole of its file's first line.
std::string marked(std::string_view name, const std::string& text) {
  return is_pem(name) ? "Made by `welkin sandbox` for tests only.\n" + text : text + "\n";
}

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in || text.empty()) return std::nullopt;
  return text;
}

std::variant<TestKeys, Problem> load(const std::string& folder) {
  TestKeys keys;
  for (const KeyFile& file : key_files) {
    const std::string path = path_in(folder, file.name);
    auto text = read_text(path);
    if (!text) return fault(path, "The file cannot be read, or is empty.");
    while (!is_pem(file.name) && !text->empty() && text->back() == '\n') text->pop_back();
    keys.*file.text = *std::move(text);
  }
  return keys;
}

std::optional<Problem> write_all(const std::string& folder, const TestKeys& keys) {
  if (::mkdir(folder.c_str(), 0700) != 0) return fault(folder, "The folder cannot be made.");
  if (!write_private_file(path_in(folder, readme_name), std::string(readme)))
    return fault(folder, "A file cannot be written.");
  for (const KeyFile& file : key_files)
    if (!write_private_file(path_in(folder, file.name), marked(file.name, keys.*file.text)))
      return fault(path_in(folder, file.name), "The file cannot be written.");
  return std::nullopt;
}

// One key signs for all authorities here: what tells them apart is their names, and no channel
// believes another's.
void make_wechat(TestKeys& keys, const std::string& authority) {
  keys.wechat_api_v3_key = "TESTONLY" + random_text(24);
  keys.wechat_merchant_key = make_rsa_key();
  keys.wechat_platform_key = make_rsa_key();
  const std::string root = issue_certificate({"Sandbox WeChat Pay root (test)", true}, authority);
  keys.wechat_merchant_certificate = issue_certificate({std::string(wechat_merchant_id), false},
                                                       keys.wechat_merchant_key, authority, root);
  keys.wechat_platform_certificate = issue_certificate(
      {"Sandbox WeChat Pay platform (test)", false}, keys.wechat_platform_key, authority, root);
}

void make_alipay(TestKeys& keys, const std::string& authority) {
  keys.alipay_app_key = make_rsa_key();
  keys.alipay_key = make_rsa_key();
  keys.alipay_public_key = public_key_of(keys.alipay_key);
  keys.alipay_root_certificate = issue_certificate({"Sandbox Alipay root (test)", true}, authority);
  keys.alipay_app_certificate =
      issue_certificate({std::string(alipay_app_id) + " (test)", false}, keys.alipay_app_key,
                        authority, keys.alipay_root_certificate);
  keys.alipay_certificate = issue_certificate({"Sandbox Alipay (test)", false}, keys.alipay_key,
                                              authority, keys.alipay_root_certificate);
}

// The merchant's certificate and UnionPay's own come from one authority, as they do in the world:
// only the common name tells them apart.
void make_union_pay(TestKeys& keys, const std::string& authority) {
  keys.union_pay_merchant_key = make_rsa_key();
  keys.union_pay_signer_key = make_rsa_key();
  keys.union_pay_root_certificate =
      issue_certificate({"Sandbox UnionPay root (test)", true, 5}, authority);
  const std::string& root = keys.union_pay_root_certificate;
  keys.union_pay_middle_certificate =
      issue_certificate({"Sandbox UnionPay middle (test)", true, 5}, authority, authority, root);
  const std::string& middle = keys.union_pay_middle_certificate;
  keys.union_pay_merchant_certificate =
      issue_certificate({"test@" + std::string(union_pay_merchant_id) + "@TEST MERCHANT", false, 5},
                        keys.union_pay_merchant_key, authority, middle);
  keys.union_pay_signer_certificate =
      issue_certificate({"test@welkin sandbox@" + std::string(union_pay::test_signer), false, 5},
                        keys.union_pay_signer_key, authority, middle);
}

}  // namespace

bool write_private_file(const std::string& path, const std::string& text) {
  const std::string unfinished = path + ".new";
  const int file = ::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return false;
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = ::write(file, text.data() + written, text.size() - written);
    if (count <= 0) break;
    written += static_cast<std::size_t>(count);
  }
  return ::close(file) == 0 && written == text.size() &&
         std::rename(unfinished.c_str(), path.c_str()) == 0;
}

TestKeys make_test_keys() {
  TestKeys keys;
  keys.sandbox_secret = "test_" + random_text(32);
  const std::string authority = make_rsa_key();
  make_wechat(keys, authority);
  make_alipay(keys, authority);
  make_union_pay(keys, authority);
  keys.stripe_secret_key = "sk_test_" + random_text(32);
  keys.stripe_webhook_secret = "whsec_test" + random_text(32);
  return keys;
}

std::variant<TestKeys, Problem> load_or_make_test_keys(const std::string& folder) {
  std::error_code error;
  if (fs::exists(path_in(folder, readme_name), error)) return load(folder);
  if (fs::exists(folder, error) && !fs::is_empty(folder, error))
    return fault(folder, "The folder holds other things than the sandbox's test keys.");
  const TestKeys keys = make_test_keys();
  const std::string unfinished = folder + ".new-" + random_text(8);
  if (auto problem = write_all(unfinished, keys)) {
    fs::remove_all(unfinished, error);
    return *std::move(problem);
  }
  // Whole or not at all; where another process was faster, its keys are everybody's.
  if (std::rename(unfinished.c_str(), folder.c_str()) != 0) fs::remove_all(unfinished, error);
  return load(folder);
}

wechat_pay::AccountConfig wechat_account(const TestKeys& keys, const std::string& base_url,
                                         const std::string& notify_url) {
  wechat_pay::AccountConfig config;
  config.base_url = base_url;
  config.app_id = wechat_app_id;
  config.merchant_id = wechat_merchant_id;
  config.api_v3_key = keys.wechat_api_v3_key;
  config.notify_url = notify_url;
  config.private_key = keys.wechat_merchant_key;
  config.merchant_certificate = keys.wechat_merchant_certificate;
  config.platform_certificates = {keys.wechat_platform_certificate};
  return config;
}

alipay::AccountConfig alipay_account(const TestKeys& keys, const std::string& base_url,
                                     const std::string& notify_url, bool with_certificates) {
  alipay::AccountConfig config;
  config.base_url = base_url;
  config.app_id = alipay_app_id;
  config.seller_id = alipay_seller_id;
  config.notify_url = notify_url;
  config.app_private_key = keys.alipay_app_key;
  if (!with_certificates) {
    config.alipay_public_key = keys.alipay_public_key;
    return config;
  }
  config.app_certificate = keys.alipay_app_certificate;
  config.alipay_certificates = keys.alipay_certificate;
  config.alipay_root_certificates = keys.alipay_root_certificate;
  return config;
}

union_pay::AccountConfig union_pay_account(const TestKeys& keys, const std::string& base_url,
                                           const std::string& notify_url) {
  union_pay::AccountConfig config;
  config.base_url = base_url;
  config.merchant_id = union_pay_merchant_id;
  config.notify_url = notify_url;
  config.test_environment = true;
  config.private_key = keys.union_pay_merchant_key;
  config.certificate = keys.union_pay_merchant_certificate;
  config.middle_certificates = keys.union_pay_middle_certificate;
  config.root_certificates = keys.union_pay_root_certificate;
  return config;
}

stripe::AccountConfig stripe_account(const TestKeys& keys, const std::string& base_url) {
  stripe::AccountConfig config;
  config.base_url = base_url;
  config.secret_key = keys.stripe_secret_key;
  config.webhook_secrets = {keys.stripe_webhook_secret};
  return config;
}

}  // namespace welkin::sandbox
