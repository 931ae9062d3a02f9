#include "protocol/channels/crypto.hpp"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cstddef>
#include <iterator>
#include <utility>

#include "protocol/sha256.hpp"

namespace welkin::crypto {

namespace detail {

struct KeyHandle {
  explicit KeyHandle(EVP_PKEY* owned) : key(owned) {}
  ~KeyHandle() { EVP_PKEY_free(key); }
  KeyHandle(const KeyHandle&) = delete;
  KeyHandle& operator=(const KeyHandle&) = delete;
  EVP_PKEY* key;
};

struct CertificateHandle {
  explicit CertificateHandle(X509* owned, PublicKey key)
      : certificate(owned), public_key(std::move(key)) {}
  ~CertificateHandle() { X509_free(certificate); }
  CertificateHandle(const CertificateHandle&) = delete;
  CertificateHandle& operator=(const CertificateHandle&) = delete;
  X509* certificate;
  PublicKey public_key;
  std::string serial_hex;
  std::string serial_decimal;
  std::string common_name;
  UnixUs valid_from_us = 0;
  UnixUs valid_to_us = 0;
};

}  // namespace detail

namespace {

using detail::CertificateHandle;
using detail::KeyHandle;

template <auto Free>
struct FreeWith {
  template <class T>
  void operator()(T* owned) const {
    Free(owned);
  }
};
using Bio = std::unique_ptr<BIO, FreeWith<BIO_free_all>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>>;
using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, FreeWith<EVP_CIPHER_CTX_free>>;
using DecoderContext = std::unique_ptr<OSSL_DECODER_CTX, FreeWith<OSSL_DECODER_CTX_free>>;
using BigNumber = std::unique_ptr<BIGNUM, FreeWith<BN_free>>;

// OpenSSL keeps its errors a thread until somebody looks; ours are values, so none may stay behind.
struct NoErrorsLeft {
  ~NoErrorsLeft() { ERR_clear_error(); }
};

constexpr std::size_t longest_text = 16 * 1024 * 1024;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t key_bytes = 32;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

Bio reader_of(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Without it OpenSSL would ask whoever sits at the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::optional<KeyFault> judge_key(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return KeyFault::not_rsa;
  if (EVP_PKEY_get_bits(key) < min_rsa_bits) return KeyFault::wrong_size;
  return std::nullopt;
}

std::variant<std::shared_ptr<const KeyHandle>, KeyFault> adopt(EVP_PKEY* key) {
  if (!key) return KeyFault::unreadable;
  auto handle = std::make_shared<const KeyHandle>(key);
  if (const auto fault = judge_key(key)) return *fault;
  return handle;
}

std::optional<KeyFault> judge_text(std::string_view pem) {
  if (is_blank(pem)) return KeyFault::missing;
  if (pem.size() > longest_text) return KeyFault::unreadable;
  return std::nullopt;
}

std::string text_of(char* owned) {
  std::string text = owned ? owned : "";
  OPENSSL_free(owned);
  return text;
}

UnixUs time_of(const ASN1_TIME* time) {
  const std::unique_ptr<ASN1_TIME, FreeWith<ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0;
  int seconds = 0;
  if (!epoch || ASN1_TIME_diff(&days, &seconds, epoch.get(), time) != 1) return 0;
  return (days * UnixUs{86'400} + seconds) * us_per_s;
}

std::string common_name_of(X509* certificate) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (index < 0) return {};
  unsigned char* utf8 = nullptr;
  const int length =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
  if (length < 0) return {};
  std::string name(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(length));
  OPENSSL_free(utf8);
  return name;
}

std::string digest_hex(const EVP_MD* kind, std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, kind, nullptr) != 1) return {};
  return hex({reinterpret_cast<const char*>(digest), length});
}

struct GcmParts {
  CipherContext context;
  bool ready = false;
};
GcmParts start_gcm(bool encrypting, std::string_view key, std::string_view nonce,
                   std::string_view associated_data) {
  GcmParts parts{CipherContext(EVP_CIPHER_CTX_new()), false};
  if (key.size() != key_bytes || nonce.empty() || nonce.size() > 64 ||
      associated_data.size() > longest_text || !parts.context)
    return parts;
  EVP_CIPHER_CTX* context = parts.context.get();
  int ignored = 0;
  parts.ready =
      EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nullptr, nullptr, nullptr, encrypting) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(nonce.size()),
                          nullptr) == 1 &&
      EVP_CipherInit_ex(context, nullptr, nullptr, bytes_of(key), bytes_of(nonce), encrypting) ==
          1 &&
      (associated_data.empty() ||
       EVP_CipherUpdate(context, nullptr, &ignored, bytes_of(associated_data),
                        static_cast<int>(associated_data.size())) == 1);
  return parts;
}

}  // namespace

