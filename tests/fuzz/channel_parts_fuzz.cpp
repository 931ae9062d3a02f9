// What the channels' wire formats stand on: archives, packed bytes, GBK, keys and certificates,
// JSON, forms and times. There and back again is the same, a bound holds, and what two readers
// could read in two ways is refused.
//
// The first line of an input says which: "zip", "inflate", "deflate", "gbk", "pkcs12",
// "certificate" (DER), "pem", "json", "form", "base64" or "time".
#include <iconv.h>
#include <zlib.h>

#include <nlohmann/json.hpp>

#include "protocol/channels/beijing_time.hpp"
#include "protocol/channels/certificate_chain.hpp"
#include "protocol/channels/form.hpp"
#include "protocol/channels/gbk.hpp"
#include "protocol/channels/inflate.hpp"
#include "protocol/channels/pkcs12.hpp"
#include "protocol/channels/strict_json.hpp"
#include "protocol/channels/zip.hpp"
#include "tests/fuzz/channel_claims.hpp"

namespace welkin::fuzz {
namespace {

constexpr std::size_t unpacked_bytes_max = 1024 * 1024;

void check_zip(std::string_view archive) {
  const ZipLimits limits{8, unpacked_bytes_max};
  const auto entries = unzip(archive, limits);
  if (!entries) return;
  claim(entries->size() <= limits.max_entries, "there are no more entries than the bound");
  std::size_t bytes = 0;
  for (const ZipEntry& entry : *entries) bytes += entry.bytes.size();
  claim(bytes <= limits.max_bytes, "there are no more bytes than the bound");
  claim(unzip(archive, {entries->size(), bytes}).has_value(), "what is just within is within");
  if (bytes > 0)
    claim(!unzip(archive, {limits.max_entries, bytes - 1}), "a byte beyond the bound is too much");
  if (!entries->empty())
    claim(!unzip(archive, {entries->size() - 1, bytes}), "an entry beyond the bound is too much");
}

std::string deflated(std::string_view text) {
  uLongf size = compressBound(text.size());
  std::string out(size, '\0');
  claim(compress(reinterpret_cast<Bytef*>(out.data()), &size,
                 reinterpret_cast<const Bytef*>(text.data()), text.size()) == Z_OK,
        "zlib packs");
  out.resize(size);
  return out;
}

void check_deflate(std::string_view text) {
  const std::string packed = deflated(text);
  claim(inflate_zlib(packed, text.size()) == text, "what was packed is unpacked as it was");
  claim(!inflate_zlib(packed + "x", text.size()), "nothing may follow");
  claim(!inflate_zlib(std::string_view(packed).substr(0, packed.size() - 1), text.size()),
        "what is cut short is broken");
  if (!text.empty()) claim(!inflate_zlib(packed, text.size() - 1), "a byte beyond is too much");
}

void check_inflate(std::string_view packed) {
  const auto text = inflate_zlib(packed, unpacked_bytes_max);
  if (!text) return;
  claim(text->size() <= unpacked_bytes_max, "there are no more bytes than the bound");
  check_deflate(*text);
}

std::string gbk_of(std::string_view utf8) {
  const iconv_t converter = iconv_open("GBK", "UTF-8");
  std::string out(utf8.size() * 2, '\0');
  char* from = const_cast<char*>(utf8.data());
  char* to = out.data();
  std::size_t left = utf8.size();
  std::size_t room = out.size();
  const std::size_t lost = iconv(converter, &from, &left, &to, &room);
  iconv_close(converter);
  claim(lost == 0 && left == 0, "what was GBK can be written as GBK");
  out.resize(out.size() - room);
  return out;
}

void check_gbk(std::string_view bytes) {
  const auto text = utf8_of_gbk(bytes);
  if (!text) return;
  claim(is_utf8(*text), "what is read of GBK is UTF-8");
  claim_same(gbk_of(*text), bytes, "GBK comes back byte for byte");
}

void check_pkcs12(std::string_view bytes) {
  const auto read = crypto::read_pkcs12(bytes, "000000");
  claim_no_errors_left();
  const auto* own = std::get_if<crypto::KeyAndCertificate>(&read);
  if (const auto* fault = std::get_if<crypto::KeyFault>(&read))
    return claim(*fault != crypto::KeyFault::unreadable, "what cannot be opened says why");
  claim(own->key.public_key() == own->certificate.public_key(), "the certificate is the key's own");
  claim(own->key.bits() >= crypto::min_rsa_bits, "no short key is taken");
  claim(std::holds_alternative<crypto::KeyFault>(crypto::read_pkcs12(bytes, "000001")),
        "another password opens nothing");
}

std::vector<crypto::Certificate> vector_certificates() {
  std::string bundle;
  for (const char* name : {"unionpay_root_cert", "unionpay_middle_cert", "unionpay_platform_cert",
                           "unionpay_platform_cert_prodcn", "unionpay_merchant_cert"})
    bundle += vector_key(name);
  return crypto::rsa_certificates(bundle);
}

// Nothing but what the authority has issued is vouched for, whatever the fuzzer makes of it.
void claim_not_forged(const crypto::Certificate& certificate) {
  static const std::vector<crypto::Certificate> issued = vector_certificates();
  static const std::vector<crypto::Certificate> roots(issued.begin(), issued.begin() + 1);
  static const std::vector<crypto::Certificate> middles(issued.begin() + 1, issued.begin() + 2);
  const bool vouched =
      !crypto::chain_fault(certificate, middles, roots, vectors_now_us).has_value();
  claim_no_errors_left();
  if (!vouched) return;
  for (const crypto::Certificate& known : issued)
    if (known.serial_hex() == certificate.serial_hex() &&
        known.common_name() == certificate.common_name() &&
        known.public_key() == certificate.public_key())
      return;
  claim(false, "only what the authority has issued is vouched for");
}

void check_pem(std::string_view text) {
  std::string joined;
  for (const std::string& pem : crypto::split_certificates(text)) joined += pem;
  claim(crypto::split_certificates(joined).size() == crypto::split_certificates(text).size(),
        "a bundle's certificates are a bundle");
  for (const crypto::Certificate& certificate : crypto::rsa_certificates(text)) {
    (void)crypto::is_authority(certificate);
    claim(is_utf8(crypto::issuer_from_the_end(certificate)), "an issuer's name is text");
    claim(is_utf8(certificate.common_name()), "a subject's name is text");
    claim(crypto::parse_hex(certificate.serial_hex()).has_value(), "a serial number is hex");
    claim_not_forged(certificate);
  }
  claim_no_errors_left();
}

void check_certificate(std::string_view der) {
  std::string pem = "-----BEGIN CERTIFICATE-----\n";
  const std::string text = crypto::base64(der);
  for (std::size_t i = 0; i < text.size(); i += 64) pem.append(text, i, 64).push_back('\n');
  check_pem(pem + "-----END CERTIFICATE-----\n");
}

// As a reader of its own sees the same text: how deep it is, and whether a key stands twice.
struct Shape {
  int depth = 0;
  bool repeats = false;
};
Shape shape_of(std::string_view text) {
  using Json = nlohmann::json;
  Shape shape;
  std::vector<std::set<std::string>> open;
  const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end && !open.empty()) open.pop_back();
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start)
      shape.depth = std::max(shape.depth, depth + 1);
    if (event == Json::parse_event_t::key && !open.empty())
      shape.repeats = !open.back().insert(parsed.get<std::string>()).second || shape.repeats;
    return true;
  };
  (void)Json::parse(text, watch, false);
  return shape;
}

