// Two nodes on one database: who has the lease, and what becomes of the other.
#include <sys/wait.h>
#include <unistd.h>

#include "actors/node_lease.hpp"
#include "tests/contract/postgres_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

namespace {

constexpr std::int64_t second_us = 1'000'000;

LeaseClaim claim_of(const std::string& holder, std::int64_t length_us = 600 * second_us) {
  return {holder, "far-away boot namespace 1 1", length_us, ""};
}

// Of a process that lived on this machine a moment ago.
std::string whereabouts_of_a_dead_one() {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string mine = whereabouts_of_this_process();
    const bool told = write(ends[1], mine.data(), mine.size()) > 0;
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  char text[512] = {};
  const ssize_t size = read(ends[0], text, sizeof text);
  close(ends[0]);
  REQUIRE(size > 0);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  return {text, static_cast<std::size_t>(size)};
}

struct Database {
  const std::string name = server().create_database();
  const std::string url = server().url(name);
  std::unique_ptr<JournalStore> first = open_or_fail(url);
  std::unique_ptr<JournalStore> second = open_or_fail(url);
  NodeFate fate;
};

using Taken = StoreResult<std::unique_ptr<NodeLease>>;

std::unique_ptr<NodeLease> taken(Taken result) {
  REQUIRE(!error_of(result));
  return std::move(std::get<std::unique_ptr<NodeLease>>(result));
}

}  // namespace

TEST_CASE_METHOD(Database, "postgres: one holder at a time has the lease, until it gives it up") {
  CHECK(must(first->take_lease(claim_of("a"))).is_ours);
  CHECK(must(first->take_lease(claim_of("a"))).is_ours);
  const Lease refused = must(second->take_lease(claim_of("b")));
  CHECK_FALSE(refused.is_ours);
  CHECK(refused.holder == "a");
  CHECK(refused.whereabouts == "far-away boot namespace 1 1");
  CHECK(refused.left_us > 500 * second_us);
  CHECK(must(first->renew_lease(claim_of("a"))).renewals > refused.renewals);
  must(second->give_up_lease(claim_of("b")));
  CHECK(must(first->renew_lease(claim_of("a"))).is_ours);
  must(first->give_up_lease(claim_of("a")));
  CHECK(must(second->take_lease(claim_of("b"))).is_ours);
}

TEST_CASE_METHOD(Database, "postgres: a lease that is over is another's, and is not renewed back") {
  REQUIRE(must(first->take_lease(claim_of("a", 1))).is_ours);
  CHECK(must(second->take_lease(claim_of("b"))).is_ours);
  CHECK_FALSE(must(first->renew_lease(claim_of("a"))).is_ours);
  must(second->give_up_lease(claim_of("b")));
  CHECK_FALSE(must(first->renew_lease(claim_of("a"))).is_ours);
}

TEST_CASE_METHOD(Database,
                 "postgres: a lease over by its own time may be renewed while no other took it") {
  REQUIRE(must(first->take_lease(claim_of("a", 1))).is_ours);
  CHECK(must(first->renew_lease(claim_of("a"))).is_ours);
  CHECK_FALSE(must(second->take_lease(claim_of("b"))).is_ours);
}

TEST_CASE_METHOD(Database,
                 "postgres: a second node is refused beside a live one, and let in after it") {
  auto lease = taken(NodeLease::take(*first, {5'000, {}}, fate));
  const Taken refused = NodeLease::take(*second, {5'000, {}}, fate);
  REQUIRE(error_of(refused));
  CHECK(error_of(refused)->detail.find("in use by the node with pid " + std::to_string(getpid())) !=
        std::string::npos);
  CHECK(lease->is_held());
  lease.reset();
  CHECK(taken(NodeLease::take(*second, {5'000, {}}, fate))->is_held());
  CHECK_FALSE(fate.has_ended());
}

TEST_CASE_METHOD(Database,
                 "postgres: the lease of a process that died here is taken over at once") {
  LeaseClaim dead = claim_of("a");
  dead.whereabouts = whereabouts_of_a_dead_one();
  REQUIRE(must(first->take_lease(dead)).is_ours);
  int waits = 0;
  const auto count = [&waits](std::int64_t) { return ++waits > 0; };
  CHECK(taken(NodeLease::take(*second, {1'000, count}, fate))->is_held());
  CHECK(waits == 0);
  CHECK_FALSE(is_certainly_dead(whereabouts_of_this_process()));
  CHECK_FALSE(is_certainly_dead("far-away boot namespace 1 1"));
  CHECK_FALSE(is_certainly_dead(""));
}

TEST_CASE_METHOD(
    Database,
    "postgres: a node nobody can know dead is waited for, and not longer than its lease") {
  REQUIRE(must(first->take_lease(claim_of("a", second_us / 2))).is_ours);
  const auto began = std::chrono::steady_clock::now();
  CHECK(taken(NodeLease::take(*second, {1'000, {}}, fate))->is_held());
  CHECK(std::chrono::steady_clock::now() - began > std::chrono::milliseconds(300));

  const auto give_up = [](std::int64_t) { return false; };
  REQUIRE(must(first->take_lease(claim_of("c"))).is_ours);
  CHECK(error_of(NodeLease::take(*second, {1'000, give_up}, fate)));
}

TEST_CASE_METHOD(Database,
                 "postgres: a node that was taken over is told so once, and must not go on") {
  std::atomic<int> ends{0};
  fate.when_ended([&ends] { ++ends; });
  const auto lease = taken(NodeLease::take(*first, {500, {}}, fate));
  pqxx::connection connection{url};
  pqxx::nontransaction{connection}.exec("UPDATE welkin.node_lease SET holder = 'b'");
  CHECK(comes_true([this] { return fate.has_ended(); }));
  CHECK(fate.reason() == fenced_reason);
  fate.end(part_failed_reason, "later");
  CHECK(fate.reason() == fenced_reason);
  CHECK(comes_true([&ends] { return ends == 1; }));
}

TEST_CASE_METHOD(
    Database, "postgres: a node that cannot renew stops serving, and goes on when it can again") {
  const auto lease = taken(NodeLease::take(*first, {1'000, {}}, fate));
  server().stop();
  CHECK(comes_true([&lease] { return !lease->is_held(); }));
  server().start();
  CHECK(comes_true([&lease] { return lease->is_held(); }));
  CHECK_FALSE(fate.has_ended());
}
