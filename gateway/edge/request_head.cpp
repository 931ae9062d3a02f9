#include "gateway/edge/request_head.hpp"

#include <algorithm>
#include <array>

namespace welkin {
namespace {

// RFC 9110 `tchar`.
constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr std::array<bool, 256> is_token_char = make_token_table();

bool is_token(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text)
    if (!is_token_char[static_cast<unsigned char>(c)]) return false;
  return true;
}

bool is_visible_ascii(std::string_view text) {
  for (const char c : text)
    if (c < 0x21 || c > 0x7e) return false;
  return true;
}

bool holds_control_byte(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) return true;
  }
  return false;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool equals_ignoring_case(std::string_view text, std::string_view lower_text) {
  if (text.size() != lower_text.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (lower(text[i]) != lower_text[i]) return false;
  return true;
}

bool begins_ignoring_case(std::string_view text, std::string_view lower_text) {
  return equals_ignoring_case(text.substr(0, lower_text.size()), lower_text);
}

// A host and perhaps a port. Whoever has a user's name before it means something else by it.
bool is_authority(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const char small = lower(c);
    return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~:[]").find(c) != std::string_view::npos;
  });
}

// Where scheme and authority of an absolute form end; 0: this is none of HTTP's.
std::size_t authority_end(std::string_view target) {
  const std::size_t begin = begins_ignoring_case(target, "http://")    ? 7
                            : begins_ignoring_case(target, "https://") ? 8
                                                                       : 0;
  if (begin == 0) return 0;
  const std::size_t end = std::min(target.find_first_of("/?", begin), target.size());
  return is_authority(target.substr(begin, end - begin)) ? end : 0;
}

Span span_of(std::string_view buffer, std::string_view part) {
  return {static_cast<std::uint32_t>(part.data() - buffer.data()),
          static_cast<std::uint32_t>(part.size())};
}

}  // namespace

void RequestHead::reset(std::size_t begin) {
  std::vector<Line> kept = std::move(lines_);
  kept.clear();
  *this = RequestHead();
  lines_ = std::move(kept);
  begin_ = seen_ = line_start_ = begin;
}

bool RequestHead::refuse(ProblemCode code, std::string detail, std::string field) {
  progress_ = Progress::refused;
  refusal_ = {code, std::move(detail), std::move(field)};
  return false;
}

RequestHead::Progress RequestHead::feed(std::string& buffer, const HeadLimits& limits) {
  while (progress_ == Progress::incomplete && seen_ < buffer.size()) {
    const std::size_t end = buffer.find('\n', seen_);
    if (end == std::string::npos) {
      seen_ = buffer.size();
      break;
    }
    // A bare LF is where two servers disagree about what a line is.
    if (end == line_start_ || buffer[end - 1] != '\r') {
      refuse(ProblemCode::bad_request, "a header line does not end with CR LF");
      break;
    }
    seen_ = end + 1;
    if (seen_ - begin_ > limits.max_head_bytes) break;
    const bool is_empty_line = end - 1 == line_start_;
    const bool is_end = is_empty_line && has_request_line_;
    const bool ok = is_end              ? judge(limits)
                    : has_request_line_ ? take_header_line(buffer, end - 1, limits)
                    : is_empty_line     ? take_empty_line(limits)
                                        : take_request_line(buffer, end - 1, limits);
    if (!ok) break;
    line_start_ = seen_;
    if (is_end) progress_ = Progress::complete;
  }
  if (progress_ == Progress::incomplete && seen_ - begin_ > limits.max_head_bytes)
    refuse(ProblemCode::headers_too_large, "the request's head is too large");
  // The carriage return may be there already: what comes in pieces is judged as the whole is.
  if (progress_ == Progress::incomplete && !has_request_line_ &&
      seen_ - line_start_ > limits.max_request_line_bytes + 1)
    refuse(ProblemCode::headers_too_large, "the request line is too long");
  return progress_;
}

// Some clients send an empty line after a body; RFC 9112 2.2 asks to skip it. Who sends nothing
// else is not waited for.
bool RequestHead::take_empty_line(const HeadLimits& limits) {
  if (++empty_lines_ <= limits.max_empty_lines) return true;
  return refuse(ProblemCode::bad_request, "too many empty lines stand before the request line");
}

