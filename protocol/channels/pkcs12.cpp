// OpenSSL's PKCS#12 reader, which picks the certificate that fits the key; see the header.
#include "protocol/channels/pkcs12.hpp"

#include <openssl/asn1t.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>

#include <memory>

namespace welkin::crypto {
namespace {

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* owned) const {
    Free(owned);
  }
};
void free_parts(STACK_OF(PKCS7) * parts) { sk_PKCS7_pop_free(parts, PKCS7_free); }
void free_bags(STACK_OF(PKCS12_SAFEBAG) * bags) {
  sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
}
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using File = std::unique_ptr<PKCS12, FreeWith<PKCS12_free>>;
using Parts = std::unique_ptr<STACK_OF(PKCS7), FreeWith<free_parts>>;
using Bags = std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), FreeWith<free_bags>>;

// What this thread asks of OpenSSL while it lives also has the ciphers of old: authorities still
// hand out files whose certificates are under 40-bit RC2. Only what is read from such a file may be
// so weak, so nothing else in this process ever sees these ciphers.
class OldCiphers {
 public:
  OldCiphers() {
    if (!library_) return;
    default_ = OSSL_PROVIDER_load(library_, "default");
    legacy_ = OSSL_PROVIDER_load(library_, "legacy");
    before_ = OSSL_LIB_CTX_set0_default(library_);
  }
  ~OldCiphers() {
    if (!library_) return;
    OSSL_LIB_CTX_set0_default(before_);
    if (legacy_) OSSL_PROVIDER_unload(legacy_);
    if (default_) OSSL_PROVIDER_unload(default_);
    OSSL_LIB_CTX_free(library_);
  }
  OldCiphers(const OldCiphers&) = delete;
  OldCiphers& operator=(const OldCiphers&) = delete;

 private:
  OSSL_LIB_CTX* const library_ = OSSL_LIB_CTX_new();
  OSSL_PROVIDER* default_ = nullptr;
  OSSL_PROVIDER* legacy_ = nullptr;
  OSSL_LIB_CTX* before_ = nullptr;
};

struct NoErrorsLeft {
  ~NoErrorsLeft() { ERR_clear_error(); }
};

// More than any program writes, and done within a second: the file says itself how long it takes
// to try a password.
constexpr long max_iterations = 1'000'000;

bool is_costly(const ASN1_INTEGER* iterations) {
  return iterations &&
         (ASN1_INTEGER_get(iterations) < 0 || ASN1_INTEGER_get(iterations) > max_iterations);
}

bool is_costly(const X509_ALGOR* algorithm) {
  if (!algorithm || !algorithm->parameter) return false;
  const auto unpacked = [](const X509_ALGOR* of, const ASN1_ITEM* as) -> void* {
    return of && of->parameter ? ASN1_TYPE_unpack_sequence(as, of->parameter) : nullptr;
  };
  if (OBJ_obj2nid(algorithm->algorithm) != NID_pbes2) {
    const std::unique_ptr<PBEPARAM, FreeWith<PBEPARAM_free>> old(
        static_cast<PBEPARAM*>(unpacked(algorithm, ASN1_ITEM_rptr(PBEPARAM))));
    return old && is_costly(old->iter);
  }
  const std::unique_ptr<PBE2PARAM, FreeWith<PBE2PARAM_free>> both(
      static_cast<PBE2PARAM*>(unpacked(algorithm, ASN1_ITEM_rptr(PBE2PARAM))));
  const std::unique_ptr<PBKDF2PARAM, FreeWith<PBKDF2PARAM_free>> derived(static_cast<PBKDF2PARAM*>(
      both ? unpacked(both->keyfunc, ASN1_ITEM_rptr(PBKDF2PARAM)) : nullptr));
  return derived && is_costly(derived->iter);
}

const X509_ALGOR* algorithm_of(const PKCS7* part) {
  if (!PKCS7_type_is_encrypted(part) || !part->d.encrypted->enc_data) return nullptr;
  return part->d.encrypted->enc_data->algorithm;
}

const X509_ALGOR* algorithm_of(const PKCS12_SAFEBAG* bag) {
  const X509_ALGOR* algorithm = nullptr;
  if (PKCS12_SAFEBAG_get_nid(bag) == NID_pkcs8ShroudedKeyBag)
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
  return algorithm;
}

Bags plain_bags(PKCS7* part) {
  return Bags(PKCS7_type_is_data(part) ? PKCS12_unpack_p7data(part) : nullptr);
}

bool is_costly(PKCS12* file, const Parts& parts) {
  const ASN1_INTEGER* iterations = nullptr;
  PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, file);
  if (is_costly(iterations)) return true;
  for (int i = 0; i < sk_PKCS7_num(parts.get()); ++i) {
    PKCS7* part = sk_PKCS7_value(parts.get(), i);
    if (is_costly(algorithm_of(part))) return true;
    const Bags bags = plain_bags(part);
    for (int k = 0; k < sk_PKCS12_SAFEBAG_num(bags.get()); ++k)
      if (is_costly(algorithm_of(sk_PKCS12_SAFEBAG_value(bags.get(), k)))) return true;
  }
  return false;
}

