// Which account a payment goes to: by rank first, by weight within it, and the same again whenever
// the choice is made again.
#include <catch2/catch.hpp>
#include <map>

#include "protocol/payment/route.hpp"

using namespace welkin;

namespace {

const PaymentId some_payment = payment_id_of("m_1", "order-1");

std::string chosen(const std::vector<Route>& routes, const std::vector<std::string>& tried = {},
                   const PaymentId& payment = some_payment, int attempt = 1) {
  const auto choice = choose_route(routes, payment, attempt, tried);
  return choice ? choice->account : "";
}

std::string why(const std::vector<Route>& routes, const std::vector<std::string>& tried = {}) {
  return choose_route(routes, some_payment, 1, tried).value().why;
}

// How many of `payments` payments each account got.
std::map<std::string, int> shares(const std::vector<Route>& routes, int payments) {
  std::map<std::string, int> result;
  for (int i = 0; i < payments; ++i)
    ++result[chosen(routes, {}, payment_id_of("m_1", "order-" + std::to_string(i)))];
  return result;
}

}  // namespace

TEST_CASE("the lowest priority number goes first, wherever it stands in the list") {
  CHECK(chosen({{"c", 3}, {"a", 1}, {"b", 2}}) == "a");
  CHECK(chosen({{"c", 3}, {"a", 1}, {"b", 2}}, {"a"}) == "b");
  CHECK(chosen({{"c", 3}, {"a", 1}, {"b", 2}}, {"b", "a"}) == "c");
  CHECK(chosen({{"only", 7}}) == "only");
}

TEST_CASE("no account is chosen twice, and none when all were tried") {
  CHECK(chosen({{"a", 1}, {"b", 1}}, {"a", "b"}) == "");
  CHECK(chosen({{"a", 1}, {"b", 1}}, {"a"}) == "b");
  CHECK(chosen({{"a", 1}, {"b", 1}}, {"b"}) == "a");
  CHECK(chosen({}, {}) == "");
}

TEST_CASE("accounts of one priority share the payments by weight") {
  constexpr int payments = 20'000;
  const auto by_weight =
      shares({{"a", 1, 70}, {"b", 1, 20}, {"c", 1, 10}, {"d", 2, 1'000}}, payments);
  CHECK(by_weight.size() == 3);
  CHECK(by_weight.at("a") == Approx(14'000).margin(400));
  CHECK(by_weight.at("b") == Approx(4'000).margin(300));
  CHECK(by_weight.at("c") == Approx(2'000).margin(300));
  const auto equal = shares({{"a", 1}, {"b", 1}}, payments);
  CHECK(equal.at("a") == Approx(10'000).margin(400));
  CHECK(equal.at("b") == payments - equal.at("a"));
}

TEST_CASE("who is drawn first says nothing about who is drawn at the next attempt") {
  const std::vector<Route> routes = {{"a", 1}, {"b", 1}};
  int same = 0;
  for (int i = 0; i < 1'000; ++i) {
    const PaymentId payment = payment_id_of("m_1", "order-" + std::to_string(i));
    if (chosen(routes, {}, payment, 1) == chosen(routes, {}, payment, 2)) ++same;
  }
  CHECK(same == Approx(500).margin(80));
}

TEST_CASE("an account of weight 0 is asked when no other of those that take calls is left") {
  const std::vector<Route> routes = {{"spare", 1, 0}, {"a", 1, 1}, {"b", 9, 1}};
  CHECK(shares(routes, 200) == std::map<std::string, int>{{"a", 200}});
  CHECK(chosen(routes, {"a"}) == "b");
  CHECK(chosen(routes, {"a", "b"}) == "spare");
  CHECK(chosen({{"spare", 1, 0}, {"a", 1, 1, false}}) == "spare");
  CHECK(shares({{"s", 1, 0}, {"t", 1, 0}}, 400).size() == 2);
}

TEST_CASE("an account behind an open breaker is asked only when there is no other") {
  const std::vector<Route> routes = {{"a", 1, 1, false}, {"b", 2}};
  CHECK(chosen(routes) == "b");
  CHECK(chosen(routes, {"b"}) == "a");
  const std::vector<Route> all_open = {{"b", 2, 1, false}, {"a", 1, 1, false}};
  CHECK(chosen(all_open) == "a");
  CHECK(chosen(all_open, {"a"}) == "b");
}

TEST_CASE("the same payment, attempt and accounts give the same choice") {
  const std::vector<Route> routes = {{"a", 1, 3}, {"b", 1, 2}, {"c", 1, 1}};
  for (int i = 0; i < 100; ++i) {
    const PaymentId payment = payment_id_of("m_1", "order-" + std::to_string(i));
    CHECK(chosen(routes, {}, payment, 4) == chosen(routes, {}, payment, 4));
  }
  // As every node and every later version must choose, or a decision made again would differ.
  const std::vector<Route> two = {{"a", 1}, {"b", 1}};
  std::string drawn;
  for (int i = 0; i < 12; ++i)
    drawn += chosen(two, {}, payment_id_of("m_1", "order-" + std::to_string(i)));
  CHECK(drawn == "aaaabaaababa");
}

TEST_CASE("the choice says why, in words that name who was passed over") {
  CHECK(why({{"a", 1}}) == "priority 1");
  CHECK(why({{"a", 1}, {"b", 2}}) == "priority 1");
  CHECK(why({{"a", 1}, {"b", 2}}, {"a"}) == "priority 2; a was tried");
  CHECK(why({{"a", 1, 1, false}, {"b", 2}}) == "priority 2; a's breaker is open");
  CHECK(why({{"a", 1, 1, false}}) == "priority 1, though its breaker is open");
  CHECK(why({{"a", 1, 1, false}, {"b", 2, 1, false}}, {"b"}) ==
        "priority 1, though its breaker is open; b was tried");
  CHECK(why({{"a", 1, 5}, {"b", 1, 5}}) == "priority 1, weight 5 of 2 accounts");
  CHECK(why({{"s", 4, 0}}) == "priority 4");
}
