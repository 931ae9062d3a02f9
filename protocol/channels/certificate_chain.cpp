// OpenSSL's chain building with a store of our own for each question; see the header.
#include "protocol/channels/certificate_chain.hpp"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>

namespace welkin::crypto {
namespace {

struct StoreFree {
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
};
struct ContextFree {
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};
// OpenSSL keeps its errors a thread until somebody looks, and ours are values.
struct NoErrorsLeft {
  ~NoErrorsLeft() { ERR_clear_error(); }
};
struct StackFree {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

X509* x509_of(const Certificate& certificate) { return static_cast<X509*>(certificate.native()); }

std::string utf8_of(const ASN1_STRING* text) {
  unsigned char* bytes = nullptr;
  const int length = ASN1_STRING_to_UTF8(&bytes, text);
  if (length < 0) return {};
  std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
  OPENSSL_free(bytes);
  return out;
}

}  // namespace

std::vector<std::string> split_certificates(std::string_view bundle) {
  constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view end = "-----END CERTIFICATE-----";
  std::vector<std::string> found;
  while (true) {
    const std::size_t from = bundle.find(begin);
    if (from == std::string_view::npos) return found;
    const std::size_t to = bundle.find(end, from);
    if (to == std::string_view::npos) return found;
    found.push_back(std::string(bundle.substr(from, to + end.size() - from)) + "\n");
    bundle.remove_prefix(to + end.size());
  }
}

std::vector<Certificate> rsa_certificates(std::string_view bundle) {
  std::vector<Certificate> found;
  for (const std::string& pem : split_certificates(bundle)) {
    auto certificate = Certificate::from_pem(pem);
    if (auto* good = std::get_if<Certificate>(&certificate)) found.push_back(std::move(*good));
  }
  return found;
}

bool is_authority(const Certificate& certificate) {
  const NoErrorsLeft cleaner;
  return X509_check_ca(x509_of(certificate)) != 0;
}

std::string issuer_from_the_end(const Certificate& certificate) {
  const X509_NAME* issuer = X509_get_issuer_name(x509_of(certificate));
  std::string text;
  for (int i = X509_NAME_entry_count(issuer) - 1; i >= 0; --i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(issuer, i);
    const char* name = OBJ_nid2sn(OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)));
    if (!text.empty()) text.push_back(',');
    text.append(name).append("=").append(utf8_of(X509_NAME_ENTRY_get_data(entry)));
  }
  return text;
}

std::optional<std::string> chain_fault(const Certificate& leaf,
                                       const std::vector<Certificate>& middles,
                                       const std::vector<Certificate>& roots, UnixUs now_us) {
  const NoErrorsLeft cleaner;
  const std::unique_ptr<X509_STORE, StoreFree> store(X509_STORE_new());
  const std::unique_ptr<X509_STORE_CTX, ContextFree> context(X509_STORE_CTX_new());
  const std::unique_ptr<STACK_OF(X509), StackFree> untrusted(sk_X509_new_null());
  if (!store || !context || !untrusted) return "OpenSSL has no memory.";
  for (const Certificate& root : roots)
    if (X509_STORE_add_cert(store.get(), x509_of(root)) != 1) return "A root cannot be used.";
  for (const Certificate& middle : middles)
    if (sk_X509_push(untrusted.get(), x509_of(middle)) <= 0) return "OpenSSL has no memory.";
  if (X509_STORE_CTX_init(context.get(), store.get(), x509_of(leaf), untrusted.get()) != 1)
    return "OpenSSL cannot begin.";
  X509_VERIFY_PARAM* rules = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(rules, static_cast<time_t>(now_us / us_per_s));
  X509_VERIFY_PARAM_set_auth_level(rules, 0);
  if (X509_verify_cert(context.get()) == 1) return std::nullopt;
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

}  // namespace welkin::crypto
