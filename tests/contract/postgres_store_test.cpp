// The PostgreSQL store under the common contract, and under what only a server can do to it:
// sessions ended from outside, restarts, a commit whose answer never arrives.
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <functional>
#include <pqxx/pqxx>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "persistence/postgres/connection.hpp"
#include "tests/contract/postgres_fixture.hpp"

using namespace welkin;
using namespace welkin::test;
using welkin::postgres::BackOff;

namespace {

class PostgresFixture final : public StoreFixture {
 public:
  std::unique_ptr<JournalStore> open() override { return open_or_fail(url_); }

 private:
  const std::string url_ = server().url(server().create_database());
};

// A TCP door to the server's socket that can lose answers. Of what passes it knows one word alone.
class LossyProxy {
 public:
  explicit LossyProxy(std::string socket_path) : socket_path_(std::move(socket_path)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(listener_, 16) == 0);
    REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread{[this] { accept_all(); }};
  }
  ~LossyProxy() {
    shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    for (std::thread& link : links_) link.join();
    close(listener_);
  }

  std::string url(const std::string& database) const {
    return "postgresql://postgres@127.0.0.1:" + std::to_string(port_) + "/" + database;
  }
  // The server gets the next message with this word in it, and its answer is lost with the link.
  void lose_answer_to(const char* word) { word_ = word; }

