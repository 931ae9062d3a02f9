// What the headers of a request say of its body, and what those of an answer say of it.
#include <ctime>

#include "gateway/edge/http_date.hpp"
#include "tests/gateway/gateway_fixture.hpp"

using namespace welkin;
using namespace welkin::test;

TEST_CASE("a body in a coding is refused, and the coding named", "[gateway]") {
  GatewayFixture gateway;
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\xae\x05\0", 14);
  const std::string plain = GatewayFixture::create_body().dump();
  for (const auto& [coding, body, name] : {std::array<std::string, 3>{"gzip", gzip, "gzip"},
                                           {"gzip", plain, "gzip"},
                                           {"BR", plain, "BR"},
                                           {"identity, deflate", plain, "deflate"}}) {
    CAPTURE(coding);
    const RawAnswer answer =
        gateway.call("POST", "/v1/payments", body, {{"Content-Encoding", coding}});
    CHECK(answer.status == 415);
    CHECK(code_of(answer) == "unsupported_media_type");
    CHECK(field_of(answer) == "Content-Encoding");
    CHECK(json_of(answer)["detail"].get<std::string>().find("coding " + name + " ") !=
          std::string::npos);
    CHECK(answer.header("accept-encoding") == "identity");
  }
  CHECK(gateway.service.executed == 0);
  CHECK(gateway.call("POST", "/v1/payments", plain, {{"Content-Encoding", "Identity"}}).status ==
        201);
}

TEST_CASE("a body in another charset is refused, and the charset named", "[gateway]") {
  GatewayFixture gateway;
  const std::string body = GatewayFixture::create_body().dump();
  const auto sent_as = [&](const std::string& type) {
    return gateway.call("POST", "/v1/payments", body, {{"Content-Type", type}});
  };
  for (const auto& [type, name] :
       {std::array<std::string, 2>{"application/json; charset=gbk", "gbk"},
        {"application/json;charset=\"UTF-16\"", "UTF-16"},
        {"application/json; charset=utf-8; Charset = gbk", "gbk"},
        {"application/json; charset=\"utf-8;x\"", "\"utf-8"},
        {"application/json; charset=", "that was sent"},
        {"application/json; charset=\xff", "that was sent"}}) {
    CAPTURE(type);
    const RawAnswer answer = sent_as(type);
    CHECK(answer.status == 415);
    CHECK(field_of(answer) == "Content-Type");
    CHECK(json_of(answer)["detail"] == "the charset " + name + " is not taken; JSON is UTF-8");
  }
  for (const char* type : {"application/json charset=utf-8", "application/json,text/plain"})
    CHECK(sent_as(type).status == 415);
  CHECK(gateway
            .call("POST", "/v1/payments", body,
                  {{"Content-Type", "application/json"}, {"Content-Type", "text/plain"}})
            .status == 415);
  CHECK(gateway.service.executed == 0);
  for (const char* type : {"application/json;charset=\"utf-8\"", "application/json ; CHARSET=UTF-8",
                           "application/json; charset=utf8; profile=x", "application/json;"}) {
    CAPTURE(type);
    CHECK(sent_as(type).status < 300);
  }
}

TEST_CASE("a request in absolute form is answered as in origin form", "[gateway]") {
  GatewayFixture gateway;
  const std::string id = gateway.create();
  const std::string path = "/v1/payments/" + id;
  const std::string host = "http://127.0.0.1:" + std::to_string(gateway.port);
  RawClient client(gateway.port);
  const HeaderList headers{{"Authorization", "Bearer key-1"}, {"X-Request-Id", "same"}};
  REQUIRE(client.send(request_text("GET", host + path, {}, headers)));
  const auto absolute = client.read_answer();
  REQUIRE(absolute.has_value());
  CHECK(absolute->status == 200);
  CHECK(absolute->body == gateway.exchange(client, "GET", path, {}, headers).body);
}

TEST_CASE("every answer has the date", "[gateway]") {
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(4'107'542'399) == "Sun, 28 Feb 2100 23:59:59 GMT");
  GatewayFixture gateway;
  const auto check_now = [](const RawAnswer& answer) {
    const std::string date = answer.header("date");
    std::tm parts{};
    REQUIRE(::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) != nullptr);
    CHECK(std::abs(::timegm(&parts) - std::time(nullptr)) < 60);
  };
  check_now(gateway.call("GET", "/healthz"));
  check_now(gateway.call("GET", "/v1/payments/none"));
  check_now(gateway.call("POST", "/channels/sandbox/notify", "forged", {}, ""));
  RawClient unframed(gateway.port);
  unframed.send("BREW\r\n\r\n");
  check_now(*unframed.read_answer());
}
