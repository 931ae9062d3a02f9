#include "gateway/edge/request_head.hpp"

#include <array>
#include <catch2/catch.hpp>

using namespace welkin;

namespace {

using Progress = RequestHead::Progress;

RequestHead read_whole(std::string text, const HeadLimits& limits = {}) {
  RequestHead head;
  head.feed(text, limits);
  return head;
}

struct Refused {
  std::string text;
  ProblemCode code;
};

std::string get_with(const std::string& lines) { return "GET / HTTP/1.1\r\n" + lines + "\r\n"; }
std::string post_with(const std::string& lines) {
  return "POST / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n";
}

}  // namespace

TEST_CASE("the longest request line is taken however it is cut", "[edge]") {
  const HeadLimits limits;
  const std::string around = "GET / HTTP/1.1";
  const std::string line =
      "GET /" + std::string(limits.max_request_line_bytes - around.size(), 'a') + " HTTP/1.1";
  RequestHead head;
  std::string buffer = line + "\r";
  REQUIRE(head.feed(buffer, limits) == Progress::incomplete);
  buffer += "\nHost: h\r\n\r\n";
  CHECK(head.feed(buffer, limits) == Progress::complete);
}

TEST_CASE("a head is read the same however it is cut", "[edge]") {
  const std::string whole =
      "POST /a?b=c HTTP/1.1\r\nHost: h\r\nX-Mixed-Case:  v w \t\r\nConnection: keep-alive, "
      "Close\r\n"
      "Content-Length: 12\r\nExpect: 100-Continue\r\n\r\n";
  for (std::size_t cut = 1; cut < whole.size(); ++cut) {
    CAPTURE(cut);
    RequestHead head;
    std::string buffer = whole.substr(0, cut);
    REQUIRE(head.feed(buffer, {}) == Progress::incomplete);
    buffer += whole.substr(cut);
    REQUIRE(head.feed(buffer, {}) == Progress::complete);
    CHECK(head.method().in(buffer) == "POST");
    CHECK(head.target().in(buffer) == "/a?b=c");
    CHECK(head.head_end() == whole.size());
    CHECK(head.content_length() == 12);
    CHECK(head.expects_continue());
    CHECK_FALSE(head.keep_alive());
    REQUIRE(head.lines().size() == 5);
    CHECK(head.lines()[1].name.in(buffer) == "x-mixed-case");
    CHECK(head.lines()[1].value.in(buffer) == "v w");
  }
}

TEST_CASE("only HTTP/1.1 connections are kept", "[edge]") {
  CHECK(read_whole(get_with("Host: h\r\n")).keep_alive());
  std::string old = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  RequestHead head;
  CHECK(head.feed(old, {}) == Progress::complete);
  CHECK_FALSE(head.keep_alive());
}

