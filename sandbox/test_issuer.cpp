// The authority, over OpenSSL; see the header.
#include "sandbox/test_issuer.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <memory>
#include <vector>

namespace welkin::sandbox {
namespace {

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIGNUM* number) const { BN_free(number); }
  void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using CertificatePtr = std::unique_ptr<X509, Free>;
using Bio = std::unique_ptr<BIO, Free>;

constexpr long day_s = 86'400;

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

Bio reader_of(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}
Key read_key(const std::string& pem) {
  return Key(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, nullptr, nullptr));
}
CertificatePtr read_certificate(const std::string& pem) {
  return CertificatePtr(PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr));
}

std::vector<unsigned char> random_bytes(std::size_t count) {
  std::vector<unsigned char> bytes(count);
  if (RAND_bytes(bytes.data(), static_cast<int>(count)) != 1) std::abort();
  return bytes;
}

// Positive, and of all its digits.
void set_serial(X509* certificate, int bytes) {
  std::vector<unsigned char> serial = random_bytes(static_cast<std::size_t>(bytes));
  serial[0] = static_cast<unsigned char>(0x50 | (serial[0] & 0x0f));
  const std::unique_ptr<BIGNUM, Free> number(BN_bin2bn(serial.data(), bytes, nullptr));
  BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate));
}

void add_text(X509_NAME* name, const char* field, const std::string& text) {
  X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(text.data()),
                             static_cast<int>(text.size()), -1, 0);
}

void add_extension(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  if (extension) X509_add_ext(certificate, extension.get(), -1);
}

}  // namespace

std::string make_rsa_key() {
  const Key key(EVP_RSA_gen(2048));
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!key || !bio ||
      PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1)
    return {};
  return text_of(bio);
}

std::string public_key_of(const std::string& private_key) {
  const Key key = read_key(private_key);
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!key || !bio || PEM_write_bio_PUBKEY(bio.get(), key.get()) != 1) return {};
  return text_of(bio);
}

std::string issue_certificate(const CertificateOrder& order, const std::string& key,
                              const std::string& issuer_key,
                              const std::string& issuer_certificate) {
  const Key own = read_key(key);
  const Key signer = read_key(issuer_key.empty() ? key : issuer_key);
  const CertificatePtr issuer = read_certificate(issuer_certificate);
  const CertificatePtr certificate(X509_new());
  if (!own || !signer || !certificate || (!issuer && !issuer_certificate.empty())) return {};
  X509* made = certificate.get();
  X509_set_version(made, 2);  // which is version 3
  set_serial(made, order.serial_bytes);
  X509_gmtime_adj(X509_getm_notBefore(made), -day_s);
  X509_gmtime_adj(X509_getm_notAfter(made), 3'650 * day_s);
  X509_NAME* subject = X509_get_subject_name(made);
  add_text(subject, "C", "CN");
  add_text(subject, "O", "Welkin sandbox, for tests only");
  add_text(subject, "OU", "TEST");
  add_text(subject, "CN", order.common_name);
  X509_set_issuer_name(made, issuer ? X509_get_subject_name(issuer.get()) : subject);
  X509_set_pubkey(made, own.get());
  X509* above = issuer ? issuer.get() : made;
  add_extension(made, above, NID_basic_constraints,
                order.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  add_extension(made, above, NID_key_usage,
                order.authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_sign(made, signer.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_X509(bio.get(), made) != 1)
    return {};
  return text_of(bio);
}

std::string random_text(std::size_t length) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  std::string text;
  for (const unsigned char byte : random_bytes(length)) text.push_back(letters[byte % 62]);
  return text;
}

}  // namespace welkin::sandbox
