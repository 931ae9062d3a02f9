// One request and its answer as the handlers see them, free of any HTTP library.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace welkin {

struct HeaderView {
  std::string_view name;  // in lower case
  std::string_view value;
};

// The views stay valid while the handler runs.
struct HttpRequest {
  std::string_view method;
  std::string_view target;
  std::string_view path;   // the target up to '?', not percent-decoded
  std::string_view query;  // after '?', not percent-decoded
  std::string_view body;
  std::string_view peer;  // the socket's address; no header can change it
  std::vector<HeaderView> headers;

  // The first header of that name, or null.
  const HeaderView* find_header(std::string_view lower_name) const {
    for (const HeaderView& line : headers)
      if (line.name == lower_name) return &line;
    return nullptr;
  }
  // Its value; empty when there is none.
  std::string_view header(std::string_view lower_name) const {
    const HeaderView* line = find_header(lower_name);
    return line != nullptr ? line->value : std::string_view();
  }
};

struct HttpAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
  // Values come from us or have been checked: nothing here may hold CR or LF.
  std::vector<std::pair<std::string, std::string>> headers;
};

using HttpHandler = std::function<void(const HttpRequest&, HttpAnswer&)>;

}  // namespace welkin