void check_json(std::string_view text) {
  const auto json = parse_strict_json(text);
  const Shape shape = shape_of(text);
  const bool sound = nlohmann::json::accept(text) && !unjudged_json_byte(text) && !shape.repeats &&
                     shape.depth <= max_json_depth;
  claim(json.has_value() == sound, "JSON that can be read in one way is taken, and nothing else");
  if (!json) return;
  claim(parse_strict_json(json->dump()) == json, "what is read is written and read the same");
  claim_every_byte_judged(
      text, [](std::string_view other) { return parse_strict_json(other).has_value(); });
  if (json->is_string())
    claim(text_of_json_string(text) == json->get<std::string>(), "a string's text is its text");
  else
    claim(text_of_json_string(text).empty(), "only a string is a text");
}

void check_form(std::string_view body) {
  const auto fields = parse_form(body);
  if (!fields) return;
  claim(fields->size() <= max_form_fields, "a form has no more fields than the bound");
  std::set<std::string> names;
  for (const auto& [name, value] : *fields) {
    claim(!name.empty() && names.insert(name).second, "a name stands once");
    claim(field_of(*fields, name) == value, "a field is found by its name");
    claim(escape_html(value).find_first_of("<>\"'") == std::string::npos,
          "nothing in an attribute ends it");
  }
  for (const FormSpace space : {FormSpace::plus, FormSpace::percent_20})
    claim(parse_form(encode_form(*fields, space)) == fields, "a form comes back the same");
}

void check_base64(std::string_view text) {
  if (const auto bytes = crypto::parse_base64(text))
    claim_same(crypto::base64(*bytes), text, "each text is the only one for its bytes");
  claim(crypto::parse_base64(crypto::base64(text)) == text, "bytes come back the same");
  claim(crypto::parse_hex(crypto::hex(text)) == text, "bytes come back the same");
  claim_no_errors_left();
}

void check_time(std::string_view text) {
  if (const auto at_us = parse_beijing_dashed(text))
    claim_same(beijing_dashed(*at_us), text.substr(0, 19), "a time is written as it was read");
  if (const auto at_us = parse_beijing_compact(text))
    claim_same(beijing_compact(*at_us), text, "a time is written as it was read");
}

void check(std::string_view input) {
  const std::string_view what = take_line(input);
  if (what == "zip") return check_zip(input);
  if (what == "inflate") return check_inflate(input);
  if (what == "deflate") return check_deflate(input);
  if (what == "gbk") return check_gbk(input);
  if (what == "pkcs12") return check_pkcs12(input);
  if (what == "certificate") return check_certificate(input);
  if (what == "pem") return check_pem(input);
  if (what == "json") return check_json(input);
  if (what == "base64") return check_base64(input);
  if (what == "time") return check_time(input);
  check_form(input);
}

}  // namespace
}  // namespace welkin::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  welkin::fuzz::check(welkin::fuzz::view_of(data, size));
  return 0;
}