TEST_CASE("whatever leaves a doubt about framing is refused", "[edge]") {
  const std::vector<Refused> cases = {
      {post_with("Transfer-Encoding: chunked\r\n"), ProblemCode::transfer_encoding_refused},
      {post_with("Transfer-Encoding: identity\r\nContent-Length: 3\r\n"),
       ProblemCode::transfer_encoding_refused},
      {get_with("Host: h\r\ntransfer-encoding:\r\n"), ProblemCode::transfer_encoding_refused},
      {post_with("Content-Length: 1\r\nContent-Length: 1\r\n"), ProblemCode::bad_request},
      {post_with("Content-Length: 1, 1\r\n"), ProblemCode::bad_request},
      {post_with("Content-Length: +1\r\n"), ProblemCode::bad_request},
      {post_with("Content-Length: -1\r\n"), ProblemCode::bad_request},
      {post_with("Content-Length: 0x10\r\n"), ProblemCode::bad_request},
      {post_with("Content-Length:\r\n"), ProblemCode::bad_request},
      {post_with("Content-Length: 99999999999999999999\r\n"), ProblemCode::bad_request},
      {post_with("Content-Length: 65537\r\n"), ProblemCode::body_too_large},
      {post_with("Content-Length : 1\r\n"), ProblemCode::bad_request},
      {get_with(""), ProblemCode::bad_request},
      {get_with("Host: a\r\nHost: b\r\n"), ProblemCode::bad_request},
      {get_with("Host: h\r\n folded: x\r\n"), ProblemCode::bad_request},
      {get_with("Host: h\r\nA: b\r\n\tc\r\n"), ProblemCode::bad_request},
      {get_with(std::string("Host: h\0x\r\n", 11)), ProblemCode::bad_request},
      {get_with("Host: h\r\nA: b\x01\r\n"), ProblemCode::bad_request},
      {get_with("Host: h\r\nA: b\rX-Split: c\r\n"), ProblemCode::bad_request},
      {get_with("Host: h\r\nno colon\r\n"), ProblemCode::bad_request},
      {get_with("Host: h\r\n: no name\r\n"), ProblemCode::bad_request},
      {get_with("Host: h\r\nExpect: the-unexpected\r\n"), ProblemCode::bad_request},
      {"GET / HTTP/1.1\nHost: h\n\n", ProblemCode::bad_request},
      {"GET / HTTP/1.1\r\nHost: h\n\r\n", ProblemCode::bad_request},
      {"GET / HTTP/2.0\r\n\r\n", ProblemCode::bad_request},
      {"PRI * HTTP/2.0\r\n\r\n", ProblemCode::bad_request},
      {"GET /\r\n", ProblemCode::bad_request},
      {"GET  / HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET / x HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET * HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET h:80 HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET http:/path HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET http:///path HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET http://user@h/ HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET http://h/#f HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET ftp://h/ HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET http://h/ HTTP/1.1\r\n\r\n", ProblemCode::bad_request},
      {"GET /\x01 HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET /\xc3\xa9 HTTP/1.1\r\n", ProblemCode::bad_request},
      {"G@T / HTTP/1.1\r\n", ProblemCode::bad_request},
      {"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n", ProblemCode::headers_too_large},
      {"GET /" + std::string(9000, 'a'), ProblemCode::headers_too_large},
      {get_with("Host: h\r\nA: " + std::string(17 * 1024, 'a') + "\r\n"),
       ProblemCode::headers_too_large},
      {"GET / HTTP/1.1\r\nA: " + std::string(17 * 1024, 'a'), ProblemCode::headers_too_large},
  };
  for (const Refused& one : cases) {
    CAPTURE(one.text.substr(0, 80));
    std::string buffer = one.text;
    RequestHead head;
    REQUIRE(head.feed(buffer, {}) == Progress::refused);
    CHECK(std::string(spec_of(head.refusal().code).name) == spec_of(one.code).name);
  }
}

TEST_CASE("without Content-Length a request has no body, whatever its method", "[edge]") {
  for (const char* method : {"POST", "PUT", "PATCH", "GET"}) {
    CAPTURE(method);
    std::string buffer = std::string(method) + " / HTTP/1.1\r\nHost: h\r\n\r\n{}";
    RequestHead head;
    REQUIRE(head.feed(buffer, {}) == Progress::complete);
    CHECK(head.content_length() == 0);
    CHECK(buffer.substr(head.head_end()) == "{}");
  }
}

TEST_CASE("an absolute form is read as the origin form within it", "[edge]") {
  const std::vector<std::array<std::string, 2>> targets = {
      {"http://h:8080/v1/payments?limit=1", "/v1/payments?limit=1"},
      {"HTTPS://[::1]/", "/"},
      {"http://pay.example.com//x", "//x"},
      {"http://h", "/"},
      {"http://h?a=b/c", "/?a=b/c"},
  };
  for (const auto& [target, origin] : targets) {
    CAPTURE(target);
    const std::string line = "GET " + target + " HTTP/1.1\r\n";
    // Which host is named where says nothing here: RFC 9112 3.2.2 has the header ignored.
    std::string buffer = line + "Host: another\r\n\r\n";
    RequestHead head;
    REQUIRE(head.feed(buffer, {}) == Progress::complete);
    CHECK(head.method().in(buffer) == "GET");
    CHECK(head.target().in(buffer) == origin);
  }
}

