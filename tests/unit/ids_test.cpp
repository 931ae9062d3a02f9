// Ids are a durable format: the literals here were computed by another program from the format's
// description, and a change that moves one of them breaks every journal there is.
#include "protocol/ids.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

using namespace welkin;

TEST_CASE("an id's text is 26 digits that read back as the same id") {
  CHECK(Id128{}.text() == "00000000000000000000000000");
  CHECK((Id128{0, 1}.text()) == "00000000000000000000000001");
  CHECK((Id128{0, 31}.text()) == "0000000000000000000000000z");
  CHECK((Id128{0, 32}.text()) == "00000000000000000000000010");
  CHECK((Id128{1, 0}.text()) == "0000000000000g000000000000");
  CHECK((Id128{~0ULL, ~0ULL}.text()) == "7zzzzzzzzzzzzzzzzzzzzzzzzz");
  std::uint64_t bits = 0x9e3779b97f4a7c15;
  for (int i = 0; i < 1'000; ++i) {
    const Id128 id{bits, bits * 0xbf58476d1ce4e5b9};
    REQUIRE(Id128::parse(id.text()) == id);
    bits = bits * 6364136223846793005 + 1442695040888963407;
  }
}

TEST_CASE("ids sort as their texts do") {
  const Id128 ids[] = {{0, 0}, {0, 1}, {0, ~0ULL}, {1, 0}, {1, 1}, {~0ULL, 0}, {~0ULL, ~0ULL}};
  for (const Id128& a : ids)
    for (const Id128& b : ids) CHECK((a < b) == (a.text() < b.text()));
}

TEST_CASE("what is not an id's text is not read as one") {
  const auto text = GENERATE(as<std::string>{}, "", "0", "0000000000000000000000000",  // 25
                             "000000000000000000000000000",                            // 27
                             "8zzzzzzzzzzzzzzzzzzzzzzzzz",                             // 2^128
                             "0000000000000000000000000i", "0000000000000000000000000l",
                             "0000000000000000000000000o", "0000000000000000000000000u",
                             "0000000000000000000000000-", " 0000000000000000000000000");
  CAPTURE(text);
  CHECK_FALSE(Id128::parse(text));
}

TEST_CASE("a payment's id follows from merchant and order number, for ever") {
  CHECK(payment_id_of("m_1", "order-1").text() == "pay_7k7t604erew7s6x1g4yb6gpkba");
  CHECK(payment_id_of("m_1", "order-2").text() == "pay_75mbphzvx86x2e3y8e7d22k1p9");
  CHECK(payment_id_of("m_2", "order-1").text() == "pay_0wr7ssv66vp75edwqbanhwx3a3");
  CHECK(payment_id_of("m_1", "苍穹-1").text() == "pay_45379xdctv9b3r341ws24ssc9k");
  CHECK(payment_id_of("", "").text() == "pay_0jj2jz2xemk4pqa1hkr9a3z88s");
}

TEST_CASE("where one name ends and the next begins is part of the hash") {
  CHECK(stable_hash("d", {"ab", "c"}) != stable_hash("d", {"a", "bc"}));
  CHECK(stable_hash("d", {"ab"}) != stable_hash("da", {"b"}));
  CHECK(stable_hash("d", {"a", ""}) != stable_hash("d", {"a"}));
  CHECK(payment_id_of("m_1", "1order") != payment_id_of("m_11", "order"));
}

TEST_CASE("a stream id has one spelling") {
  const PaymentId id = payment_id_of("m_1", "order-1");
  CHECK(StreamId::parse(id.text()) == id);
  CHECK_FALSE(StreamId::parse("pay_7K7T604EREW7S6X1G4YB6GPKBA"));
  CHECK_FALSE(StreamId::parse("PAY_7k7t604erew7s6x1g4yb6gpkba"));
  CHECK_FALSE(StreamId::parse("pay_7k7t604erew7s6x1g4yb6gpkbA"));
  CHECK_FALSE(StreamId::parse("rfd_7k7t604erew7s6x1g4yb6gpkba"));
  CHECK_FALSE(StreamId::parse("7k7t604erew7s6x1g4yb6gpkba"));
  CHECK_FALSE(StreamId::parse("pay_7k7t604erew7s6x1g4yb6gpkba "));
  CHECK_FALSE(StreamId::parse("pay_7k7t604erew7s6x1g4yb6gpkb"));
  CHECK_FALSE(StreamId::parse("pay_"));
  CHECK_FALSE(StreamId::parse(""));
}

TEST_CASE("a breaker's stream is named after its account for ever, and is no payment") {
  const StreamId id = breaker_id_of("wechat_main");
  CHECK(id.kind == StreamKind::breaker);
  CHECK(id.text() == "brk_5vqt26wezb8ztxwpjs4dv8yscy");
  CHECK(breaker_id_of("wechat_main2") != id);
  CHECK(StreamId::parse(id.text()) == id);
  CHECK(StreamId::parse(id.text(), StreamKind::breaker) == id);
  CHECK_FALSE(StreamId::parse(id.text(), StreamKind::payment));
  const StreamId payment{StreamKind::payment, id.key};
  CHECK(payment != id);
  CHECK(StreamId::parse(payment.text()) == payment);
  CHECK_FALSE(StreamId::parse(payment.text(), StreamKind::breaker));
  CHECK_FALSE(StreamId::parse("brk_"));
  CHECK_FALSE(StreamId::parse("BRK_" + id.key.text()));
}