 private:
  void accept_all() {
    for (int client; (client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;)
      links_.emplace_back([this, client] {
        const int upstream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, socket_path_.c_str(), sizeof address.sun_path - 1);
        if (connect(upstream, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
          relay(client, upstream);
        close(upstream);
        close(client);
      });
  }

  void relay(int client, int upstream) {
    std::vector<char> buffer(1 << 16);
    bool losing = false;
    while (true) {
      pollfd ends[] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
      if (poll(ends, 2, -1) < 0) return;
      const bool from_client = ends[0].revents != 0;
      const ssize_t size = read(from_client ? client : upstream, buffer.data(), buffer.size());
      if (size <= 0) return;
      const std::string_view bytes{buffer.data(), static_cast<std::size_t>(size)};
      const char* word = word_;
      if (from_client && word != nullptr && bytes.find(word) != std::string_view::npos) {
        word_ = nullptr;
        losing = true;
      }
      // The server has answered, so what was asked of it is done.
      if (!from_client && losing) return;
      if (!send_all(from_client ? upstream : client, bytes)) return;
    }
  }

  static bool send_all(int to, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  const std::string socket_path_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<const char*> word_{nullptr};
  std::vector<std::thread> links_;
  std::thread acceptor_;
};

}  // namespace

TEST_CASE("the PostgreSQL store keeps the contract") {
  PostgresFixture fixture;
  run_journal_store_contract(fixture);
}

TEST_CASE("postgres: a terminated session costs one append, and the next one is written") {
  const std::string database = server().create_database();
  const auto store = open_claimed(server().url(database));
  REQUIRE(is_committed(try_append(*store, rows_for(stream_number(1), 0, 1))));
  CHECK(rows_of(*store, stream_number(1)) == 1);

  server().terminate_backends(database);
  CHECK(kind_of(try_append(*store, rows_for(stream_number(1), 1, 1))) ==
        StoreErrorKind::unavailable);
  // Nothing of it is there, and readers, whose sessions died as well, do not even notice.
  CHECK(rows_of(*store, stream_number(1)) == 1);
  REQUIRE(is_committed(try_append(*store, rows_for(stream_number(1), 1, 1))));
  CHECK(rows_of(*store, stream_number(1)) == 2);

  server().terminate_backends(database);
  ViewDelta delta;
  delta.position = 2;
  delta.epoch = 1;
  REQUIRE(!error_of(store->checkpoint(delta)));  // its own session was not open yet
  server().terminate_backends(database);
  CHECK(kind_of(store->checkpoint(delta)) == StoreErrorKind::unavailable);
  CHECK(!error_of(store->checkpoint(delta)));
}

TEST_CASE(
    "postgres: while the server is away the store says so at once, and comes back by itself") {
  const std::string database = server().create_database();
  const auto store = open_claimed(server().url(database));
  REQUIRE(is_committed(try_append(*store, rows_for(stream_number(1), 0, 1))));

  server().stop();
  CHECK(kind_of(try_append(*store, rows_for(stream_number(1), 1, 1))) ==
        StoreErrorKind::unavailable);
  CHECK(kind_of(try_append(*store, rows_for(stream_number(1), 1, 1))) ==
        StoreErrorKind::unavailable);
  CHECK(kind_of(store->read_stream(stream_number(1))) == StoreErrorKind::unavailable);
  // Between two attempts nothing is tried, and the answer tells what the last attempt met.
  CHECK(comes_true([&] {
    const auto refused = store->probe();
    return error_of(refused) && error_of(refused)->detail.find("waiting to reconnect; last: ") == 0;
  }));
  server().start();

  REQUIRE(comes_true([&] { return !error_of(store->probe()); }));
  CHECK(rows_of(*store, stream_number(1)) == 1);
  CHECK(is_committed(try_append(*store, rows_for(stream_number(1), 1, 1))));
}

TEST_CASE("postgres: back-off doubles from 100 ms to 5 s and forgets on success") {
  using std::chrono::milliseconds;
  const BackOff::Clock::time_point now{std::chrono::hours{1}};
  BackOff back_off;
  CHECK(back_off.may_try(now));
  for (const int delay_ms : {100, 200, 400, 800, 1'600, 3'200, 5'000, 5'000}) {
    CAPTURE(delay_ms);
    back_off.failed(now);
    CHECK_FALSE(back_off.may_try(now + milliseconds{delay_ms * 3 / 4 - 1}));
    CHECK(back_off.may_try(now + milliseconds{delay_ms}));
  }
  back_off.succeeded();
  CHECK(back_off.may_try(now));
  back_off.failed(now);
  CHECK(back_off.may_try(now + milliseconds{100}));
}

TEST_CASE("postgres: a session that died stays dead, so nothing it had set is lost unseen") {
  const std::string database = server().create_database();
  const auto target = postgres::ConnectTarget::parse(server().url(database), false);
  REQUIRE(!error_of(target));
  postgres::Session session{std::get<postgres::ConnectTarget>(target)};
  const auto ask = [&] { pqxx::nontransaction{session.connection}.exec("SELECT 1"); };
  ask();
  server().terminate_backends(database);
  for (int tries = 0; tries < 3; ++tries) CHECK_THROWS_AS(ask(), pqxx::broken_connection);
  CHECK_FALSE(session.is_open());
}

TEST_CASE("postgres: readers share four sessions, and replace them all when one was found dead") {
  const std::string database = server().create_database();
  const auto store = open_claimed(server().url(database));
  pqxx::connection observer{server().url(database)};
  pqxx::connection holder{server().url(database)};
  pqxx::work holding{holder};
  holding.exec("LOCK TABLE welkin.events IN ACCESS EXCLUSIVE MODE");
  std::atomic<int> answered{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 6; ++i)
    readers.emplace_back([&] {
      if (!error_of(store->read_all(0, 10))) ++answered;
    });
  CHECK(comes_true([&] { return lock_waiters(observer) == 4; }));
  holding.commit();
  for (std::thread& reader : readers) reader.join();
  CHECK(answered == 6);

  CHECK(pqxx::nontransaction{observer}
            .exec1("SELECT count(*) FROM pg_stat_activity"
                   " WHERE datname = current_database() AND application_name = 'welkin'")[0]
            .as<int>() == 5);  // four and the journal's
  server().terminate_backends(database);
  CHECK(!error_of(store->read_all(0, 10)));
}

TEST_CASE("postgres: rows are readable in SQL, payload and hashes as they were") {
  const std::string database = server().create_database();
  const auto store = open_claimed(server().url(database));
  StreamAppend written = rows_for(stream_number(9), 0, 1);
  written.rows[0].payload = R"({"amount_minor": 1200,  "note":"a \"quoted\" \\ 苍穹 {x,y}"})";
  written.rows[0].at_us = 1'700'000'000'123'456;
  REQUIRE(is_committed(try_append(*store, written)));

