// The sandbox's test keys: made once, found again, marked, and nobody else's to read.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>

#include "app/channel_accounts.hpp"
#include "sandbox/bank.hpp"
#include "sandbox/test_issuer.hpp"
#include "sandbox/test_keys.hpp"

using namespace welkin;
using namespace welkin::sandbox;
namespace fs = std::filesystem;

namespace {

struct Folder {
  std::string path = (fs::temp_directory_path() / ("welkin-keys-" + random_text(12))).string();
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
};

const TestKeys& keys_of(const std::variant<TestKeys, Problem>& loaded) {
  if (const auto* problem = std::get_if<Problem>(&loaded)) FAIL(problem->detail);
  return std::get<TestKeys>(loaded);
}

// A folder that two have made at once; each test looks at it, none changes it.
struct Made {
  Folder folder;
  std::variant<TestKeys, Problem> first;
  std::variant<TestKeys, Problem> second;
  Made() {
    auto other =
        std::async(std::launch::async, [this] { return load_or_make_test_keys(folder.path); });
    first = load_or_make_test_keys(folder.path);
    second = other.get();
  }
};
const Made& made() {
  static const Made once;
  return once;
}

}  // namespace

TEST_CASE("two who start at once come to the same keys, and so does whoever comes next") {
  const auto third = load_or_make_test_keys(made().folder.path);
  for (const auto* keys : {&made().second, &third}) {
    CHECK(keys_of(made().first).stripe_secret_key == keys_of(*keys).stripe_secret_key);
    CHECK(keys_of(made().first).wechat_merchant_key == keys_of(*keys).wechat_merchant_key);
  }
}

TEST_CASE("each file of the keys says that it is for tests, and is its owner's alone") {
  int files = 0;
  for (const auto& entry : fs::directory_iterator(made().folder.path)) {
    CAPTURE(entry.path().string());
    struct stat status {};
    REQUIRE(::stat(entry.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(entry.path().filename().string().find(".test.") != std::string::npos);
    ++files;
  }
  CHECK(files == 21);
}

TEST_CASE("a key that is gone is not replaced: the others would no longer fit it") {
  const Folder folder;
  fs::copy(made().folder.path, folder.path);
  fs::remove(folder.path + "/alipay_key.test.pem");
  const auto broken = load_or_make_test_keys(folder.path);
  REQUIRE(std::holds_alternative<Problem>(broken));
  CHECK(std::get<Problem>(broken).detail.find("alipay_key.test.pem") != std::string::npos);
  CHECK_FALSE(fs::exists(folder.path + "/alipay_key.test.pem"));
}

TEST_CASE("a folder that holds other things is left alone") {
  const Folder folder;
  fs::create_directory(folder.path);
  { std::ofstream(folder.path + "/mine.txt") << "mine\n"; }
  CHECK(std::holds_alternative<Problem>(load_or_make_test_keys(folder.path)));
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
}

TEST_CASE("the accounts that are written are accounts that welkin serve can open") {
  AccountsFile file{made().folder.path, "http://127.0.0.1:8601"};
  file.route = "a";
  file.priority = 7;
  const auto parsed = parse_config(accounts_toml(file), "accounts.toml", {});
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&parsed))
    FAIL(errors->front().text());
  const auto opened = open_accounts(std::get<ServeConfig>(parsed), wall_clock_us());
  if (const auto* errors = std::get_if<std::vector<ConfigError>>(&opened))
    FAIL(errors->front().text());
  std::string names;
  for (const OpenedAccount& account : std::get<std::vector<OpenedAccount>>(opened)) {
    names += account.section.name + " ";
    CHECK(account.section.priority == 7);
    CHECK(account.section.serves + "_a" == account.section.name);
  }
  CHECK(names == "sandbox_a wechat_pay_a alipay_a union_pay_a stripe_a ");
}

TEST_CASE("each account can be opened with its keys, and with no other's") {
  const TestKeys& keys = keys_of(made().first);
  const UnixUs now_us = wall_clock_us();
  const std::string url = "http://127.0.0.1:1/notify";
  CHECK(alipay::make_account(alipay_account(keys, "http://x", url, true), now_us).index() == 0);
  CHECK(wechat_pay::make_account(wechat_account(keys, "http://x", url), now_us).index() == 0);
  auto wrong = wechat_account(keys, "http://x", url);
  wrong.private_key = keys.alipay_app_key;
  CHECK(wechat_pay::make_account(wrong, now_us).index() == 1);
  auto production = union_pay_account(keys, "http://x", url);
  production.test_environment = false;
  const auto account = union_pay::make_account(production, now_us);
  REQUIRE(account.index() == 0);
  CHECK(std::get<union_pay::Account>(account).signer == union_pay::production_signer);
}
