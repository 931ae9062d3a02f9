// Callbacks that nobody believes, as the payment they name meets them.
#include <caf/all.hpp>
#include <catch2/catch.hpp>

#include "tests/support/step_system.hpp"

using namespace welkin;
using V = ChannelVerdict;

namespace {

struct RunningNode : StepSystem {
  RunningNode() { start(); }
};

}  // namespace

TEST_CASE_METHOD(
    RunningNode,
    "callbacks that are not believed leave a few lines, release nobody and stop nothing") {
  const PaymentId id = create().payment;
  const auto asked = submit(create());
  settle();
  const auto send_refused = [&] {
    auto request = std::make_shared<ReportRequest>();
    request->report.payment = id;
    request->report.source = ReportSource::callback;
    request->report.id = "refused";
    request->refused = Problem{ProblemCode::bad_signature, "", ""};
    caf::anon_send(context().shard(id), report_atom::value, ReportRequestPtr(std::move(request)));
    settle();
  };
  for (int i = 0; i < 10; ++i) send_refused();
  CHECK(answer(asked) == "");
  CHECK(story(id) == "created+started+report_refused+report_refused+report_refused");
  CHECK(metrics().reports_refused.Value() == 0);
  channel.answer(V::accepted);
  settle();
  CHECK(answer(asked) == "PAYING");
}
