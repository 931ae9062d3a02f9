// The tables of the three kinds of database file, as numbered migrations.
#pragma once

#include <cstddef>

#include "persistence/sqlite/sqlite_connection.hpp"

namespace welkin::sqlite {

struct Migration {
  int number;  // 1, 2, 3 …: append below, never edit one that was released
  const char* name;
  const char* sql;
};

struct Schema {
  const char* kind;  // for messages: "segment"
  const Migration* migrations;
  std::size_t count;
};

extern const Schema segment_schema;
extern const Schema views_schema;
extern const Schema meta_schema;

// Applies what is missing, in order, in one transaction. Refuses a file newer than this program.
Failure migrate(Connection& connection, const Schema& schema);

// For a reader, who may not migrate: the number of the newest migration applied, 0 for a file
// that has no tables yet. Refuses a newer schema, and one older than `oldest_known`.
StoreResult<int> check_schema(Connection& connection, const Schema& schema, int oldest_known = 0);

}  // namespace welkin::sqlite
