// Cards, timers, idempotency records and snapshots, on every store.
#include "tests/contract/view_contract.hpp"

#include <algorithm>

#include "persistence/journal_check.hpp"

namespace welkin::test {
namespace {

Card card(std::uint64_t number, UnixUs created_at_us) {
  Card made;
  made.stream = stream_number(number);
  made.position = number;
  made.shard = static_cast<std::uint32_t>(number % shard_count);
  made.merchant_id = "shop";
  made.merchant_order_no = "order-" + std::to_string(number);
  made.state = "PAID";
  made.channel = "sandbox";
  made.currency = "CNY";
  made.amount_minor = 1'000;
  made.captured_minor = 1'000;
  made.refunded_minor = 0;
  made.created_at_us = created_at_us;
  made.updated_at_us = created_at_us + 5;
  return made;
}

ViewDelta delta_of(std::vector<Card> cards, std::uint64_t position = 1) {
  ViewDelta delta;
  delta.position = position;
  delta.cards = std::move(cards);
  return delta;
}

void check_same(const Card& found, const Card& given) {
  CHECK(found.stream == given.stream);
  CHECK(found.position == given.position);
  CHECK(found.shard == given.shard);
  CHECK(found.merchant_id == given.merchant_id);
  CHECK(found.merchant_order_no == given.merchant_order_no);
  CHECK(found.state == given.state);
  CHECK(found.channel == given.channel);
  CHECK(found.currency == given.currency);
  CHECK(found.amount_minor == given.amount_minor);
  CHECK(found.captured_minor == given.captured_minor);
  CHECK(found.refunded_minor == given.refunded_minor);
  CHECK(found.created_at_us == given.created_at_us);
  CHECK(found.updated_at_us == given.updated_at_us);
  CHECK(found.open == given.open);
  CHECK(found.due_at_us == given.due_at_us);
}

std::vector<StreamId> streams_of(const std::vector<Card>& cards) {
  std::vector<StreamId> streams;
  for (const Card& one : cards) streams.push_back(one.stream);
  return streams;
}

std::vector<StreamId> numbered(const std::vector<std::uint64_t>& numbers) {
  std::vector<StreamId> streams;
  for (const auto number : numbers) streams.push_back(stream_number(number));
  return streams;
}

void check_cards(StoreFixture& fixture) {
  SECTION("a card comes back as it was given, and a newer one takes its place") {
    const auto store = fixture.open();
    Card given = card(1, 100);
    given.merchant_id = "shop 'é\"";
    given.merchant_order_no = "";
    given.open = true;
    given.due_at_us = 77;
    must(store->checkpoint(delta_of({given, card(2, 100)})));
    const auto listed = must(store->list_cards({given.merchant_id}));
    REQUIRE(listed.size() == 1);
    check_same(listed[0], given);
    REQUIRE(must(store->open_cards({}, 10)).size() == 1);
    check_same(must(store->open_cards({}, 10))[0], given);

    given.state = "REFUNDED";
    given.refunded_minor = 9'000'000'000'000'000'000;
    given.position = 40;
    given.open = false;
    given.due_at_us = 0;
    must(store->checkpoint(delta_of({given}, 40)));
    const auto replaced = must(store->list_cards({given.merchant_id}));
    REQUIRE(replaced.size() == 1);
    check_same(replaced[0], given);
    CHECK(must(store->open_cards({}, 10)).empty());
    CHECK(must(store->due_timers(1'000, 10)).empty());
  }
  SECTION("of two cards of one stream in one checkpoint the later holds") {
    const auto store = fixture.open();
    Card first = card(1, 100);
    first.open = true;
    first.due_at_us = 50;
    Card second = card(1, 100);
    second.state = "CLOSED";
    must(store->checkpoint(delta_of({first, second})));
    const auto listed = must(store->list_cards({}));
    REQUIRE(listed.size() == 1);
    CHECK(listed[0].state == "CLOSED");
    CHECK(must(store->open_cards({}, 10)).empty());
    CHECK(must(store->due_timers(1'000, 10)).empty());
  }
}

void check_open_cards(StoreFixture& fixture) {
  SECTION("open cards can be walked in pieces") {
    const auto store = fixture.open();
    std::vector<Card> cards;
    for (std::uint64_t i = 0; i < 20; ++i) {
      cards.push_back(card(i + 1, 100));
      cards.back().open = i % 2 == 0;
    }
    must(store->checkpoint(delta_of(cards)));
    std::vector<StreamId> walked;
    StreamId after;
    for (int round = 0; round < 10; ++round) {
      const auto piece = must(store->open_cards(after, 3));
      CHECK(piece.size() <= 3);
      if (piece.empty()) break;
      for (const auto& stream : streams_of(piece)) walked.push_back(stream);
      after = walked.back();
    }
    auto expected = numbered({1, 3, 5, 7, 9, 11, 13, 15, 17, 19});
    std::sort(expected.begin(), expected.end());
    CHECK((walked == expected));
  }
  SECTION("timers come out when they are due, earliest first, open card or not") {
    const auto store = fixture.open();
    std::vector<Card> cards{card(1, 100), card(2, 100), card(3, 100), card(4, 100)};
    cards[0].due_at_us = 300;
    cards[1].due_at_us = 200;
    cards[1].open = true;
    cards[2].open = true;  // no timer
    cards[3].due_at_us = 301;
    must(store->checkpoint(delta_of(cards)));
    CHECK(must(store->due_timers(199, 10)).empty());
    const auto due = must(store->due_timers(300, 10));
    REQUIRE(due.size() == 2);
    CHECK(due[0].stream == stream_number(2));
    CHECK(due[0].due_at_us == 200);
    CHECK(due[0].shard == cards[1].shard);
    CHECK(due[1].stream == stream_number(1));
    CHECK(must(store->due_timers(1'000, 1)).size() == 1);
    CHECK(must(store->due_timers(1'000, 10)).size() == 3);
  }
}

void check_lists(StoreFixture& fixture) {
  SECTION("a list is newest first, and a tie in time is broken by the stream") {
    const auto store = fixture.open();
    must(store->checkpoint(delta_of({card(1, 100), card(2, 300), card(3, 200), card(4, 200)})));
    auto tie = numbered({3, 4});
    std::sort(tie.rbegin(), tie.rend());
    const std::vector<StreamId> expected{stream_number(2), tie[0], tie[1], stream_number(1)};
    CHECK((streams_of(must(store->list_cards({}))) == expected));
  }
  SECTION("a cursor walks a list whole, ties or not, whatever the page's size") {
    const auto store = fixture.open();
    std::vector<Card> cards;
    for (std::uint64_t i = 0; i < 30; ++i)
      cards.push_back(card(i + 1, 100 + static_cast<UnixUs>(i / 4)));
    must(store->checkpoint(delta_of(cards)));
    CardQuery query;
    query.limit = 100;
    const auto whole = streams_of(must(store->list_cards(query)));
    REQUIRE(whole.size() == 30);
    query.limit = 7;
    if (GENERATE(false, true)) query.merchant_id = "shop";
    std::vector<StreamId> walked;
    for (int round = 0; round < 10; ++round) {
      const auto page = must(store->list_cards(query));
      if (page.empty()) break;
      for (const auto& stream : streams_of(page)) walked.push_back(stream);
      query.before_created_at_us = page.back().created_at_us;
      query.before_stream = page.back().stream;
    }
    CHECK((walked == whole));
  }
  SECTION("filters narrow a list, alone and together") {
    const auto store = fixture.open();
    std::vector<Card> cards{card(1, 100), card(2, 200), card(3, 300), card(4, 400)};
    cards[0].merchant_id = "other";
    cards[1].state = "CLOSED";
    cards[3].state = "CLOSED";
    must(store->checkpoint(delta_of(cards)));
    CardQuery of_shop;
    of_shop.merchant_id = "shop";
    CHECK((streams_of(must(store->list_cards(of_shop))) == numbered({4, 3, 2})));
    CardQuery closed;
    closed.state = "CLOSED";
    CHECK((streams_of(must(store->list_cards(closed))) == numbered({4, 2})));
    CardQuery ranged;
    ranged.created_from_us = 200;
    ranged.created_to_us = 400;
    CHECK((streams_of(must(store->list_cards(ranged))) == numbered({3, 2})));
    CardQuery all = ranged;
    all.merchant_id = "shop";
    all.state = "CLOSED";
    CHECK((streams_of(must(store->list_cards(all))) == numbered({2})));
    all.before_created_at_us = 200;
    all.before_stream = stream_number(2);
    CHECK(must(store->list_cards(all)).empty());
  }
}

void check_idempotency(StoreFixture& fixture) {
  SECTION("an idempotency key is found by its merchant until it is forgotten") {
    const auto store = fixture.open();
    ViewDelta delta;
    delta.position = 3;
    delta.idempotency = {{"shop", "key", "print-1", stream_number(1), 2, 100},
                         {"other", "key", "print-2", stream_number(2), 1, 200},
                         {"shop", "it's \"a\" key ✓", "", stream_number(3), 1, 300}};
    must(store->checkpoint(delta));
    const auto found = must(store->find_idempotency("shop", "key"));
    REQUIRE(found);
    CHECK(found->merchant_id == "shop");
    CHECK(found->key == "key");
    CHECK(found->fingerprint == "print-1");
    CHECK(found->stream == stream_number(1));
    CHECK(found->seq == 2);
    CHECK(found->at_us == 100);
    CHECK(must(store->find_idempotency("shop", "it's \"a\" key ✓")).has_value());
    CHECK_FALSE(must(store->find_idempotency("shop", "KEY")).has_value());
    CHECK_FALSE(must(store->find_idempotency("third", "key")).has_value());

    ViewDelta forgetting;
    forgetting.position = 4;
    forgetting.forget_idempotency_before_us = 200;
    must(store->checkpoint(forgetting));
    CHECK_FALSE(must(store->find_idempotency("shop", "key")).has_value());
    CHECK(must(store->find_idempotency("other", "key")).has_value());
  }
  SECTION("a key that was forgotten can be used again") {
    const auto store = fixture.open();
    ViewDelta delta;
    delta.idempotency = {{"shop", "key", "print-1", stream_number(1), 1, 100}};
    must(store->checkpoint(delta));
    delta.idempotency = {{"shop", "key", "print-2", stream_number(2), 1, 500}};
    delta.forget_idempotency_before_us = 400;
    must(store->checkpoint(delta));
    const auto found = must(store->find_idempotency("shop", "key"));
    REQUIRE(found);
    CHECK(found->fingerprint == "print-2");
  }
}

void check_snapshots(StoreFixture& fixture) {
  SECTION("the newest snapshot of a stream is kept, as it was given") {
    const auto store = fixture.open();
    CHECK_FALSE(must(store->load_snapshot(stream_number(1))).has_value());
    ViewDelta delta;
    delta.snapshots = {{stream_number(1), 3, 1, "{\"old\":1}", hash_of(3)},
                       {stream_number(2), 9, 1, "{}", hash_of(9)}};
    must(store->checkpoint(delta));
    delta.snapshots = {{stream_number(1), 6, 2, "{\"new\" : \"é\\\\\"}", hash_of(6)}};
    must(store->checkpoint(delta));
    const auto found = must(store->load_snapshot(stream_number(1)));
    REQUIRE(found);
    CHECK(found->stream == stream_number(1));
    CHECK(found->seq == 6);
    CHECK(found->version == 2);
    CHECK(found->payload == "{\"new\" : \"é\\\\\"}");
    CHECK(found->hash == hash_of(6));
    CHECK(must(store->load_snapshot(stream_number(2)))->seq == 9);
  }
}

// One that would lose the timer of the payment's card.
ViewDelta without_timer(std::uint64_t position, std::uint64_t epoch) {
  ViewDelta delta = delta_of({card(1, 100)}, position);
  delta.epoch = epoch;
  delta.idempotency = {{"shop", "key", "print", stream_number(1), 1, 100}};
  return delta;
}

void check_refused_whole(JournalStore& store, const ViewDelta& delta) {
  const auto refused = store.checkpoint(delta);
  REQUIRE(error_of(refused));
  CHECK(error_of(refused)->kind == StoreErrorKind::fenced);
  CHECK(must(store.view_position()) == 12);
  REQUIRE(must(store.due_timers(77, 10)).size() == 1);
  CHECK_FALSE(must(store.find_idempotency("shop", "key")).has_value());
}

void check_fencing(StoreFixture& fixture) {
  SECTION("an old node's last checkpoint, or one that goes back, is refused whole") {
    const auto store = fixture.open();
    ViewDelta newest = delta_of({card(1, 100)}, 12);
    newest.cards[0].due_at_us = 77;
    must(store->checkpoint(newest));
    check_refused_whole(*store, without_timer(11, 0));
    must(store->claim_epochs(shard_count));
    must(store->claim_epochs(shard_count));
    for (const std::uint64_t epoch : {0, 1, 3}) {
      CAPTURE(epoch);
      check_refused_whole(*store, without_timer(13, epoch));
    }
    check_refused_whole(*store, without_timer(11, 2));
    must(store->checkpoint(without_timer(12, 2)));  // the same position again is not behind
    CHECK(must(store->due_timers(77, 10)).empty());
  }
}

void check_view_position(StoreFixture& fixture) {
  SECTION("the view position starts at zero and follows the checkpoints") {
    const auto store = fixture.open();
    CHECK(must(store->view_position()) == 0);
    must(store->checkpoint(delta_of({}, 12)));
    CHECK(must(store->view_position()) == 12);
    must(store->checkpoint(delta_of({card(1, 100)}, 15)));
    CHECK(must(store->view_position()) == 15);
  }
  SECTION("the journal's end is known from a checkpoint, and a row that is gone is missed") {
    const auto store = fixture.open();
    must(store->claim_epochs(shard_count));
    append_committed(*store, {rows_for(stream_number(1), 0, 3)});
    CHECK_FALSE(must(find_broken_mark(*store)));
    ViewDelta delta = delta_of({card(1, 100)}, 3);
    delta.epoch = 1;
    delta.hash = hash_of(3);
    delta.snapshots = {{stream_number(1), 3, 1, "{}", hash_of(3), hash_of(77)}};
    must(store->checkpoint(delta));
    CHECK_FALSE(must(find_broken_mark(*store)));
    CHECK(must(store->load_snapshot(stream_number(1)))->seal == hash_of(77));

    delta.hash = hash_of(4);
    must(store->checkpoint(delta));
    auto broken = must(find_broken_mark(*store));
    REQUIRE(broken);
    CHECK_FALSE(broken->ends_before);
    CHECK(broken->mark.position == 3);

    delta.position = 9;
    must(store->checkpoint(delta));
    broken = must(find_broken_mark(*store));
    REQUIRE(broken);
    CHECK(broken->ends_before);
    CHECK(broken->last_position == 3);

    must(store->accept_end());
    CHECK_FALSE(must(find_broken_mark(*store)));
    CHECK(must(store->view_position()) == 0);
    CHECK(must(store->list_cards({})).empty());
    CHECK_FALSE(must(store->load_snapshot(stream_number(1))));
    append_committed(*store, {rows_for(stream_number(1), 3, 1)});
    CHECK(positions_of(must(store->read_all(0, 10))) == count_up(1, 4));
  }
  check_fencing(fixture);
  if (!fixture.durable()) return;
  SECTION("views are there again when the store is opened again") {
    {
      const auto store = fixture.open();
      must(store->claim_epochs(shard_count));
      append_committed(*store, {rows_for(stream_number(1), 0, 3)});
      ViewDelta delta = delta_of({card(1, 100)}, 3);
      delta.epoch = 1;
      delta.cards[0].open = true;
      delta.cards[0].due_at_us = 50;
      delta.idempotency = {{"shop", "key", "print", stream_number(1), 1, 100}};
      delta.snapshots = {{stream_number(1), 3, 1, "{}", hash_of(3)}};
      must(store->checkpoint(delta));
    }
    const auto store = fixture.open();
    CHECK(must(store->view_position()) == 3);
    CHECK(must(store->list_cards({})).size() == 1);
    CHECK(must(store->open_cards({}, 10)).size() == 1);
    CHECK(must(store->due_timers(50, 10)).size() == 1);
    CHECK(must(store->find_idempotency("shop", "key")).has_value());
    CHECK(must(store->load_snapshot(stream_number(1))).has_value());
  }
}

}  // namespace

void run_view_contract(StoreFixture& fixture) {
  check_cards(fixture);
  check_open_cards(fixture);
  check_lists(fixture);
  check_idempotency(fixture);
  check_snapshots(fixture);
  check_view_position(fixture);
}

}  // namespace welkin::test