  pqxx::connection connection{server().url(database)};
  const pqxx::row row = pqxx::nontransaction{connection}.exec1(
      "SELECT stream, seq, payload->>'amount_minor', payload->>'note', payload::text, type,"
      " to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US'), causation_id, hash"
      " FROM welkin.journal");
  CHECK(row[0].as<std::string>() == stream_number(9).text());
  CHECK(row[1].as<int>() == 1);
  CHECK(row[2].as<int>() == 1200);
  CHECK(row[3].as<std::string>() == "a \"quoted\" \\ 苍穹 {x,y}");
  CHECK(row[4].as<std::string>() == written.rows[0].payload);
  CHECK(row[5].as<std::string>() == "payment_paid");
  CHECK(row[6].as<std::string>() == "2023-11-14T22:13:20.123456");
  CHECK(row[7].as<std::string>() == "cause");
  CHECK(row[8].as<std::string>() == hex(written.rows[0].hash));
}

TEST_CASE("postgres: a commit whose answer was lost is in doubt, and its rows can be read back") {
  const std::string database = server().create_database();
  LossyProxy proxy{server().socket_path()};
  {
    const auto store = open_claimed(proxy.url(database));
    proxy.lose_answer_to("COMMIT");
    CHECK(kind_of(try_append(*store, rows_for(stream_number(1), 0, 3))) ==
          StoreErrorKind::in_doubt);
    CHECK(rows_of(*store, stream_number(1)) == 3);
    CHECK(is_committed(try_append(*store, rows_for(stream_number(1), 3, 1))));
  }
}

TEST_CASE("postgres: an answer lost before the commit means that nothing was written") {
  const std::string database = server().create_database();
  LossyProxy proxy{server().socket_path()};
  {
    const auto store = open_claimed(proxy.url(database));
    REQUIRE(is_committed(try_append(*store, rows_for(stream_number(2), 0, 1))));
    proxy.lose_answer_to("payment_paid");  // stands in the rows, and so in the insert alone
    CHECK(kind_of(try_append(*store, rows_for(stream_number(1), 0, 3))) ==
          StoreErrorKind::unavailable);
    CHECK(rows_of(*store, stream_number(1)) == 0);
    CHECK(is_committed(try_append(*store, rows_for(stream_number(1), 0, 3))));
    const auto all = store->read_all(0, 100);
    REQUIRE(!error_of(all));
    const auto& rows = std::get<std::vector<EventRow>>(all);
    REQUIRE(rows.size() == 4);
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK(rows[i].position == i + 1);
  }
}

TEST_CASE("postgres: no error text holds the password") {
  const std::string host =
      "?host=" + server().socket_path().substr(0, server().socket_path().rfind('/'));
  const std::string database = server().create_database();
  const std::pair<const char*, std::string> cases[] = {
      {"wrong password", "postgresql://locked:hunter2%21@/" + database + host},
      {"password as a setting",
       "postgresql:///" + database + host + "&user=locked&password=hunter2"},
      {"nobody listens", "postgresql://locked:hunter2@127.0.0.1:1/" + database},
      {"a % that encodes nothing", "postgresql://locked:hunter2%zz@127.0.0.1/" + database},
      {"a / in it", "postgresql://locked:hun/ter2@127.0.0.1/" + database},
      {"an @ in it", "postgresql://locked:hun@ter2@127.0.0.1/" + database},
      {"an unknown setting", "postgresql://locked:hunter2@127.0.0.1/x?hunter2=hunter2"},
      {"another scheme", "mysql://locked:hunter2@127.0.0.1/x"},
  };
  for (const auto& [name, url] : cases) {
    CAPTURE(name);
    const std::string detail = refusal_of(url);
    CAPTURE(detail);
    CHECK(!detail.empty());
    CHECK(detail.find("hun") == std::string::npos);
    CHECK(detail.find("ter2") == std::string::npos);
  }
}

