// The head of an HTTP request: what arrives in pieces is judged as what arrives at once, and a head
// that is taken leaves no doubt about where the request ends.
#include "gateway/edge/request_head.hpp"

#include <algorithm>

#include "gateway/problem_document.hpp"
#include "tests/fuzz/claims.hpp"

namespace welkin::fuzz {
namespace {

// Small, so that the limits are reached by inputs of a size the fuzzer likes.
constexpr HeadLimits limits{512, 8, 128, 64};

struct Judged {
  RequestHead head;
  std::string buffer;
};

Judged feed_in_pieces(std::string_view bytes, std::size_t piece) {
  Judged out;
  while (!bytes.empty()) {
    out.buffer.append(bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    if (out.head.feed(out.buffer, limits) != RequestHead::Progress::incomplete) break;
  }
  out.buffer.append(bytes);
  return out;
}

bool is_lower_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && !(c >= 'A' && c <= 'Z') &&
           std::string_view("()<>@,;:\\\"/[]?={}_").find(c) == std::string_view::npos;
  });
}

void check_complete(const Judged& judged) {
  const RequestHead& head = judged.head;
  const std::string_view target = head.target().in(judged.buffer);
  claim(head.head_end() <= limits.max_head_bytes && head.head_end() <= judged.buffer.size(),
        "a head is within its limit and its buffer");
  claim(judged.buffer.substr(head.head_end() - 4, 4) == "\r\n\r\n",
        "a head ends with an empty line");
  claim(head.content_length() <= limits.body_limit_bytes, "a body is within its limit");
  claim(!target.empty() && target.front() == '/', "a target is a path");
  claim(std::all_of(target.begin(), target.end(),
                    [](char c) { return c > 0x20 && c < 0x7f && c != '#'; }),
        "a target is visible ASCII");
  claim(head.lines().size() <= limits.max_header_lines, "header lines are within their limit");
  int lengths = 0;
  for (const RequestHead::Line& line : head.lines()) {
    const std::string_view name = line.name.in(judged.buffer);
    const std::string_view value = line.value.in(judged.buffer);
    claim(is_lower_token(name), "a header's name is a token in lower case");
    claim(std::none_of(value.begin(), value.end(),
                       [](char c) { return c == '\r' || c == '\n' || c == '\0'; }),
          "a header's value ends no line");
    claim(name != "transfer-encoding", "a body is never chunked");
    if (name == "content-length") {
      ++lengths;
      claim(std::all_of(value.begin(), value.end(), [](char c) { return c >= '0' && c <= '9'; }),
            "a length is digits");
      claim(std::stoull(std::string(value)) == head.content_length(),
            "a length is what its line says");
    }
  }
  claim(lengths <= 1 && (lengths == 1 || head.content_length() == 0),
        "a body has one length or is empty");
}

void check(std::string_view bytes, std::size_t piece) {
  const Judged whole = feed_in_pieces(bytes, std::max<std::size_t>(1, bytes.size()));
  const Judged pieces = feed_in_pieces(bytes, piece);
  RequestHead whole_again = whole.head;
  RequestHead pieces_again = pieces.head;
  std::string none;
  const auto progress = whole_again.feed(none, limits);
  claim(progress == pieces_again.feed(none, limits), "pieces are judged as the whole is");
  if (progress == RequestHead::Progress::refused) {
    claim_problem(whole.head.refusal());
    claim_problem(pieces.head.refusal());
    const std::string answer = canned_problem_response(whole.head.refusal());
    claim(answer.find("\r\n\r\n{") != std::string::npos, "a refusal is a whole answer");
  }
  if (progress != RequestHead::Progress::complete) return;
  check_complete(whole);
  check_complete(pieces);
  claim(whole.head.head_end() == pieces.head.head_end() &&
            whole.head.content_length() == pieces.head.content_length() &&
            whole.head.keep_alive() == pieces.head.keep_alive() &&
            whole.head.expects_continue() == pieces.head.expects_continue(),
        "pieces are framed as the whole is");
  // What follows the head is the body's and the next request's, and neither is touched.
  claim_same(whole.buffer, pieces.buffer, "pieces leave the buffer as the whole does");
  claim_same(std::string_view(whole.buffer).substr(whole.head.head_end()),
             bytes.substr(whole.head.head_end()), "what follows the head is left as it came");
}

}  // namespace
}  // namespace welkin::fuzz

// The first byte says how large the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  welkin::fuzz::check(welkin::fuzz::view_of(data + 1, size - 1), 1 + data[0] % 16);
  return 0;
}
