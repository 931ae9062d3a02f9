// Alipay's answers in another charset than was asked for, as a machine in front of its gateway
// gives them: what was signed are bytes, and what they say is text.
#include <catch2/catch.hpp>

#include "tests/support/alipay_fixture.hpp"

using namespace welkin;
using namespace welkin::alipay_test;
using O = ChannelOperation;
using V = ChannelVerdict;

namespace {

struct Asked {
  ChannelCall call;
  std::string node;
};
Asked query() { return {call_for(O::create, /*query=*/true), "alipay_trade_query_response"}; }
Asked refund() { return {call_for(O::refund), "alipay_trade_refund_response"}; }

// "交易不存在" in GBK, and a character whose second byte is a backslash, right before the quote.
const std::string no_such_trade_gbk = "\xBD\xBB\xD2\xD7\xB2\xBB\xB4\xE6\xD4\xDA\xD5\x5C";
const std::string no_such_trade = "交易不存在誠";

std::string refusal_in_gbk(const std::string& sub_code) {
  return R"({"code":"40004","msg":"Business Failed","sub_code":")" + sub_code + R"(","sub_msg":")" +
         no_such_trade_gbk + "\"}";
}

WireAnswer declared(WireAnswer answer, const char* content_type) {
  answer.headers.emplace_back("content-type", content_type);
  return answer;
}

}  // namespace

TEST_CASE("Alipay's answers in GBK mean what they say, by their signature over the bytes") {
  const alipay::Account account = account_of(public_key_config());
  const auto judge = [&account](const ChannelCall& call, const WireAnswer& answer) {
    return alipay::parse_answer(account, call, answer, now_us);
  };
  const char* types[] = {"text/html;charset=GBK", "text/html; charset=\"gb2312\"",
                         "application/json;charset=gb18030", "text/html;charset=utf-8",
                         "text/html"};
  for (const char* type : types) {
    CAPTURE(type);
    const Asked asked = query();
    const auto absent = judge(
        asked.call, declared(answer_of(asked.node, refusal_in_gbk("ACQ.TRADE_NOT_EXIST")), type));
    CHECK(absent.verdict == V::not_found);
    CHECK(absent.code == "ACQ.TRADE_NOT_EXIST");
    CHECK(absent.message == no_such_trade);
    const Asked back = refund();
    const auto refused =
        judge(back.call,
              declared(answer_of(back.node, refusal_in_gbk("ACQ.TRADE_NOT_ALLOW_REFUND")), type));
    CHECK(refused.verdict == V::refund_refused);
    CHECK(refused.code == "ACQ.TRADE_NOT_ALLOW_REFUND");
    CHECK(refused.message == no_such_trade);
    // Nobody has signed it, so that it settles nothing; its code is kept all the same.
    const auto unsigned_one = judge(
        asked.call, declared({200,
                              {},
                              R"({"error_response":{"code":"40002","msg":"Invalid Arguments",)"
                              R"("sub_code":"isv.invalid-app-id","sub_msg":")" +
                                  no_such_trade_gbk + "\"}}"},
                             type));
    CHECK(unsigned_one.verdict == V::unknown);
    CHECK(unsigned_one.code == "isv.invalid-app-id");
    CHECK(unsigned_one.message.find(no_such_trade) != std::string::npos);
  }
}

TEST_CASE("what is signed in GBK is not the same text signed in UTF-8, nor a byte of it another") {
  const alipay::Account account = account_of(public_key_config());
  const Asked a = query();
  const std::string node = refusal_in_gbk("ACQ.TRADE_NOT_EXIST");
  WireAnswer answer = declared(answer_of(a.node, node), "text/html;charset=GBK");
  const std::size_t at = answer.body.find(no_such_trade_gbk);
  WireAnswer converted = answer;
  converted.body.replace(at, no_such_trade_gbk.size(), no_such_trade);
  CHECK(alipay::parse_answer(account, a.call, converted, now_us).code == "bad_signature");
  WireAnswer changed = answer;
  changed.body[at] = '\xBE';
  CHECK(alipay::parse_answer(account, a.call, changed, now_us).code == "bad_signature");
}

TEST_CASE("an answer that declares GBK and is in UTF-8 is read, and one in neither is not") {
  const alipay::Account account = account_of(public_key_config());
  const Asked a = query();
  const auto judge = [&](const std::string& words) {
    const std::string node =
        R"({"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST","sub_msg":")" + words + "\"}";
    return alipay::parse_answer(account, a.call,
                                declared(answer_of(a.node, node), "text/html;charset=GBK"), now_us);
  };
  CHECK(judge("交易中").verdict == V::not_found);
  CHECK(judge("交易中").message == "交易中");
  CHECK(judge("").verdict == V::not_found);
  CHECK(judge("\xFF\xFF").code == "unreadable_answer");
}
