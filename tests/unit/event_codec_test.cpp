// The written form of events is what a journal is made of: each kind stands here byte for byte, and
// so do the hashes, which another program computed from the description of the format.
#include "protocol/payment/event_codec.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/payment_script.hpp"

using namespace welkin;

namespace {

using Json = nlohmann::ordered_json;

// One event of each kind, with every field set to something else than its default.
std::vector<PaymentEvent> samples() {
  const RequestMark mark{"key-1", "f1", "c-1"};
  const NextAction scan{"qr_code", "https://pay.example/qr/1"};
  const std::vector<Posting> postings{{"channel/sandbox", 10'000},
                                      {"merchant/m_1/payable", -10'000}};
  return {
      PaymentCreated{"m_1",
                     "order-1",
                     10'000,
                     currency_of("CNY"),
                     "sandbox",
                     "jsapi",
                     {"openid-1", "203.0.113.7", "pm_1"},
                     "tea",
                     CaptureMethod::manual,
                     1'767'227'400'000'000,
                     "https://shop.example/back",
                     {{"cart", "7"}, {"seat", "A"}},
                     mark},
      PaymentStarted{1, "sandbox", "sandbox_a", "7K7T604EREW7S6X1G4YB6GPKBA01", "priority 1", 11},
      PaymentRouteRefused{1, "sandbox_a", "breaker_open", "no calls for 10 s"},
      PaymentChannelAccepted{"ch_1", scan, ReportSource::answer, 12},
      PaymentUnsettled{ChannelOperation::refund, "rfd_1", Outcome::unknown, "timeout",
                       ReportSource::query, 3, 13},
      PaymentAuthorized{10'000, "ch_1", ReportSource::callback},
      PaymentCaptureRequested{4'000, 14, mark},
      PaymentCaptureRefused{"limit", "too late", ReportSource::query},
      PaymentPaid{10'000, "ch_1", ReportSource::callback, postings},
      PaymentFailed{"declined", "no money", ReportSource::callback},
      PaymentCloseRequested{CloseReason::expired, 15, mark},
      PaymentCloseRefused{"paid", "is paid", ReportSource::query, 16},
      PaymentVoidRequested{17, mark},
      PaymentVoidRefused{"late", "is captured", ReportSource::query},
      PaymentClosed{CloseReason::voided, ReportSource::callback},
      PaymentRefundRequested{"rfd_1", "r-1", 1'000, "broken cup", 18, mark},
      PaymentRefundSucceeded{"rfd_1", 1'000, "chr_1", ReportSource::query, postings},
      PaymentRefundFailed{"rfd_1", "closed", "account closed", ReportSource::callback},
      PaymentRefundReversed{"rfd_1", 1'000, "declined", "came back", ReportSource::callback,
                            postings},
      PaymentSurplusRecorded{"rfd_2", "sandbox_a", "7K7T604EREW7S6X1G4YB6GPKBA01", "ch_2", 10'000,
                             true, ReportSource::query, 19, postings},
      PaymentSurplusRefunded{"rfd_2", 10'000, "chr_2", ReportSource::query, postings},
      PaymentReportRefused{ReportSource::query, "currency", "CNY", "USD"},
      PaymentRequestRepeated{ChannelOperation::refund, "rfd_1", mark},
      PaymentParked{ChannelOperation::void_, "rfd_2", "tried enough"},
      PaymentResumed{"ops", 20, "c-2"},
      PaymentRefundNeedsAttention{"rfd_1", "ABNORMAL", "see to it", ReportSource::query, 2, 21},
      PaymentOutsideRefundRecorded{"rfd_3", "sandbox_a", "7K7T604EREW7S6X1G4YB6GPKBA01", "chr_3",
                                   10'000, ReportSource::callback, postings},
  };
}

// clang-format off
const char* const golden[] = {
    R"({"merchant_id":"m_1","merchant_order_no":"order-1","amount_minor":10000,"currency":"CNY",)"
    R"("channel":"sandbox","method":"jsapi",)"
    R"("payer":{"id":"openid-1","ip":"203.0.113.7","instrument":"pm_1"},)"
    R"("subject":"tea","capture_method":"manual",)"
    R"("expires_at_us":1767227400000000,"return_url":"https://shop.example/back",)"
    R"("metadata":{"cart":"7","seat":"A"},"request":{"idempotency_key":"key-1",)"
    R"("fingerprint":"f1","request_id":"c-1"}})",
    R"({"attempt":1,"channel":"sandbox","account":"sandbox_a",)"
    R"("channel_order_no":"7K7T604EREW7S6X1G4YB6GPKBA01","why":"priority 1",)"
    R"("next_query_at_us":11})",
    R"({"attempt":1,"account":"sandbox_a","code":"breaker_open","message":"no calls for 10 s"})",
    R"({"channel_reference":"ch_1","next_action":{"type":"qr_code",)"
    R"("value":"https://pay.example/qr/1"},"source":"answer","next_query_at_us":12})",
    R"({"operation":"refund","refund_id":"rfd_1","outcome":"unknown","detail":"timeout",)"
    R"("source":"query","tries":3,"next_query_at_us":13})",
    R"({"authorized_minor":10000,"channel_reference":"ch_1","source":"callback"})",
    R"({"amount_minor":4000,"next_query_at_us":14,"request":{"idempotency_key":"key-1",)"
    R"("fingerprint":"f1","request_id":"c-1"}})",
    R"({"code":"limit","message":"too late","source":"query"})",
    R"({"captured_minor":10000,"channel_reference":"ch_1","source":"callback",)"
    R"("postings":[{"account":"channel/sandbox","amount_minor":10000},)"
    R"({"account":"merchant/m_1/payable","amount_minor":-10000}]})",
    R"({"code":"declined","message":"no money","source":"callback"})",
    R"({"reason":"expired","next_query_at_us":15,"request":{"idempotency_key":"key-1",)"
    R"("fingerprint":"f1","request_id":"c-1"}})",
    R"({"code":"paid","message":"is paid","source":"query","next_query_at_us":16})",
    R"({"next_query_at_us":17,"request":{"idempotency_key":"key-1","fingerprint":"f1",)"
    R"("request_id":"c-1"}})",
    R"({"code":"late","message":"is captured","source":"query"})",
    R"({"reason":"voided","source":"callback"})",
    R"({"refund_id":"rfd_1","merchant_refund_no":"r-1","amount_minor":1000,"reason":"broken cup",)"
    R"("next_query_at_us":18,"request":{"idempotency_key":"key-1","fingerprint":"f1",)"
    R"("request_id":"c-1"}})",
    R"({"refund_id":"rfd_1","amount_minor":1000,"channel_reference":"chr_1","source":"query",)"
    R"("postings":[{"account":"channel/sandbox","amount_minor":10000},)"
    R"({"account":"merchant/m_1/payable","amount_minor":-10000}]})",
    R"({"refund_id":"rfd_1","code":"closed","message":"account closed","source":"callback"})",
    R"({"refund_id":"rfd_1","amount_minor":1000,"code":"declined","message":"came back",)"
    R"("source":"callback","postings":[{"account":"channel/sandbox","amount_minor":10000},)"
    R"({"account":"merchant/m_1/payable","amount_minor":-10000}]})",
    R"({"refund_id":"rfd_2","account":"sandbox_a",)"
    R"("channel_order_no":"7K7T604EREW7S6X1G4YB6GPKBA01",)"
    R"("channel_reference":"ch_2","amount_minor":10000,)"
    R"("authorized_only":true,"source":"query","next_query_at_us":19,)"
    R"("postings":[{"account":"channel/sandbox","amount_minor":10000},)"
    R"({"account":"merchant/m_1/payable","amount_minor":-10000}]})",
    R"({"refund_id":"rfd_2","amount_minor":10000,"channel_reference":"chr_2","source":"query",)"
    R"("postings":[{"account":"channel/sandbox","amount_minor":10000},)"
    R"({"account":"merchant/m_1/payable","amount_minor":-10000}]})",
    R"({"source":"query","field":"currency","expected":"CNY","got":"USD"})",
    R"({"operation":"refund","refund_id":"rfd_1",)"
    R"("request":{"idempotency_key":"key-1","fingerprint":"f1","request_id":"c-1"}})",
    R"({"operation":"void","refund_id":"rfd_2","reason":"tried enough"})",
    R"({"by":"ops","next_query_at_us":20,"request_id":"c-2"})",
    R"({"refund_id":"rfd_1","code":"ABNORMAL","message":"see to it","source":"query",)"
    R"("tries":2,"next_query_at_us":21})",
    R"({"refund_id":"rfd_3","account":"sandbox_a",)"
    R"("channel_order_no":"7K7T604EREW7S6X1G4YB6GPKBA01",)"
    R"("channel_reference":"chr_3","amount_minor":10000,"source":"callback",)"
    R"("postings":[{"account":"channel/sandbox","amount_minor":10000},)"
    R"({"account":"merchant/m_1/payable","amount_minor":-10000}]})",
};

const char* const golden_snapshot =
    R"({"state":"PARTIALLY_REFUNDED","merchant_id":"m_1","merchant_order_no":"order-1",)"
    R"("amount_minor":10000,"authorized_minor":10000,"captured_minor":10000,)"
    R"("refunded_minor":1000,"refund_pending_minor":0,"currency":"CNY","channel":"sandbox",)"
    R"("method":"","payer":{"id":"","ip":"","instrument":""},)"
    R"("subject":"tea","capture_method":"manual","return_url":"","metadata":{},)"
    R"("request_fingerprint":"f1","created_at_us":1767225600000000,)"
    R"("updated_at_us":1767225600000000,"expires_at_us":1767227400000000,)"
    R"("attempts":[{"number":1,"round":1,"account":"sandbox",)"
    R"("channel_order_no":"7K7T604EREW7S6X1G4YB6GPKBA01","outcome":"answered",)"
    R"("started_at_us":1767225600000000}],"channel_reference":"ch_1",)"
    R"("next_action":{"type":"","value":""},"pending":null,)"
    R"("refunds":[{"refund_id":"rfd_2t1mh9b94xg980w2hsz5tpvtxz","account":"sandbox",)"
    R"("channel_order_no":"7K7T604EREW7S6X1G4YB6GPKBA01","merchant_refund_no":"r-1",)"
    R"("amount_minor":1000,"reason":"broken cup","state":"SUCCEEDED","surplus":false,"outside":false,)"
    R"("authorized_only":false,"channel_reference":"chr_1","failure_code":"",)"
    R"("failure_message":"","attention_code":"","attention_message":"","reversed":false,"created_at_us":1767225600000000,)"
    R"("updated_at_us":1767225600000000,)"
    R"("tries":0,"next_query_at_us":0,"parked":{"reason":"","since_us":0}}],)"
    R"("failure_code":"","failure_message":"",)"
    R"("close_reason":null,"refused_callbacks":0,"repeated_requests":0,"operations_asked":1})";
// clang-format on

std::string text_of(const PaymentEvent& event) {
  std::string text;
  write_event(event, text);
  return text;
}

// "/path what" of the refusal, or the text again when it was understood.
std::string reading(std::string_view type, int version, std::string_view payload) {
  const auto parsed = parse_event(type, version, payload);
  if (const auto* error = std::get_if<CodecError>(&parsed)) return error->path + " " + error->what;
  return text_of(std::get<PaymentEvent>(parsed));
}

std::string snapshot_reading(std::string_view payload) {
  const auto parsed = parse_payment(payload);
  if (const auto* error = std::get_if<CodecError>(&parsed)) return error->path + " " + error->what;
  return encode_payment(std::get<Payment>(parsed));
}

// Every path in `json` that names a field, "/request/fingerprint" and "/postings/0/account"
// included.
void collect_fields(const Json& json, const std::string& path, std::vector<std::string>& paths) {
  if (json.is_array())
    for (std::size_t i = 0; i < json.size(); ++i)
      collect_fields(json[i], path + "/" + std::to_string(i), paths);
  if (!json.is_object()) return;
  for (const auto& [name, value] : json.items()) {
    paths.push_back(path + "/" + name);
    // What stands in the metadata are the merchant's own names.
    if (name != "metadata") collect_fields(value, path + "/" + name, paths);
  }
}

std::pair<std::string, std::string> split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

}  // namespace

namespace {

int known_version(PaymentEventKind kind) {
  switch (kind) {
    case PaymentEventKind::created:
      return 4;
    case PaymentEventKind::started:
    case PaymentEventKind::surplus_recorded:
    case PaymentEventKind::capture_requested:
    case PaymentEventKind::close_requested:
    case PaymentEventKind::void_requested:
    case PaymentEventKind::refund_requested:
    case PaymentEventKind::request_repeated:
    case PaymentEventKind::resumed:
      return 2;
    default:
      return 1;
  }
}

}  // namespace

TEST_CASE("every kind of event is written as these bytes, and read back from them") {
  const auto events = samples();
  REQUIRE(events.size() == payment_event_kind_count);
  REQUIRE(std::size(golden) == payment_event_kind_count);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto kind = static_cast<PaymentEventKind>(i);
    CAPTURE(name_of(kind));
    REQUIRE(kind_of(events[i]) == kind);
    CHECK(text_of(events[i]) == golden[i]);
    CHECK(reading(name_of(kind), version_of(events[i]), golden[i]) == golden[i]);
    CHECK(version_of(events[i]) == known_version(kind));
  }
}

TEST_CASE("what is not a plain letter survives writing and reading") {
  PaymentResumed resumed;
  resumed.by = "苍穹 \"quoted\" back\\slash\n\r\t\x01\x1f/\x7f";
  const std::string text = text_of(resumed);
  CHECK(text ==
        "{\"by\":\"苍穹 \\\"quoted\\\" "
        "back\\\\slash\\n\\r\\t\\u0001\\u001f/\x7f\",\"next_query_at_us\":0,\"request_id\":\"\"}");
  CHECK(reading("payment_resumed", 2, text) == text);
  resumed.by = std::string("null\0inside", 11);
  CHECK(reading("payment_resumed", 2, text_of(resumed)) == text_of(resumed));
  CHECK(Json::parse(text_of(resumed))["by"] == resumed.by);
}

TEST_CASE("a missing field is refused by its path, in every kind of event") {
  for (std::size_t i = 0; i < payment_event_kind_count; ++i) {
    const auto kind = static_cast<PaymentEventKind>(i);
    const Json whole = Json::parse(golden[i]);
    std::vector<std::string> paths;
    collect_fields(whole, "", paths);
    for (const std::string& path : paths) {
      CAPTURE(name_of(kind), path);
      const auto [parent, name] = split(path);
      Json without = whole;
      without[Json::json_pointer(parent)].erase(name);
      const std::string refusal = reading(name_of(kind), version_of(samples()[i]), without.dump());
      CHECK(refusal == path + " is missing");
    }
  }
}

TEST_CASE("an unknown field is refused by its path, in every object of every event") {
  for (std::size_t i = 0; i < payment_event_kind_count; ++i) {
    const auto kind = static_cast<PaymentEventKind>(i);
    const Json whole = Json::parse(golden[i]);
    std::vector<std::string> paths{"/x"};
    collect_fields(whole, "", paths);
    for (const std::string& path : paths) {
      const std::string parent = split(path).first;
      CAPTURE(name_of(kind), parent);
      Json with = whole;
      with[Json::json_pointer(parent)]["surprise"] = 1;
      CHECK(reading(name_of(kind), version_of(samples()[i]), with.dump()) ==
            parent + "/surprise is not known");
    }
  }
}

TEST_CASE("a field of another type is refused by its path, in every kind of event") {
  const Json wrongs[] = {nullptr,          true,          1.5, "no such name", Json::array(),
                         Json::array({1}), Json::object()};
  for (std::size_t i = 0; i < payment_event_kind_count; ++i) {
    const auto kind = static_cast<PaymentEventKind>(i);
    const Json whole = Json::parse(golden[i]);
    std::vector<std::string> paths;
    collect_fields(whole, "", paths);
    for (const std::string& path : paths) {
      const Json& right = whole[Json::json_pointer(path)];
      for (const Json& wrong : wrongs) {
        const bool same_type = right.type() == wrong.type();
        const bool is_name = right.is_string() &&
                             (split(path).second == "currency" || split(path).second == "source" ||
                              split(path).second == "operation" || split(path).second == "outcome");
        if (same_type && !is_name) continue;
        CAPTURE(name_of(kind), path, wrong.dump());
        Json bent = whole;
        bent[Json::json_pointer(path)] = wrong;
        const std::string refusal = reading(name_of(kind), version_of(samples()[i]), bent.dump());
        CHECK(refusal.rfind(path + " ", 0) == 0);
      }
    }
  }
}

TEST_CASE("a field that stands twice is refused, even with the same value and further down") {
  CHECK(reading("payment_closed", 1,
                R"({"reason":"merchant","reason":"merchant","source":"answer"})") ==
        "/reason stands twice");
  CHECK(reading("payment_request_repeated", 1,
                R"({"request":{"fingerprint":"a","idempotency_key":"","fingerprint":"b"}})")
            .find("fingerprint stands twice") != std::string::npos);
  // The same name in two objects is no repetition.
  CHECK(reading("payment_paid", 1, golden[8]) == golden[8]);
}

TEST_CASE("what is not one whole JSON object is refused") {
  const auto payload = GENERATE(
      as<std::string>{}, "", "{", "null", "[]", "1", "\"text\"",
      "{\"by\":\"ops\",\"next_query_at_us\":1}x", "{\"by\":\"ops\",\"next_query_at_us\":1,}",
      "{'by':\"ops\",\"next_query_at_us\":1}", "{\"by\":\"\xff\",\"next_query_at_us\":1}",
      "{\"by\":\"ops\",\"next_query_at_us\":NaN}");
  CAPTURE(payload);
  CHECK(reading("payment_resumed", 1, payload).rfind("/ ", 0) == 0);
}

TEST_CASE("integers keep all their 64 bits and are refused beyond them") {
  const auto with = [](const char* number) {
    return reading("payment_resumed", 1,
                   std::string(R"({"by":"","next_query_at_us":)") + number + "}");
  };
  CHECK(with("9223372036854775807") ==
        R"({"by":"","next_query_at_us":9223372036854775807,"request_id":""})");
  CHECK(with("-9223372036854775808") ==
        R"({"by":"","next_query_at_us":-9223372036854775808,"request_id":""})");
  CHECK(with("9223372036854775808") == "/next_query_at_us must be a 64-bit integer");
  CHECK(with("18446744073709551616") == "/next_query_at_us must be a 64-bit integer");
  CHECK(with("-9223372036854775809") == "/next_query_at_us must be a 64-bit integer");
  CHECK(with("1e3") == "/next_query_at_us must be a 64-bit integer");
  CHECK(with("1.0") == "/next_query_at_us must be a 64-bit integer");
  Json tries = Json::parse(golden[4]);
  tries["tries"] = 2'147'483'648;
  CHECK(reading("payment_unsettled", 1, tries.dump()) == "/tries must be a 32-bit integer");
}

TEST_CASE("a type or version nobody knows is refused") {
  CHECK(reading("payment_teleported", 1, "{}") == "/ is of an unknown type: payment_teleported");
  CHECK(reading("", 1, "{}") == "/ is of an unknown type: ");
  CHECK(reading("payment_resumed", 3, golden[24]) == "/ has schema version 3, known up to 2");
  CHECK(reading("payment_created", 5, golden[0]) == "/ has schema version 5, known up to 4");
  CHECK(reading("payment_resumed", 0, golden[24]) == "/ has schema version 0, known up to 2");
  CHECK(reading("payment_resumed", -1, golden[24]) == "/ has schema version -1, known up to 2");
}

TEST_CASE("a payment created before manual capture existed captures automatically") {
  // As the first version wrote it.
  const char* first_version =
      R"({"merchant_id":"m_1","merchant_order_no":"order-1","amount_minor":10000,"currency":"CNY",)"
      R"("channel":"sandbox","subject":"tea","expires_at_us":1767227400000000,)"
      R"("return_url":"https://shop.example/back","metadata":{"cart":"7"},)"
      R"("request":{"idempotency_key":"key-1","fingerprint":"f1"}})";
  const auto parsed = parse_event("payment_created", 1, first_version);
  REQUIRE(std::holds_alternative<PaymentEvent>(parsed));
  const auto& created = std::get<PaymentCreated>(std::get<PaymentEvent>(parsed));
  CHECK(created.capture_method == CaptureMethod::automatic);
  CHECK(created.merchant_order_no == "order-1");
  CHECK(created.amount_minor == 10'000);
  CHECK(created.metadata.at("cart") == "7");
  CHECK(created.method.empty());
  // The versions do not mix: a later form needs the field, the first did not have it.
  CHECK(reading("payment_created", 2, first_version) == "/capture_method is missing");
  CHECK(reading("payment_created", 1, golden[0]) == "/capture_method is not known");
}

TEST_CASE("a payment created before channels had several ways to pay is paid in the first way") {
  const char* second_version =
      R"({"merchant_id":"m_1","merchant_order_no":"order-1","amount_minor":10000,"currency":"CNY",)"
      R"("channel":"sandbox","subject":"tea","capture_method":"manual",)"
      R"("expires_at_us":1767227400000000,"return_url":"","metadata":{},)"
      R"("request":{"idempotency_key":"","fingerprint":"f1"}})";
  const auto parsed = parse_event("payment_created", 2, second_version);
  REQUIRE(std::holds_alternative<PaymentEvent>(parsed));
  const auto& created = std::get<PaymentCreated>(std::get<PaymentEvent>(parsed));
  CHECK(created.capture_method == CaptureMethod::manual);
  CHECK(created.method.empty());
  CHECK(created.payer.id + created.payer.ip + created.payer.instrument == "");
  CHECK(reading("payment_created", 3, second_version) == "/method is missing");
  CHECK(reading("payment_created", 2, golden[0]) == "/method is not known");
}

TEST_CASE("a repetition from before it was said of what was one of the order") {
  const char* first_version = R"({"request":{"idempotency_key":"key-1","fingerprint":"f1"}})";
  CHECK(reading("payment_request_repeated", 1, first_version) ==
        R"({"operation":"create","refund_id":"",)"
        R"("request":{"idempotency_key":"key-1","fingerprint":"f1","request_id":""}})");
  CHECK(reading("payment_request_repeated", 2, first_version) == "/operation is missing");
  CHECK(reading("payment_request_repeated", 1, golden[22]) == "/operation is not known");
}

TEST_CASE("a request from before its own name had a field is read without one") {
  const std::pair<const char*, const char*> first_versions[] = {
      {"payment_capture_requested", R"({"amount_minor":4000,"next_query_at_us":14,)"},
      {"payment_close_requested", R"({"reason":"expired","next_query_at_us":15,)"},
      {"payment_void_requested", R"({"next_query_at_us":17,)"},
      {"payment_refund_requested",
       R"({"refund_id":"rfd_1","merchant_refund_no":"r-1","amount_minor":1000,)"
       R"("reason":"broken cup","next_query_at_us":18,)"}};
  for (const auto& [type, fields] : first_versions) {
    CAPTURE(type);
    const std::string then =
        std::string(fields) + R"("request":{"idempotency_key":"key-1","fingerprint":"f1"}})";
    const std::string now =
        std::string(fields) +
        R"("request":{"idempotency_key":"key-1","fingerprint":"f1","request_id":""}})";
    CHECK(reading(type, 1, then) == now);
    CHECK(reading(type, 2, then) == "/request/request_id is missing");
    CHECK(reading(type, 1, now) == "/request/request_id is not known");
    CHECK(reading(type, 1, std::string(fields) + R"("request":7})").rfind("/request ", 0) == 0);
  }
  const char* resumed = R"({"by":"ops","next_query_at_us":20})";
  CHECK(reading("payment_resumed", 1, resumed) ==
        R"({"by":"ops","next_query_at_us":20,"request_id":""})");
  CHECK(reading("payment_resumed", 2, resumed) == "/request_id is missing");
  CHECK(reading("payment_resumed", 1, golden[24]) == "/request_id is not known");
}

TEST_CASE("a payment created under the third version had no name for its request") {
  Json third = Json::parse(golden[0]);
  third["request"].erase("request_id");
  Json now = third;
  now["request"]["request_id"] = "";
  CHECK(reading("payment_created", 3, third.dump()) == now.dump());
  CHECK(reading("payment_created", 4, third.dump()) == "/request/request_id is missing");
  CHECK(reading("payment_created", 3, golden[0]) == "/request/request_id is not known");
}

TEST_CASE("an attempt from before a channel had accounts went to the one of the channel's name") {
  const char* first_version =
      R"({"attempt":1,"channel":"sandbox","channel_order_no":"7K7T604EREW7S6X1G4YB6GPKBA01",)"
      R"("next_query_at_us":11})";
  CHECK(reading("payment_started", 1, first_version) ==
        R"({"attempt":1,"channel":"sandbox","account":"sandbox",)"
        R"("channel_order_no":"7K7T604EREW7S6X1G4YB6GPKBA01","why":"","next_query_at_us":11})");
  CHECK(reading("payment_started", 2, first_version) == "/account is missing");
  CHECK(reading("payment_started", 1, golden[1]) == "/why is not known");
  CHECK(reading("payment_started", 1,
                R"({"attempt":1,"channel_order_no":"","next_query_at_us":1})") ==
        "/channel is missing");
  CHECK(reading("payment_started", 1, R"({"channel":7})") == "/attempt is missing");
}

TEST_CASE("a surplus from before there were attempts is of the only one, and given back from it") {
  const char* first_version =
      R"({"refund_id":"rfd_2","channel_reference":"ch_9","amount_minor":10000,)"
      R"("authorized_only":false,"source":"callback","next_query_at_us":19,)"
      R"("postings":[{"account":"channel/sandbox","amount_minor":10000},)"
      R"({"account":"payer/surplus","amount_minor":-10000}]})";
  const auto parsed = parse_event("payment_surplus_recorded", 1, first_version);
  REQUIRE(std::holds_alternative<PaymentEvent>(parsed));
  PaymentScript script;
  script.close();
  script.apply_all({std::get<PaymentEvent>(parsed)});
  CHECK(script.payment.refunds.back().account == "sandbox");
  CHECK(script.payment.refunds.back().channel_order_no == channel_order_no(script.id, 1));
  // The charge it stands for is known again when the channel repeats its news.
  CHECK(in_short(script.hear(script.report(ChannelVerdict::paid, "ch_9"))) == "already");
  CHECK(reading("payment_surplus_recorded", 2, first_version) == "/account is missing");
  CHECK(reading("payment_surplus_recorded", 1, golden[19]) == "/account is not known");
}

TEST_CASE("a snapshot is written as these bytes, and read back from them") {
  const Payment payment = PaymentScript(CaptureMethod::manual).pay().refunded(1'000, "r-1").payment;
  CHECK(encode_payment(payment) == golden_snapshot);
  CHECK(snapshot_reading(golden_snapshot) == golden_snapshot);
  PaymentScript closing;
  closing.start().take(ClosePayment{});
  const std::string with_pending = encode_payment(closing.payment);
  CHECK(with_pending.find(R"("pending":{"operation":"close")") != std::string::npos);
  CHECK(snapshot_reading(with_pending) == with_pending);
}

TEST_CASE("a snapshot that is not whole is refused by its path") {
  const Json whole = Json::parse(golden_snapshot);
  std::vector<std::string> paths;
  collect_fields(whole, "", paths);
  for (const std::string& path : paths) {
    CAPTURE(path);
    const auto [parent, name] = split(path);
    Json bent = whole;
    bent[Json::json_pointer(parent)].erase(name);
    CHECK(snapshot_reading(bent.dump()) == path + " is missing");
    bent = whole;
    bent[Json::json_pointer(parent)]["surprise"] = 1;
    CHECK(snapshot_reading(bent.dump()) == parent + "/surprise is not known");
  }
}

TEST_CASE("the hash of an event is this, computed by another program") {
  const std::string stream = payment_id_of("m_1", "order-1").text();
  const Hash first = event_hash(Hash{}, stream, 1, "payment_closed", 1, 1'767'225'600'000'000,
                                "req_1", "req_1", R"({"reason":"merchant","source":"answer"})");
  CHECK(hex(first) == "af79db3410e7137b11700fee6417a67c3dd4f18d54d835f8a48c26bd98cb7154");
  const Hash second = event_hash(first, stream, 2, "payment_resumed", 1, 1'767'225'600'000'001, "",
                                 "苍穹", R"({"by":"ops","next_query_at_us":7})");
  CHECK(hex(second) == "fa968c30122a8c42e35b0a39ba3a93061bc2f4193bae05a29c49e3b3a0b81fff");
}

TEST_CASE("no byte of an event can change, or move to the next column, under the same hash") {
  const auto hash = [](const char* stream, std::uint64_t seq, const char* type, int version,
                       UnixUs at_us, const char* causation, const char* correlation,
                       const char* payload) {
    return event_hash(Hash{}, stream, seq, type, version, at_us, causation, correlation, payload);
  };
  const Hash right = hash("pay_1", 1, "t", 1, 1, "ab", "c", "{}");
  CHECK(hash("pay_2", 1, "t", 1, 1, "ab", "c", "{}") != right);
  CHECK(hash("pay_1", 2, "t", 1, 1, "ab", "c", "{}") != right);
  CHECK(hash("pay_1", 1, "u", 1, 1, "ab", "c", "{}") != right);
  CHECK(hash("pay_1", 1, "t", 2, 1, "ab", "c", "{}") != right);
  CHECK(hash("pay_1", 1, "t", 1, 2, "ab", "c", "{}") != right);
  CHECK(hash("pay_1", 1, "t", 1, 1, "a", "bc", "{}") != right);
  CHECK(hash("pay_1", 1, "t", 1, 1, "", "abc", "{}") != right);
  CHECK(hash("pay_1", 1, "t", 1, 1, "ab", "c", "{ }") != right);
  Hash other_past{};
  other_past[31] = 1;
  CHECK(event_hash(other_past, "pay_1", 1, "t", 1, 1, "ab", "c", "{}") != right);
}
