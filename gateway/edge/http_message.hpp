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

// The views stay valid until the answer is given.
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

inline std::string_view path_of_target(std::string_view target) {
  return target.substr(0, target.find('?'));
}

struct HttpAnswer {
  int status = 200;
  std::string content_type;
  std::string body;
  // Values come from us or have been checked: nothing here may hold CR or LF.
  std::vector<std::pair<std::string, std::string>> headers;
};

struct Connection;

// The right and the duty to answer one request: at once or later, from any thread, once. One that
// is dropped without an answer answers that something went wrong here, so that no client waits for
// nothing.
class Responder {
 public:
  class Line {
   public:
    virtual void answered(Connection& connection, HttpAnswer answer) = 0;
    virtual void dropped(Connection& connection) = 0;

   protected:
    ~Line() = default;
  };

  Responder(Line& line, Connection& connection) : line_(&line), connection_(&connection) {}
  Responder(Responder&& other) noexcept
      : line_(std::exchange(other.line_, nullptr)), connection_(other.connection_) {}
  Responder& operator=(Responder&&) = delete;
  ~Responder() {
    if (line_ != nullptr) line_->dropped(*connection_);
  }

  void answer(HttpAnswer answer) {
    std::exchange(line_, nullptr)->answered(*connection_, std::move(answer));
  }

 private:
  Line* line_;
  Connection* connection_;
};

using HttpHandler = std::function<void(const HttpRequest&, Responder)>;

}  // namespace welkin