TEST_CASE("postgres: a user's own options are kept, but not against durability") {
  const std::string database = server().create_database();
  const auto store = open_claimed(server().url(database) +
                                  "&options=-c%20synchronous_commit%3Doff%20-c%20work_mem%3D123kB");
  REQUIRE(is_committed(try_append(*store, rows_for(stream_number(1), 0, 1))));
  // Only a session can say how it is set, so one is made as the store makes its own.
  const auto target = postgres::ConnectTarget::parse(
      server().url(database) + "&options=-c%20synchronous_commit%3Doff%20-c%20work_mem%3D123kB",
      false);
  postgres::Session session{std::get<postgres::ConnectTarget>(target)};
  pqxx::nontransaction statements{session.connection};
  CHECK(statements.exec1("SHOW synchronous_commit")[0].as<std::string>() == "on");
  CHECK(statements.exec1("SHOW work_mem")[0].as<std::string>() == "123kB");
  CHECK(statements.exec1("SHOW search_path")[0].as<std::string>() == "welkin");
}

TEST_CASE("postgres: read-only neither makes a schema nor writes to one") {
  const std::string database = server().create_database();
  CHECK(refusal_of(server().url(database), true).find("no journal") != std::string::npos);
  const auto owner = open_claimed(server().url(database));
  REQUIRE(is_committed(try_append(*owner, rows_for(stream_number(1), 0, 1))));

  const auto reader = open_or_fail(server().url(database), true);
  CHECK(rows_of(*reader, stream_number(1)) == 1);
  CHECK(kind_of(try_append(*reader, rows_for(stream_number(1), 1, 1))) ==
        StoreErrorKind::unavailable);
  CHECK(kind_of(reader->claim_epochs(shard_count)) == StoreErrorKind::unavailable);
  CHECK(kind_of(reader->probe()) == StoreErrorKind::unavailable);
  CHECK(kind_of(reader->checkpoint({})) == StoreErrorKind::unavailable);
  CHECK(is_committed(try_append(*owner, rows_for(stream_number(1), 1, 1))));
}

TEST_CASE("postgres: a schema from a newer program is refused") {
  const std::string database = server().create_database();
  open_or_fail(server().url(database));
  pqxx::connection connection{server().url(database)};
  pqxx::nontransaction{connection}.exec(
      "INSERT INTO welkin.schema_migrations (number, name) VALUES (9999, 'from the future')");
  CHECK(refusal_of(server().url(database)).find("9999") != std::string::npos);
  CHECK(refusal_of(server().url(database), true).find("9999") != std::string::npos);
}

TEST_CASE("postgres: nodes that start together migrate once") {
  const std::string url = server().url(server().create_database());
  std::atomic<int> opened{0};
  std::vector<std::thread> nodes;
  for (int i = 0; i < 4; ++i)
    nodes.emplace_back([&] {
      if (!error_of(open_postgres_store({url}))) ++opened;
    });
  for (std::thread& node : nodes) node.join();
  CHECK(opened == 4);
}

TEST_CASE("postgres: what does not fit is judged alone, also when two items share a stream") {
  const auto store = open_claimed(server().url(server().create_database()));
  REQUIRE(is_committed(try_append(*store, rows_for(stream_number(1), 0, 2))));
  std::vector<StreamAppend> batch{
      rows_for(stream_number(2), 0, 2),
      rows_for(stream_number(1), 1, 1),  // written already
      rows_for(stream_number(2), 2, 1),
      rows_for(stream_number(3), 5, 1),  // nothing precedes it
      rows_for(stream_number(1), 2, 1),
      rows_for(stream_number(1), 2, 1),     // the same place twice
      rows_for(stream_number(4), 0, 1, 0),  // an epoch nobody holds any more
  };
  const auto result = store->append(batch);
  REQUIRE(!error_of(result));
  const auto& results = std::get<std::vector<AppendResult>>(result);
  const auto status = [&](std::size_t i) { return results.at(i).status; };
  CHECK(status(0) == AppendStatus::committed);
  CHECK(status(1) == AppendStatus::sequence_conflict);
  CHECK(results[1].actual_seq == 2);
  CHECK(status(2) == AppendStatus::committed);
  CHECK(status(3) == AppendStatus::sequence_conflict);
  CHECK(results[3].actual_seq == 0);
  CHECK(status(4) == AppendStatus::committed);
  CHECK(status(5) == AppendStatus::sequence_conflict);
  CHECK(results[5].actual_seq == 3);
  CHECK(status(6) == AppendStatus::stale_epoch);

  const auto all = store->read_all(0, 100);
  REQUIRE(!error_of(all));
  const auto& rows = std::get<std::vector<EventRow>>(all);
  REQUIRE(rows.size() == 6);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(rows[i].position == i + 1);
  CHECK(batch[0].rows[1].position == 4);
  CHECK(batch[4].rows[0].position == 6);
}

