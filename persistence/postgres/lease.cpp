// One row, changed by statements that say under which condition; an empty holder is nobody.
#include "persistence/postgres/lease.hpp"

namespace welkin::postgres {
namespace {

constexpr const char* take_sql =
    "UPDATE node_lease SET holder = $1, whereabouts = $2, renewals = renewals + 1,"
    " ends_at = clock_timestamp() + $3 * interval '1 microsecond'"
    " WHERE holder IN ('', $1, $4) OR ends_at <= clock_timestamp()";
constexpr const char* renew_sql =
    "UPDATE node_lease SET renewals = renewals + 1,"
    " ends_at = clock_timestamp() + $2 * interval '1 microsecond' WHERE holder = $1";
constexpr const char* give_up_sql =
    "UPDATE node_lease SET holder = '', whereabouts = '', ends_at = clock_timestamp()"
    " WHERE holder = $1";
constexpr const char* look_sql =
    "SELECT holder, whereabouts, renewals,"
    " floor(extract(epoch FROM ends_at - clock_timestamp()) * 1000000)::bigint FROM node_lease";

Lease lease_of(pqxx::work& work, const LeaseClaim& claim) {
  const pqxx::row row = work.exec1(look_sql);
  Lease lease;
  lease.holder = row[0].as<std::string>();
  lease.whereabouts = row[1].as<std::string>();
  lease.renewals = row[2].as<std::uint64_t>();
  lease.left_us = row[3].as<std::int64_t>();
  lease.is_ours = lease.holder == claim.holder;
  return lease;
}

StoreResult<Lease> change(WriteLane& lane, const LeaseClaim& claim,
                          const std::function<void(pqxx::work&)>& statement) {
  Lease lease;
  const StoreResult<Done> done = lane.transact([&](pqxx::work& work) -> StoreResult<Verdict> {
    statement(work);
    lease = lease_of(work, claim);
    return Verdict::commit;
  });
  if (const StoreError* error = error_of(done)) return *error;
  return lease;
}

}  // namespace

StoreResult<Lease> take_lease(WriteLane& lane, const LeaseClaim& claim) {
  return change(lane, claim, [&](pqxx::work& work) {
    work.exec_params(take_sql, claim.holder, claim.whereabouts, claim.length_us,
                     claim.successor_of);
  });
}

StoreResult<Lease> renew_lease(WriteLane& lane, const LeaseClaim& claim) {
  return change(lane, claim, [&](pqxx::work& work) {
    // A slow disk must not cost the lease. What a crash of the server takes back is less than the
    // time by which a node stops serving early.
    work.exec("SET LOCAL synchronous_commit = off");
    work.exec_params(renew_sql, claim.holder, claim.length_us);
  });
}

StoreResult<Done> give_up_lease(WriteLane& lane, const LeaseClaim& claim) {
  return lane.transact([&](pqxx::work& work) -> StoreResult<Verdict> {
    work.exec_params(give_up_sql, claim.holder);
    return Verdict::commit;
  });
}

}  // namespace welkin::postgres
