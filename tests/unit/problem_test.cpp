#include "protocol/problem.hpp"

#include <catch2/catch.hpp>
#include <set>

using namespace welkin;

namespace {

constexpr int problem_code_count = static_cast<int>(ProblemCode::internal) + 1;

}  // namespace

TEST_CASE("every problem has a name of its own, a title and an error status") {
  std::set<std::string_view> names;
  for (int i = 0; i < problem_code_count; ++i) {
    const ProblemSpec& spec = spec_of(static_cast<ProblemCode>(i));
    CAPTURE(spec.name);
    CHECK(static_cast<int>(spec.code) == i);
    CHECK(names.insert(spec.name).second);
    CHECK_FALSE(spec.title.empty());
    CHECK(spec.http_status >= 400);
    CHECK(spec.http_status < 600);
    CHECK(spec.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string_view::npos);
  }
}

TEST_CASE("whoever is told to come back later is told when") {
  for (int i = 0; i < problem_code_count; ++i) {
    const ProblemSpec& spec = spec_of(static_cast<ProblemCode>(i));
    CAPTURE(spec.name);
    if (spec.http_status == 503) CHECK(spec.retry_after_s > 0);
    // A definite refusal with a Retry-After would send clients into a loop.
    if (spec.http_status == 400 || spec.http_status == 422) CHECK(spec.retry_after_s == 0);
  }
}

TEST_CASE("the codes clients act on keep their statuses") {
  struct Row {
    ProblemCode code;
    const char* name;
    int status;
  };
  const auto row = GENERATE(values<Row>({
      {ProblemCode::malformed_json, "malformed_json", 400},
      {ProblemCode::amount_out_of_range, "amount_out_of_range", 400},
      {ProblemCode::unauthorized, "unauthorized", 401},
      {ProblemCode::not_found, "not_found", 404},
      {ProblemCode::order_exists_with_other_body, "order_exists_with_other_body", 409},
      {ProblemCode::refund_exists_with_other_body, "refund_exists_with_other_body", 409},
      {ProblemCode::idempotency_in_flight, "idempotency_in_flight", 409},
      {ProblemCode::idempotency_key_reused, "idempotency_key_reused", 422},
      {ProblemCode::illegal_transition, "illegal_transition", 409},
      {ProblemCode::operation_in_progress, "operation_in_progress", 409},
      {ProblemCode::amount_exceeds_authorized, "amount_exceeds_authorized", 422},
      {ProblemCode::amount_exceeds_refundable, "amount_exceeds_refundable", 422},
      {ProblemCode::limit_reached, "limit_reached", 409},
      {ProblemCode::report_mismatch, "report_mismatch", 422},
      {ProblemCode::unknown_serial, "unknown_serial", 401},
      {ProblemCode::wrong_account, "wrong_account", 422},
      {ProblemCode::broken_ciphertext, "broken_ciphertext", 422},
      {ProblemCode::malformed_callback, "malformed_callback", 400},
      {ProblemCode::body_too_large, "body_too_large", 413},
      {ProblemCode::overloaded, "overloaded", 503},
      {ProblemCode::store_unavailable, "store_unavailable", 503},
      {ProblemCode::outcome_unknown, "outcome_unknown", 503},
      {ProblemCode::entity_parked, "entity_parked", 503},
      {ProblemCode::internal, "internal", 500},
  }));
  CAPTURE(row.name);
  CHECK(spec_of(row.code).name == row.name);
  CHECK(spec_of(row.code).http_status == row.status);
}