TEST_CASE("postgres: a batch that is refused for one gap alone leaves nothing behind") {
  const auto store = open_claimed(server().url(server().create_database()));
  const auto refused = try_append(*store, rows_for(stream_number(1), 3, 1));
  REQUIRE(!error_of(refused));
  const AppendResult& result = std::get<std::vector<AppendResult>>(refused).at(0);
  CHECK(result.status == AppendStatus::sequence_conflict);
  CHECK(result.actual_seq == 0);
  std::vector<StreamAppend> next{rows_for(stream_number(1), 0, 1)};
  REQUIRE(!error_of(store->append(next)));
  CHECK(next[0].rows[0].position == 1);
}

TEST_CASE("postgres: a full disk is told from a failing server, in the insert and in the commit") {
  const std::string url = server().url(server().create_database());
  const auto store = open_claimed(url);
  pqxx::connection connection{url};
  // A server that fails as told, with the words of a real one.
  const auto fail_with = [&](const std::string& when, const std::string& what) {
    pqxx::nontransaction{connection}.exec(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + what +
        "; RETURN NULL; END $$; DROP TRIGGER IF EXISTS failing ON welkin.events;"
        "CREATE CONSTRAINT TRIGGER failing AFTER INSERT ON welkin.events DEFERRABLE INITIALLY " +
        when + " FOR EACH ROW EXECUTE FUNCTION fail()");
  };
  const std::string disk_full = "RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'";
  const std::string terminated = "PERFORM pg_terminate_backend(pg_backend_pid())";
  const auto refused = [&] {
    return kind_of(try_append(*store, rows_for(stream_number(1), 0, 1)));
  };

  fail_with("IMMEDIATE", disk_full);
  CHECK(refused() == StoreErrorKind::full);
  fail_with("IMMEDIATE", terminated);
  CHECK(refused() == StoreErrorKind::unavailable);
  fail_with("DEFERRED", disk_full);
  CHECK(refused() == StoreErrorKind::full);
  // The server does say why it went, but not how far the commit had come.
  fail_with("DEFERRED", terminated);
  CHECK(refused() == StoreErrorKind::in_doubt);

  pqxx::nontransaction{connection}.exec("DROP TRIGGER failing ON welkin.events");
  CHECK(is_committed(try_append(*store, rows_for(stream_number(1), 0, 1))));
}

TEST_CASE("postgres: two writers at once leave no gap and hide no row from a follower") {
  const std::string url = server().url(server().create_database());
  const auto owner = open_claimed(url);
  constexpr int batches = 50;
  std::atomic<int> running{2};
  std::atomic<int> failures{0};
  std::vector<std::thread> writers;
  for (std::uint64_t writer = 1; writer <= 2; ++writer)
    writers.emplace_back([&, writer] {
      auto opened = open_postgres_store({url});
      if (error_of(opened)) {
        ++failures;
      } else {
        JournalStore& store = *std::get<std::unique_ptr<JournalStore>>(opened);
        for (std::uint64_t seq = 0; seq < 4 * batches; seq += 4)
          if (!is_committed(try_append(store, rows_for(stream_number(writer), seq, 4)))) ++failures;
      }
      --running;
    });
  std::uint64_t position = 0;
  bool gapless = true;
  for (bool last_look = false; !last_look;) {
    last_look = running == 0;
    const auto rows = owner->read_all(position, 1'000);
    if (error_of(rows)) {
      gapless = false;
      continue;
    }
    for (const EventRow& row : std::get<std::vector<EventRow>>(rows))
      gapless = gapless && row.position == ++position;
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(failures == 0);
  CHECK(gapless);
  CHECK(position == 2 * 4 * batches);
}
