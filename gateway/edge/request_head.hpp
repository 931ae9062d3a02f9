// Reads the head of one request out of a growing buffer and decides where the request ends, before
// anything else looks at it. Whatever leaves a doubt about framing is refused, never repaired.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/problem.hpp"

namespace welkin {

struct HeadLimits {
  std::size_t max_head_bytes = 16 * 1024;
  std::size_t max_header_lines = 100;
  std::size_t max_request_line_bytes = 8 * 1000;  // httplib refuses from 8192 on
  std::size_t body_limit_bytes = 64 * 1024;
  std::size_t max_empty_lines = 8;  // before the request line
};

// Offsets rather than pointers, because the buffer may move while the body arrives.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  std::string_view in(std::string_view buffer) const { return buffer.substr(begin, size); }
};

class RequestHead {
 public:
  enum class Progress : std::uint8_t { incomplete, complete, refused };

  struct Line {
    Span name;
    Span value;
  };

  // Looks at the bytes it has not seen yet, each of them once. Header names are put in lower case
  // in place.
  Progress feed(std::string& buffer, const HeadLimits& limits);
  // The next head begins there in the buffer.
  void reset(std::size_t begin = 0);

  // Valid when complete.
  Span method() const { return method_; }
  Span target() const { return target_; }
  const std::vector<Line>& lines() const { return lines_; }
  std::size_t head_end() const { return line_start_; }  // in the buffer
  std::size_t content_length() const { return content_length_.value_or(0); }
  bool keep_alive() const { return keep_alive_; }
  bool expects_continue() const { return expects_continue_; }

  // Valid when refused.
  const Problem& refusal() const { return refusal_; }

 private:
  bool refuse(ProblemCode code, std::string detail, std::string field = {});
  bool take_empty_line(const HeadLimits& limits);
  bool take_request_line(std::string& buffer, std::size_t end, const HeadLimits& limits);
  bool take_target(std::string& buffer, Span target);
  bool take_header_line(std::string& buffer, std::size_t end, const HeadLimits& limits);
  bool take_framing_header(std::string_view name, std::string_view value);
  bool take_content_length(std::string_view value);
  void take_connection(std::string_view value);
  bool judge(const HeadLimits& limits);

  Progress progress_ = Progress::incomplete;
  std::size_t begin_ = 0;
  std::size_t seen_ = 0;
  std::size_t line_start_ = 0;
  std::size_t empty_lines_ = 0;
  bool has_request_line_ = false;
  bool is_http_1_0_ = false;
  bool keep_alive_ = true;
  bool expects_continue_ = false;
  bool has_transfer_encoding_ = false;
  int hosts_ = 0;
  std::optional<std::size_t> content_length_;
  std::size_t line_count_ = 0;
  Span method_;
  Span target_;
  std::vector<Line> lines_;
  Problem refusal_;
};

}  // namespace welkin
