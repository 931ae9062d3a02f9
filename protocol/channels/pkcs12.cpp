// OpenSSL's PKCS#12 reader, which picks the certificate that fits the key; see the header.
#include "protocol/channels/pkcs12.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>

#include <memory>

namespace welkin::crypto {
namespace {

template <class T, void (*free_it)(T*)>
struct Free {
  void operator()(T* value) const { free_it(value); }
};
struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

// More than any program writes, and done within a second: the file says itself how long it takes
// to try a password.
constexpr long max_iterations = 1'000'000;

bool is_costly(const PKCS12* file) {
  const ASN1_INTEGER* iterations = nullptr;
  PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, file);
  return iterations &&
         (ASN1_INTEGER_get(iterations) < 0 || ASN1_INTEGER_get(iterations) > max_iterations);
}

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio, &text);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

std::variant<KeyAndCertificate, KeyFault> read_pkcs12(std::string_view bytes,
                                                      const std::string& password) {
  if (bytes.empty()) return KeyFault::missing;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const std::unique_ptr<PKCS12, Free<PKCS12, PKCS12_free>> file(
      d2i_PKCS12(nullptr, &data, static_cast<long>(bytes.size())));
  EVP_PKEY* raw_key = nullptr;
  X509* raw_certificate = nullptr;
  const bool parsed =
      file && !is_costly(file.get()) &&
      PKCS12_parse(file.get(), password.c_str(), &raw_key, &raw_certificate, nullptr) == 1;
  const std::unique_ptr<EVP_PKEY, Free<EVP_PKEY, EVP_PKEY_free>> key(raw_key);
  const std::unique_ptr<X509, Free<X509, X509_free>> certificate(raw_certificate);
  ERR_clear_error();
  if (!parsed || !key || !certificate) return KeyFault::unreadable;

  const BioPtr key_pem(BIO_new(BIO_s_mem()));
  const BioPtr certificate_pem(BIO_new(BIO_s_mem()));
  if (!key_pem || !certificate_pem ||
      PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_X509(certificate_pem.get(), certificate.get()) != 1)
    return KeyFault::unreadable;
  auto loaded_key = PrivateKey::from_pem(text_of(key_pem.get()));
  if (const auto* fault = std::get_if<KeyFault>(&loaded_key)) return *fault;
  auto loaded_certificate = Certificate::from_pem(text_of(certificate_pem.get()));
  if (const auto* fault = std::get_if<KeyFault>(&loaded_certificate)) return *fault;
  return KeyAndCertificate{std::get<PrivateKey>(std::move(loaded_key)),
                           std::get<Certificate>(std::move(loaded_certificate))};
}

}  // namespace welkin::crypto
