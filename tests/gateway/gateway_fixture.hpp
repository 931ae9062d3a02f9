// A real gateway on a free port over a FakeService. Every answer a test gets through `call` has
// been checked against the OpenAPI document first.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/gateway_server.hpp"
#include "gateway/openapi.hpp"
#include "gateway/route.hpp"
#include "tests/gateway/fake_service.hpp"
#include "tests/gateway/raw_client.hpp"
#include "tests/gateway/schema_check.hpp"

namespace welkin::test {

using Json = nlohmann::json;
using HeaderList = std::vector<std::pair<std::string, std::string>>;

const Json& openapi_json();
Json resolved(const Json& value);  // what a reference in the document leads to; else the value
void check_against_openapi(std::string_view method, std::string_view path, const RawAnswer& answer);
std::string request_text(std::string_view method, std::string_view path, const std::string& body,
                         const HeaderList& headers);

struct GatewayFixture {
  explicit GatewayFixture(GatewayConfig config = {});

  RawAnswer exchange(RawClient& client, std::string_view method, std::string_view path,
                     const std::string& body, const HeaderList& headers);
  RawAnswer call(std::string_view method, std::string_view path, const std::string& body = {},
                 HeaderList headers = {}, const std::string& key = "key-1");

  static Json create_body(const std::string& order_no = "order-1");
  // The new payment's id.
  std::string create(const std::string& order_no = "order-1");

  FakeService service;
  std::unique_ptr<GatewayServer> gateway;
  int port = 0;
};

Json json_of(const RawAnswer& answer);
std::string code_of(const RawAnswer& answer);
std::string field_of(const RawAnswer& answer);

}  // namespace welkin::test
