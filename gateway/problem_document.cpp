#include "gateway/problem_document.hpp"

#include <random>

#include "gateway/edge/http_date.hpp"
#include "protocol/ids.hpp"
#include "protocol/json_text.hpp"

namespace welkin {
namespace {

bool is_request_id(std::string_view text) {
  if (text.empty() || text.size() > 64) return false;
  for (const char c : text) {
    const bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || c == '-';
    if (!ok) return false;
  }
  return true;
}

std::string document_of(const Problem& problem, std::string_view request_id) {
  const ProblemSpec& spec = spec_of(problem.code);
  std::string out;
  out.reserve(256 + problem.detail.size());
  out.append(R"({"type":"urn:welkin:problem:)").append(spec.name).append(R"(","title":)");
  append_json_string(out, spec.title);
  out.append(R"(,"status":)");
  append_json_int(out, spec.http_status);
  out.append(R"(,"detail":)");
  append_json_string(out, problem.detail.empty() ? spec.title : problem.detail);
  out.append(R"(,"code":)");
  append_json_string(out, spec.name);
  if (!problem.field.empty()) {
    out.append(R"(,"field":)");
    append_json_string(out, problem.field);
  }
  out.append(R"(,"request_id":)");
  append_json_string(out, request_id);
  out.push_back('}');
  return out;
}

}  // namespace

std::string fresh_number() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  const Id128 id{generator(), generator()};
  char text[26];
  id.write_text(text);
  return {text, sizeof text};
}

std::string fresh_request_id() { return std::string(request_id_prefix).append(fresh_number()); }

std::string request_id_for(std::string_view client_sent) {
  return is_request_id(client_sent) ? std::string(client_sent) : fresh_request_id();
}

void answer_problem(const Problem& problem, std::string_view request_id, HttpAnswer& answer) {
  const ProblemSpec& spec = spec_of(problem.code);
  answer.status = spec.http_status;
  answer.content_type = "application/problem+json";
  answer.body = document_of(problem, request_id);
  if (spec.retry_after_s > 0)
    answer.headers.emplace_back("Retry-After", std::to_string(spec.retry_after_s));
  if (problem.code == ProblemCode::unauthorized)
    answer.headers.emplace_back("WWW-Authenticate", R"(Bearer realm="welkin")");
}

namespace {

std::string canned(const Problem& problem, int status, std::string_view content_type,
                   std::string_view body, std::string_view request_id) {
  const ProblemSpec& spec = spec_of(problem.code);
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(spec.title).append("\r\nContent-Type: ").append(content_type);
  out.append("\r\nDate: ").append(http_date_now());
  out.append("\r\nContent-Length: ").append(std::to_string(body.size()));
  out.append("\r\nConnection: close\r\nX-Request-Id: ").append(request_id).append("\r\n");
  if (spec.retry_after_s > 0)
    out.append("Retry-After: ").append(std::to_string(spec.retry_after_s)).append("\r\n");
  out.append("\r\n").append(body);
  return out;
}

}  // namespace

std::string canned_problem_response(const Problem& problem) {
  const std::string request_id = fresh_request_id();
  return canned(problem, spec_of(problem.code).http_status, "application/problem+json",
                document_of(problem, request_id), request_id);
}

std::string canned_response(const Problem& problem, const HttpAnswer& answer) {
  return canned(problem, answer.status, answer.content_type, answer.body, fresh_request_id());
}

}  // namespace welkin
