// Who may write, as a row that its holder renews by the database's clock.
#pragma once

#include "persistence/postgres/connection.hpp"

namespace welkin::postgres {

StoreResult<Lease> take_lease(WriteLane& lane, const LeaseClaim& claim);
StoreResult<Lease> renew_lease(WriteLane& lane, const LeaseClaim& claim);
StoreResult<Done> give_up_lease(WriteLane& lane, const LeaseClaim& claim);

}  // namespace welkin::postgres