TEST_CASE("a refund's id follows from payment and refund number, for ever") {
  const PaymentId payment = payment_id_of("m_1", "order-1");
  const RefundId refund = refund_id_of(payment, "r-1");
  CHECK(refund.text() == "rfd_2t1mh9b94xg980w2hsz5tpvtxz");
  CHECK(refund_id_of(payment, "surplus/ch_2").text() == "rfd_54348g69rqbsf60x7hh8wbarre");
  CHECK(refund_id_of(payment_id_of("m_1", "order-2"), "r-1") != refund);
  CHECK(RefundId::parse(refund.text()) == refund);
  CHECK_FALSE(RefundId::parse("rfd_2T1MH9B94XG980W2HSZ5TPVTXZ"));
  CHECK_FALSE(RefundId::parse("pay_2t1mh9b94xg980w2hsz5tpvtxz"));
  CHECK_FALSE(RefundId::parse("rfd_"));
  CHECK(channel_refund_no(refund) == "R2T1MH9B94XG980W2HSZ5TPVTXZ");
}

TEST_CASE("a channel's order number leads back to its payment and attempt") {
  const PaymentId id = payment_id_of("m_1", "order-1");
  CHECK(channel_order_no(id, 1) == "7K7T604EREW7S6X1G4YB6GPKBA01");
  for (const int attempt : {0, 1, 9, 10, 42, 99}) {
    const auto order = parse_channel_order_no(channel_order_no(id, attempt));
    REQUIRE(order);
    CHECK(order->payment == id);
    CHECK(order->attempt == attempt);
  }
}

TEST_CASE("the numbers channels hear are 8 to 32 letters and digits, and differ by attempt") {
  std::set<std::string> numbers;
  for (int order = 0; order < 50; ++order) {
    const PaymentId id = payment_id_of("m_1", std::to_string(order));
    for (int attempt = 0; attempt <= channel_attempts_max; ++attempt)
      numbers.insert(channel_order_no(id, attempt));
    numbers.insert(channel_refund_no(refund_id_of(id, "r-1")));
  }
  CHECK(numbers.size() == 50 * (channel_attempts_max + 2));
  for (const std::string& number : numbers) {
    CAPTURE(number);
    CHECK(number.size() >= 8);
    CHECK(number.size() <= 32);
    CHECK(std::all_of(number.begin(), number.end(),
                      [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); }));
  }
}

TEST_CASE("a channel's refund number leads back to its refund, and others lead nowhere") {
  const RefundId refund = refund_id_of(payment_id_of("m_1", "order-1"), "r-1");
  CHECK(parse_channel_refund_no(channel_refund_no(refund)) == refund);
  CHECK_FALSE(parse_channel_refund_no(""));
  CHECK_FALSE(parse_channel_refund_no("R"));
  CHECK_FALSE(parse_channel_refund_no("X2T1MH9B94XG980W2HSZ5TPVTXZ"));
  CHECK_FALSE(parse_channel_refund_no("r2t1mh9b94xg980w2hsz5tpvtxz"));
}

TEST_CASE("what is not a channel order number of ours leads nowhere") {
  const auto text = GENERATE(as<std::string>{}, "", "7K7T604EREW7S6X1G4YB6GPKBA",
                             "7K7T604EREW7S6X1G4YB6GPKBA1", "7K7T604EREW7S6X1G4YB6GPKBA001",
                             "7k7t604erew7s6x1g4yb6gpkba01", "7K7T604EREW7S6X1G4YB6GPKBa01",
                             "7K7T604EREW7S6X1G4YB6GPKBAxx", "7K7T604EREW7S6X1G4YB6GPKBA0-",
                             "8K7T604EREW7S6X1G4YB6GPKBA01", "7K7T604EREW7S6X1G4YB6GPKIA01");
  CAPTURE(text);
  CHECK_FALSE(parse_channel_order_no(text));
}

TEST_CASE("which shard owns a payment never changes, and all shards get some") {
  CHECK(shard_of(payment_id_of("m_1", "order-1"), 256) == 242);
  CHECK(shard_of(payment_id_of("m_1", "order-2"), 256) == 68);
  CHECK(shard_of(payment_id_of("m_2", "order-1"), 256) == 202);
  CHECK(shard_of(payment_id_of("m_1", "order-1"), 7) == 3);
  CHECK(shard_of(payment_id_of("m_1", "order-1"), 1) == 0);
  std::set<std::uint32_t> owners;
  for (int i = 0; i < 4'000; ++i)
    owners.insert(shard_of(payment_id_of("m_1", std::to_string(i)), 256));
  CHECK(owners.size() == 256);
}

TEST_CASE("hashes are written in lower-case hex and read back only from it") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const auto hash = parse_hash(sha256_hex("abc"));
  REQUIRE(hash);
  CHECK(hex(*hash) == sha256_hex("abc"));
  std::string text = sha256_hex("abc");
  CHECK_FALSE(parse_hash(text.substr(1)));
  CHECK_FALSE(parse_hash(text + "0"));
  text[0] = 'B';
  CHECK_FALSE(parse_hash(text));
  text[0] = 'g';
  CHECK_FALSE(parse_hash(text));
}