TEST_CASE("a few empty lines before a request are skipped, and more of them are refused at once",
          "[edge]") {
  const HeadLimits limits;
  std::string lines;
  for (std::size_t i = 0; i < limits.max_empty_lines; ++i) lines += "\r\n";
  std::string buffer = lines + get_with("Host: h\r\n") + "next";
  RequestHead head;
  REQUIRE(head.feed(buffer, limits) == Progress::complete);
  CHECK(head.target().in(buffer) == "/");
  CHECK(buffer.substr(head.head_end()) == "next");

  RequestHead refused;
  std::string more = lines + "\r\n";
  REQUIRE(refused.feed(more, limits) == Progress::refused);
  CHECK(refused.refusal().code == ProblemCode::bad_request);
  // The longest request line has its length behind them too.
  const std::string around = "GET / HTTP/1.1";
  std::string longest = lines + "GET /" +
                        std::string(limits.max_request_line_bytes - around.size(), 'a') +
                        " HTTP/1.1\r";
  RequestHead waiting;
  CHECK(waiting.feed(longest, limits) == Progress::incomplete);
}

TEST_CASE("a head that begins further on in the buffer is read with its own limits", "[edge]") {
  HeadLimits limits;
  limits.max_head_bytes = 64;
  const std::string first = post_with("Content-Length: 2\r\n") + "{}";
  const std::string second = get_with("Host: h\r\n");
  std::string buffer = first + second;
  RequestHead head;
  REQUIRE(head.feed(buffer, limits) == Progress::complete);
  head.reset(head.head_end() + head.content_length());
  REQUIRE(head.feed(buffer, limits) == Progress::complete);
  CHECK(head.method().in(buffer) == "GET");
  CHECK(head.lines()[0].value.in(buffer) == "h");
  CHECK(head.head_end() == buffer.size());
}

TEST_CASE("a hundred header lines pass and one more does not", "[edge]") {
  std::string lines = "Host: h\r\n";
  for (int i = 0; i < 99; ++i) lines += "A: b\r\n";
  std::string buffer = get_with(lines);
  RequestHead head;
  CHECK(head.feed(buffer, {}) == Progress::complete);
  CHECK(read_whole(get_with(lines + "A: b\r\n")).refusal().code == ProblemCode::headers_too_large);
}

TEST_CASE("a body of exactly the limit passes", "[edge]") {
  CHECK(read_whole(post_with("Content-Length: 65536\r\n")).content_length() == 65536);
}

TEST_CASE("headers that another program could mistake for the socket's address are dropped",
          "[edge]") {
  std::string buffer = get_with("Host: h\r\nREMOTE_ADDR: 6.6.6.6\r\nLocal_Port: 1\r\nA-B: c\r\n");
  RequestHead head;
  REQUIRE(head.feed(buffer, {}) == Progress::complete);
  REQUIRE(head.lines().size() == 2);
  CHECK(head.lines()[1].name.in(buffer) == "a-b");
}

TEST_CASE("a head can be used again after a reset", "[edge]") {
  std::string first = post_with("Content-Length: 5\r\nConnection: close\r\n");
  RequestHead head;
  REQUIRE(head.feed(first, {}) == Progress::complete);
  head.reset();
  std::string second = get_with("Host: h\r\n");
  REQUIRE(head.feed(second, {}) == Progress::complete);
  CHECK(head.content_length() == 0);
  CHECK(head.keep_alive());
  CHECK(head.lines().size() == 1);
}