std::string_view name_of(KeyFault fault) {
  constexpr std::string_view names[] = {"missing",       "unreadable",     "not_rsa",
                                        "wrong_size",    "not_yet_valid",  "expired",
                                        "other_key",     "encrypted",      "not_pkcs12",
                                        "broken_file",   "wrong_password", "unsupported_algorithm",
                                        "no_key_inside", "too_costly"};
  static_assert(std::size(names) == static_cast<std::size_t>(KeyFault::too_costly) + 1);
  return names[static_cast<std::size_t>(fault)];
}

// ---- private keys

PrivateKey::PrivateKey(std::shared_ptr<const KeyHandle> handle) : handle_(std::move(handle)) {}

std::variant<PrivateKey, KeyFault> PrivateKey::from_pem(std::string_view pem) {
  const NoErrorsLeft cleaner;
  if (const auto fault = judge_text(pem)) return *fault;
  const Bio reader = reader_of(pem);
  auto handle = adopt(PEM_read_bio_PrivateKey(reader.get(), nullptr, no_passphrase, nullptr));
  const auto* unread = std::get_if<KeyFault>(&handle);
  // As both kinds of encrypted PEM have it, in the first line or in a header.
  if (unread && *unread == KeyFault::unreadable && pem.find("ENCRYPTED") != std::string_view::npos)
    return KeyFault::encrypted;
  if (const auto* fault = std::get_if<KeyFault>(&handle)) return *fault;
  return PrivateKey(std::get<0>(std::move(handle)));
}

int PrivateKey::bits() const { return EVP_PKEY_get_bits(handle_->key); }

PublicKey PrivateKey::public_key() const { return PublicKey(handle_); }

std::string PrivateKey::rsa_sha256_sign(std::string_view text) const {
  const NoErrorsLeft cleaner;
  const DigestContext context(EVP_MD_CTX_new());
  std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(handle_->key)), '\0');
  std::size_t length = signature.size();
  const bool signed_ =
      context &&
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, handle_->key) == 1 &&
      EVP_DigestSign(context.get(), bytes_of(signature), &length, bytes_of(text), text.size()) == 1;
  signature.resize(signed_ ? length : 0);
  return signature;
}

// ---- public keys

PublicKey::PublicKey(std::shared_ptr<const KeyHandle> handle) : handle_(std::move(handle)) {}

std::variant<PublicKey, KeyFault> PublicKey::from_pem(std::string_view pem) {
  const NoErrorsLeft cleaner;
  if (const auto fault = judge_text(pem)) return *fault;
  // The decoder would take the public half of a private key too, which has no business here.
  if (pem.find("PUBLIC KEY-----") == std::string_view::npos) return KeyFault::unreadable;
  const Bio reader = reader_of(pem);
  EVP_PKEY* key = nullptr;
  const DecoderContext decoder(OSSL_DECODER_CTX_new_for_pkey(
      &key, "PEM", nullptr, nullptr, EVP_PKEY_PUBLIC_KEY, nullptr, nullptr));
  if (!decoder || OSSL_DECODER_from_bio(decoder.get(), reader.get()) != 1)
    return KeyFault::unreadable;
  auto handle = adopt(key);
  if (const auto* fault = std::get_if<KeyFault>(&handle)) return *fault;
  return PublicKey(std::get<0>(std::move(handle)));
}

int PublicKey::bits() const { return EVP_PKEY_get_bits(handle_->key); }

std::string PublicKey::pem() const {
  const NoErrorsLeft cleaner;
  const Bio writer(BIO_new(BIO_s_mem()));
  if (!writer || PEM_write_bio_PUBKEY(writer.get(), handle_->key) != 1) return {};
  char* data = nullptr;
  const long length = BIO_get_mem_data(writer.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

bool PublicKey::rsa_sha256_verify(std::string_view text, std::string_view signature) const {
  const NoErrorsLeft cleaner;
  const DigestContext context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, handle_->key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text),
                          text.size()) == 1;
}

bool operator==(const PublicKey& a, const PublicKey& b) {
  const NoErrorsLeft cleaner;
  return EVP_PKEY_eq(a.handle_->key, b.handle_->key) == 1;
}

// ---- certificates

Certificate::Certificate(std::shared_ptr<const CertificateHandle> handle)
    : handle_(std::move(handle)) {}

std::variant<Certificate, KeyFault> Certificate::from_pem(std::string_view pem) {
  const NoErrorsLeft cleaner;
  if (const auto fault = judge_text(pem)) return *fault;
  const Bio reader = reader_of(pem);
  std::unique_ptr<X509, FreeWith<X509_free>> certificate(
      PEM_read_bio_X509(reader.get(), nullptr, no_passphrase, nullptr));
  if (!certificate) return KeyFault::unreadable;
  auto key = adopt(X509_get_pubkey(certificate.get()));
  if (const auto* fault = std::get_if<KeyFault>(&key)) return *fault;
  const BigNumber serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
  if (!serial) return KeyFault::unreadable;
  X509* raw = certificate.release();
  auto handle = std::make_shared<CertificateHandle>(raw, PublicKey(std::get<0>(std::move(key))));
  // An even number of digits, as every channel writes it.
  handle->serial_hex = text_of(BN_bn2hex(serial.get()));
  handle->serial_decimal = text_of(BN_bn2dec(serial.get()));
  handle->common_name = common_name_of(raw);
  handle->valid_from_us = time_of(X509_get0_notBefore(raw));
  handle->valid_to_us = time_of(X509_get0_notAfter(raw));
  return Certificate(std::move(handle));
}

