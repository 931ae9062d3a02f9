#include "tests/support/vectors.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace welkin {

std::string vector_file(std::string_view name) {
  const std::string path = std::string(WELKIN_SOURCE_DIR "/tests/vectors/") + std::string(name);
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("no vector " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

nlohmann::json vector_json(std::string_view name) {
  return nlohmann::json::parse(vector_file(name));
}

std::string vector_key(std::string_view name) {
  return vector_file("keys/" + std::string(name) + ".TESTONLY.pem");
}

WireHeaders headers_of(const nlohmann::json& headers) {
  WireHeaders out;
  for (const auto& item : headers.items()) {
    std::string name = item.key();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    out.emplace_back(std::move(name), item.value().get<std::string>());
  }
  return out;
}

}  // namespace welkin