bool RequestHead::take_request_line(std::string& buffer, std::size_t end,
                                    const HeadLimits& limits) {
  const std::string_view line = std::string_view(buffer).substr(line_start_, end - line_start_);
  if (line.size() > limits.max_request_line_bytes)
    return refuse(ProblemCode::headers_too_large, "the request line is too long");
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return refuse(ProblemCode::bad_request, "the request line is not method, target and version");
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method) || method.size() > 16)
    return refuse(ProblemCode::bad_request, "the method is not a token");
  if (!is_visible_ascii(target) || target.find('#') != std::string_view::npos ||
      !take_target(buffer, span_of(buffer, target)))
    return refuse(ProblemCode::bad_request, "the request target is not an absolute path or URL");
  if (version != "HTTP/1.1" && version != "HTTP/1.0")
    return refuse(ProblemCode::bad_request, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  is_http_1_0_ = version == "HTTP/1.0";
  keep_alive_ = !is_http_1_0_;
  method_ = span_of(buffer, method);
  has_request_line_ = true;
  return true;
}

// Of an absolute form (RFC 9112 3.2.2) the origin form is kept: a node answers for whatever host it
// was asked by, in the target as in the Host header.
bool RequestHead::take_target(std::string& buffer, Span target) {
  const std::string_view text = target.in(buffer);
  std::size_t begin = 0;
  if (text.empty() || text.front() != '/') {
    begin = authority_end(text);
    if (begin == 0) return false;
    // An empty path is "/", and the authority, which nobody reads again, has room for it.
    if (begin == text.size() || text[begin] == '?') {
      --begin;
      buffer[target.begin + begin] = '/';
    }
  }
  const auto skipped = static_cast<std::uint32_t>(begin);
  target_ = {target.begin + skipped, target.size - skipped};
  return true;
}

bool RequestHead::take_header_line(std::string& buffer, std::size_t end, const HeadLimits& limits) {
  if (++line_count_ > limits.max_header_lines)
    return refuse(ProblemCode::headers_too_large, "the request has too many header lines");
  if (buffer[line_start_] == ' ' || buffer[line_start_] == '\t')
    return refuse(ProblemCode::bad_request, "a header line is folded");
  const std::string_view line = std::string_view(buffer).substr(line_start_, end - line_start_);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return refuse(ProblemCode::bad_request, "a header line has no valid name");
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (holds_control_byte(value))
    return refuse(ProblemCode::bad_request, "a header value holds a control byte");
  // A name with an underscore is never one we read, and some programs take REMOTE_ADDR from a
  // client for the socket's address or X_Forwarded_For for X-Forwarded-For.
  if (name.find('_') != std::string_view::npos) return true;
  for (std::size_t i = 0; i < name.size(); ++i)
    buffer[line_start_ + i] = lower(buffer[line_start_ + i]);
  lines_.push_back({span_of(buffer, name), span_of(buffer, value)});
  return take_framing_header(name, value);
}

bool RequestHead::take_framing_header(std::string_view name, std::string_view value) {
  if (name == "content-length") return take_content_length(value);
  if (name == "transfer-encoding") has_transfer_encoding_ = true;
  if (name == "host" && ++hosts_ > 1)
    return refuse(ProblemCode::bad_request, "the request names more than one host", "Host");
  if (name == "connection") take_connection(value);
  if (name == "expect") {
    if (!equals_ignoring_case(value, "100-continue"))
      return refuse(ProblemCode::bad_request, "only 100-continue can be expected", "Expect");
    expects_continue_ = true;
  }
  return true;
}

bool RequestHead::take_content_length(std::string_view value) {
  if (content_length_)
    return refuse(ProblemCode::bad_request, "Content-Length stands there twice", "Content-Length");
  const bool all_digits =
      std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (value.empty() || value.size() > 18 || !all_digits)
    return refuse(ProblemCode::bad_request, "Content-Length is not a length", "Content-Length");
  std::size_t length = 0;
  for (const char c : value) length = length * 10 + static_cast<std::size_t>(c - '0');
  content_length_ = length;
  return true;
}

void RequestHead::take_connection(std::string_view value) {
  while (!value.empty()) {
    const std::size_t comma = value.find(',');
    if (equals_ignoring_case(trim(value.substr(0, comma)), "close")) keep_alive_ = false;
    if (comma == std::string_view::npos) return;
    value.remove_prefix(comma + 1);
  }
}

// Without Content-Length a request has no body, whatever its method (RFC 9112 6.3).
bool RequestHead::judge(const HeadLimits& limits) {
  if (has_transfer_encoding_)
    return refuse(ProblemCode::transfer_encoding_refused,
                  "send the body whole, with Content-Length", "Transfer-Encoding");
  if (hosts_ == 0 && !is_http_1_0_)
    return refuse(ProblemCode::bad_request, "HTTP/1.1 asks for a Host header", "Host");
  if (content_length() > limits.body_limit_bytes)
    return refuse(ProblemCode::body_too_large,
                  "the body may have at most " + std::to_string(limits.body_limit_bytes) + " bytes",
                  "Content-Length");
  return true;
}

}  // namespace welkin
