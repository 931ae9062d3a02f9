// The first answer to a request, found again from events alone: whatever came first, the channel's
// answer or a callback that overtook it, the same key must show what was shown then.
#include <catch2/catch.hpp>

#include "protocol/payment/decide.hpp"
#include "protocol/payment/first_answer.hpp"
#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

using V = ChannelVerdict;
using S = PaymentState;

// A script that also keeps who caused each event, as the journal does.
struct Recorded {
  PaymentScript script;
  std::vector<RecordedEvent> events;

  std::size_t size() const { return events.size(); }
  void keep(const std::vector<PaymentEvent>& taken, const std::string& causation_id) {
    for (const PaymentEvent& event : taken) events.push_back({event, causation_id, script.now_us});
  }
  Recorded& create() {
    keep(script.take(script.create_body()), "request:create");
    return *this;
  }
  Recorded& hear(V verdict, ReportSource source) {
    if (source == ReportSource::query) script.now_us += answer_patience_us;  // asked no sooner
    ChannelReport report = script.report(verdict);
    report.source = source;
    report.operation = ChannelOperation::create;
    keep(script.take(report), std::string(name_of(source)) + ":1");
    return *this;
  }
  Recorded& refund(const std::string& number) {
    RefundPayment body;
    body.merchant_refund_no = number;
    body.amount_minor = 100;
    keep(script.take(body), "request:" + number);
    return *this;
  }
};

FirstAnswer answer_to(const Recorded& recorded, std::size_t request) {
  const auto answer = first_answer(recorded.events, request);
  REQUIRE(answer.has_value());
  return *answer;
}

}  // namespace

TEST_CASE("a create was answered when the channel had accepted, and what came later is not in it") {
  Recorded r;
  r.create().hear(V::accepted, ReportSource::answer).hear(V::paid, ReportSource::callback);
  const FirstAnswer answer = answer_to(r, 0);
  CHECK(answer.seq == 3);
  CHECK(answer.payment.state == S::paying);
}

TEST_CASE("a create whose payer was faster than the channel's answer was answered as paid") {
  Recorded r;
  r.create().hear(V::paid, ReportSource::callback);
  CHECK(answer_to(r, 0).payment.state == S::paid);
}

TEST_CASE("a create whose call timed out was answered as open, whatever a later query brought") {
  Recorded r;
  r.create().hear(V::unknown, ReportSource::answer).hear(V::paid, ReportSource::query);
  const FirstAnswer answer = answer_to(r, 0);
  CHECK(answer.seq == 3);
  CHECK(answer.payment.state == S::paying);
}

TEST_CASE("a create that nobody answered is shown as recorded, and settling does not change that") {
  Recorded r;
  r.create();
  CHECK(answer_to(r, 0).seq == 2);
  r.hear(V::paid, ReportSource::query);
  CHECK(answer_to(r, 0).seq == 2);
  CHECK(answer_to(r, 0).payment.state == S::paying);
}

TEST_CASE("a close was answered when an earlier question found the order closed") {
  Recorded r;
  r.create().hear(V::accepted, ReportSource::answer);
  const std::size_t close = r.size();
  r.keep(r.script.take(ClosePayment{}), "req_close");
  ChannelReport earlier = r.script.report(V::closed);
  earlier.source = ReportSource::query;
  r.keep(r.script.take(earlier), "query:7");
  CHECK(answer_to(r, close).payment.state == S::closed);
}

TEST_CASE("a refund was answered when its own outcome was known, not another's") {
  Recorded r;
  r.create().hear(V::paid, ReportSource::callback);
  r.refund("first").refund("second");
  const std::size_t first = r.size() - 2;
  for (const char* number : {"first", "second"}) {
    const std::string id = refund_id_of(r.script.id, number).text();
    r.keep(r.script.take(r.script.refund_report(V::refunded, id)), "answer:" + id);
  }
  CHECK(answer_to(r, first).seq == r.size() - 1);
  CHECK(answer_to(r, first + 1).seq == r.size());
}

TEST_CASE("two requests that an old journal has under one cause are told apart by their time") {
  Recorded r;
  r.create().hear(V::paid, ReportSource::answer);
  const std::size_t answered = r.size();
  r.script.now_us += us_per_s;
  r.refund("later");
  for (RecordedEvent& event : r.events)
    if (event.causation_id.rfind("request:", 0) == 0) event.causation_id = "job-7";
  CHECK(answer_to(r, 0).seq == answered);
}

TEST_CASE("a request whose client calls it timer is answered like any other") {
  Recorded r;
  r.create();
  r.script.now_us += 60 * us_per_s;  // nobody waits any more for what comes by itself
  r.hear(V::paid, ReportSource::callback);
  for (RecordedEvent& event : r.events)
    if (auto* created = std::get_if<PaymentCreated>(&event.event))
      created->request.request_id = "timer";
  CHECK(answer_to(r, 0).payment.state == S::paid);
  r.events.back().causation_id = "timer:1767225600000000";
  CHECK(answer_to(r, 0).payment.state == S::paying);
  r.events.back().causation_id = "timer";  // as the first journals have it
  CHECK(answer_to(r, 0).payment.state == S::paying);
}

TEST_CASE("a request that is not in the stream has no answer") {
  Recorded r;
  r.create();
  CHECK_FALSE(first_answer(r.events, 2).has_value());
  r.events.erase(r.events.begin());
  CHECK_FALSE(first_answer(r.events, 0).has_value());
}
