// The sandbox's test keys: made once, found again, marked, and nobody else's to read.
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <future>

#include "sandbox/test_issuer.hpp"
#include "sandbox/test_keys.hpp"
#include "tests/support/sandbox_world.hpp"

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

}  // namespace

TEST_CASE("two who start at once come to the same keys, and so does whoever comes next") {
  const Folder folder;
  auto other =
      std::async(std::launch::async, [&folder] { return load_or_make_test_keys(folder.path); });
  const auto first = load_or_make_test_keys(folder.path);
  const auto second = other.get();
  const auto third = load_or_make_test_keys(folder.path);
  for (const auto* keys : {&second, &third}) {
    CHECK(keys_of(first).stripe_secret_key == keys_of(*keys).stripe_secret_key);
    CHECK(keys_of(first).wechat_merchant_key == keys_of(*keys).wechat_merchant_key);
  }
  for (const auto& entry : fs::directory_iterator(folder.path)) {
    CAPTURE(entry.path().string());
    struct stat status {};
    REQUIRE(::stat(entry.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    CHECK(entry.path().filename().string().find(".test.") != std::string::npos);
  }
  // One that is gone is not replaced: the other files would no longer fit it.
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

TEST_CASE("each account can be opened with its keys, and with no other's") {
  const TestKeys& keys = sandbox_test::test_keys();
  const UnixUs now_us = wall_clock_us();
  const std::string url = "http://127.0.0.1:1/notify";
  CHECK(wechat_pay::make_account(wechat_account(keys, "http://x", url), now_us).index() == 0);
  CHECK(alipay::make_account(alipay_account(keys, "http://x", url), now_us).index() == 0);
  CHECK(alipay::make_account(alipay_account(keys, "http://x", url, true), now_us).index() == 0);
  CHECK(union_pay::make_account(union_pay_account(keys, "http://x", url), now_us).index() == 0);
  CHECK(stripe::make_account(stripe_account(keys, "http://x")).index() == 0);
  auto wrong = wechat_account(keys, "http://x", url);
  wrong.private_key = keys.alipay_app_key;
  CHECK(wechat_pay::make_account(wrong, now_us).index() == 1);
  auto production = union_pay_account(keys, "http://x", url);
  production.test_environment = false;
  const auto account = union_pay::make_account(production, now_us);
  REQUIRE(account.index() == 0);
  CHECK(std::get<union_pay::Account>(account).signer == union_pay::production_signer);
}