// Whether the password opens anything in the file. Where its seal does not hold, that tells a file
// with changed bytes from another password.
bool opens_something(const Parts& parts, const std::string& password) {
  const int length = static_cast<int>(password.size());
  for (int i = 0; i < sk_PKCS7_num(parts.get()); ++i) {
    PKCS7* part = sk_PKCS7_value(parts.get(), i);
    if (PKCS7_type_is_encrypted(part) &&
        Bags(PKCS12_unpack_p7encdata(part, password.c_str(), length)))
      return true;
    const Bags bags = plain_bags(part);
    for (int k = 0; k < sk_PKCS12_SAFEBAG_num(bags.get()); ++k) {
      const PKCS12_SAFEBAG* bag = sk_PKCS12_SAFEBAG_value(bags.get(), k);
      if (!algorithm_of(bag)) continue;
      const std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeWith<PKCS8_PRIV_KEY_INFO_free>> key(
          PKCS12_decrypt_skey(bag, password.c_str(), length));
      if (key) return true;
    }
  }
  return false;
}

// Of what is no whole PKCS#12 file: whether it begins as one does, with version 3 in a sequence.
KeyFault fault_of_form(std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* const end = at + bytes.size();
  long length = 0;
  int tag = 0;
  int kind = 0;
  ASN1_get_object(&at, &length, &tag, &kind, static_cast<long>(bytes.size()));
  const bool begins_so = tag == V_ASN1_SEQUENCE && kind == V_ASN1_UNIVERSAL && end - at >= 3 &&
                         at[0] == V_ASN1_INTEGER && at[1] == 1 && at[2] == 3;
  return begins_so ? KeyFault::broken_file : KeyFault::not_pkcs12;
}

bool seal_holds(PKCS12* file, const std::string& password) {
  if (PKCS12_verify_mac(file, password.c_str(), static_cast<int>(password.size())) == 1)
    return true;
  // No password may be written in two ways.
  return password.empty() && PKCS12_verify_mac(file, nullptr, 0) == 1;
}

// Before anything is decrypted: whether it is a file that this password belongs to.
std::optional<KeyFault> judge(PKCS12* file, const std::string& password) {
  const Parts parts(PKCS12_unpack_authsafes(file));
  if (!parts || PKCS12_mac_present(file) != 1) return KeyFault::broken_file;
  if (is_costly(file, parts)) return KeyFault::too_costly;
  ERR_clear_error();
  if (seal_holds(file, password)) return std::nullopt;
  for (unsigned long error = ERR_get_error(); error != 0; error = ERR_get_error())
    if (ERR_GET_LIB(error) == ERR_LIB_PKCS12 &&
        ERR_GET_REASON(error) == PKCS12_R_UNKNOWN_DIGEST_ALGORITHM)
      return KeyFault::unsupported_algorithm;
  return opens_something(parts, password) ? KeyFault::broken_file : KeyFault::wrong_password;
}

std::string text_of(BIO* bio) {
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio, &text);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

struct PemPair {
  std::string key;
  std::string certificate;
};

// As text, because what OpenSSL has read with the old ciphers at hand goes when they do.
std::variant<PemPair, KeyFault> pem_of(std::string_view bytes, const std::string& password) {
  const OldCiphers old_ciphers;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  const File file(d2i_PKCS12(nullptr, &data, static_cast<long>(bytes.size())));
  if (!file) return fault_of_form(bytes);
  if (const auto fault = judge(file.get(), password)) return *fault;
  EVP_PKEY* raw_key = nullptr;
  X509* raw_certificate = nullptr;
  // The seal holds, so the bytes are as they were written: what cannot be read is written in a way
  // that is not known here.
  if (PKCS12_parse(file.get(), password.c_str(), &raw_key, &raw_certificate, nullptr) != 1)
    return KeyFault::unsupported_algorithm;
  const std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>> key(raw_key);
  const std::unique_ptr<X509, FreeWith<X509_free>> certificate(raw_certificate);
  if (!key || !certificate) return KeyFault::no_key_inside;
  const Bio key_pem(BIO_new(BIO_s_mem()));
  const Bio certificate_pem(BIO_new(BIO_s_mem()));
  if (!key_pem || !certificate_pem ||
      PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1 ||
      PEM_write_bio_X509(certificate_pem.get(), certificate.get()) != 1)
    return KeyFault::unreadable;
  return PemPair{text_of(key_pem.get()), text_of(certificate_pem.get())};
}

}  // namespace

std::variant<KeyAndCertificate, KeyFault> read_pkcs12(std::string_view bytes,
                                                      const std::string& password) {
  const NoErrorsLeft no_errors_left;
  if (bytes.empty()) return KeyFault::missing;
  const auto read = pem_of(bytes, password);
  if (const auto* fault = std::get_if<KeyFault>(&read)) return *fault;
  const auto& pem = std::get<PemPair>(read);
  auto key = PrivateKey::from_pem(pem.key);
  if (const auto* fault = std::get_if<KeyFault>(&key)) return *fault;
  auto certificate = Certificate::from_pem(pem.certificate);
  if (const auto* fault = std::get_if<KeyFault>(&certificate)) return *fault;
  return KeyAndCertificate{std::get<PrivateKey>(std::move(key)),
                           std::get<Certificate>(std::move(certificate))};
}

}  // namespace welkin::crypto