const std::string& Certificate::serial_hex() const { return handle_->serial_hex; }
const std::string& Certificate::serial_decimal() const { return handle_->serial_decimal; }
UnixUs Certificate::valid_from_us() const { return handle_->valid_from_us; }
UnixUs Certificate::valid_to_us() const { return handle_->valid_to_us; }
const PublicKey& Certificate::public_key() const { return handle_->public_key; }
const std::string& Certificate::common_name() const { return handle_->common_name; }
void* Certificate::native() const { return handle_->certificate; }

std::optional<KeyFault> Certificate::judge_dates(UnixUs now_us) const {
  if (now_us < handle_->valid_from_us) return KeyFault::not_yet_valid;
  if (now_us > handle_->valid_to_us) return KeyFault::expired;
  return std::nullopt;
}

// ---- digests and seals

std::string sha256_bytes(std::string_view bytes) {
  Sha256& hasher = Sha256::start();
  hasher.add(bytes);
  const Hash hash = hasher.finish();
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

std::string sha1_hex(std::string_view bytes) { return digest_hex(EVP_sha1(), bytes); }
std::string md5_hex(std::string_view bytes) { return digest_hex(EVP_md5(), bytes); }

std::string hmac_sha256(std::string_view key, std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  const auto* done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(text),
                          text.size(), digest, &length);
  // Without a digest nothing is returned, and an empty one never fits a signature.
  return done ? std::string(reinterpret_cast<const char*>(digest), length) : std::string();
}

std::optional<std::string> aes_256_gcm_decrypt(std::string_view key, std::string_view nonce,
                                               std::string_view associated_data,
                                               std::string_view sealed) {
  const NoErrorsLeft cleaner;
  if (sealed.size() < tag_bytes || sealed.size() > longest_text) return std::nullopt;
  const GcmParts gcm = start_gcm(false, key, nonce, associated_data);
  if (!gcm.ready) return std::nullopt;
  EVP_CIPHER_CTX* context = gcm.context.get();
  std::string tag(sealed.substr(sealed.size() - tag_bytes));
  const std::string_view ciphertext = sealed.substr(0, sealed.size() - tag_bytes);
  std::string plaintext(ciphertext.size() + tag_bytes, '\0');
  int length = 0;
  int rest = 0;
  // Only the last step looks at the tag; before it nothing of the plaintext may be believed.
  const bool genuine =
      EVP_CipherUpdate(context, bytes_of(plaintext), &length, bytes_of(ciphertext),
                       static_cast<int>(ciphertext.size())) == 1 &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_bytes, tag.data()) == 1 &&
      EVP_CipherFinal_ex(context, bytes_of(plaintext) + length, &rest) == 1;
  if (!genuine) return std::nullopt;
  plaintext.resize(static_cast<std::size_t>(length) + static_cast<std::size_t>(rest));
  return plaintext;
}

std::optional<std::string> aes_256_gcm_encrypt(std::string_view key, std::string_view nonce,
                                               std::string_view associated_data,
                                               std::string_view plaintext) {
  const NoErrorsLeft cleaner;
  if (plaintext.size() > longest_text) return std::nullopt;
  const GcmParts gcm = start_gcm(true, key, nonce, associated_data);
  if (!gcm.ready) return std::nullopt;
  EVP_CIPHER_CTX* context = gcm.context.get();
  std::string sealed(plaintext.size() + tag_bytes, '\0');
  std::string tag(tag_bytes, '\0');
  int length = 0;
  int rest = 0;
  const bool done = EVP_CipherUpdate(context, bytes_of(sealed), &length, bytes_of(plaintext),
                                     static_cast<int>(plaintext.size())) == 1 &&
                    EVP_CipherFinal_ex(context, bytes_of(sealed) + length, &rest) == 1 &&
                    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_bytes, tag.data()) == 1;
  if (!done) return std::nullopt;
  sealed.resize(plaintext.size());
  return sealed + tag;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// ---- encodings

std::string hex(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

std::optional<std::string> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  const auto value_of = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
  };
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = value_of(text[i]);
    const int low = value_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(high << 4 | low));
  }
  return bytes;
}

std::string base64(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  const int length =
      EVP_EncodeBlock(bytes_of(out), bytes_of(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::optional<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0 || text.size() > longest_text * 2) return std::nullopt;
  std::string bytes(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(bytes_of(bytes), bytes_of(text), static_cast<int>(text.size()));
  if (length < 0) {
    ERR_clear_error();
    return std::nullopt;
  }
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  // OpenSSL forgives white space, stray bits and misplaced padding; the way back does not.
  if (base64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace welkin::crypto
