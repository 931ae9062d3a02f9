// The cryptography the channels share, over OpenSSL: keys and certificates as immutable values that
// copy cheaply and may be used from many threads at once, signatures, digests and encodings. What
// cannot be loaded or opened is a value that says why, never an exception; nothing here reads a
// clock or a file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/ids.hpp"

namespace welkin::crypto {

enum class KeyFault : std::uint8_t {
  missing,        // there is no text
  unreadable,     // no PEM, or one that holds something else
  not_rsa,        // a key of another kind
  wrong_size,     // RSA, and shorter than min_rsa_bits
  not_yet_valid,  // certificates, by the `now` that is given
  expired,
  other_key,              // the certificate does not belong to the private key it stands beside
  encrypted,              // a PEM key that asks for a passphrase
  not_pkcs12,             // from here on, of PKCS#12 files
  broken_file,            // cut off, or its bytes have changed
  wrong_password,         // or a file of which nothing is as it was
  unsupported_algorithm,  // whole, and encrypted or sealed in a way that is not known here
  no_key_inside,          // opened, and it holds no private key with its certificate
  too_costly,             // it would have the password hashed for more than a second
};
std::string_view name_of(KeyFault fault);  // "wrong_size"

constexpr int min_rsa_bits = 2048;

namespace detail {
struct KeyHandle;
struct CertificateHandle;
}  // namespace detail

class PublicKey;

// An RSA private key. PKCS#1 and PKCS#8 PEM are read, encrypted ones are not.
class PrivateKey {
 public:
  static std::variant<PrivateKey, KeyFault> from_pem(std::string_view pem);

  int bits() const;
  PublicKey public_key() const;
  // PKCS#1 v1.5 over SHA-256, raw bytes. Empty only when OpenSSL itself fails.
  std::string rsa_sha256_sign(std::string_view text) const;

 private:
  explicit PrivateKey(std::shared_ptr<const detail::KeyHandle> handle);
  std::shared_ptr<const detail::KeyHandle> handle_;
};

// An RSA public key. "BEGIN PUBLIC KEY" and "BEGIN RSA PUBLIC KEY" are read.
class PublicKey {
 public:
  static std::variant<PublicKey, KeyFault> from_pem(std::string_view pem);

  int bits() const;
  std::string pem() const;
  bool rsa_sha256_verify(std::string_view text, std::string_view signature) const;
  friend bool operator==(const PublicKey& a, const PublicKey& b);

 private:
  friend class PrivateKey;
  friend class Certificate;
  explicit PublicKey(std::shared_ptr<const detail::KeyHandle> handle);
  std::shared_ptr<const detail::KeyHandle> handle_;
};

// An X.509 certificate with an RSA key. The first one of the text is taken.
class Certificate {
 public:
  // Whatever its dates: a certificate that has run out still names the key old messages bear.
  static std::variant<Certificate, KeyFault> from_pem(std::string_view pem);

  const std::string& serial_hex() const;      // upper case, no leading zeros
  const std::string& serial_decimal() const;  // as UnionPay and Alipay write it
  UnixUs valid_from_us() const;
  UnixUs valid_to_us() const;
  // Nothing when `now_us` is within its validity.
  std::optional<KeyFault> judge_dates(UnixUs now_us) const;
  const PublicKey& public_key() const;
  const std::string& common_name() const;  // the subject's, empty without one
  // The OpenSSL certificate (X509*), for checks of one channel's own. It lives as long as this.
  void* native() const;

 private:
  explicit Certificate(std::shared_ptr<const detail::CertificateHandle> handle);
  std::shared_ptr<const detail::CertificateHandle> handle_;
};

// ---- digests and seals

std::string sha256_bytes(std::string_view bytes);
std::string sha1_hex(std::string_view bytes);  // for bills, which state their digest so
std::string md5_hex(std::string_view bytes);   // for Alipay's certificate numbers
std::string hmac_sha256(std::string_view key, std::string_view text);  // raw bytes

// AEAD_AES_256_GCM: `sealed` is the ciphertext and its 16-byte tag. Nothing unless the key has 32
// bytes, the nonce has some and the tag fits.
std::optional<std::string> aes_256_gcm_decrypt(std::string_view key, std::string_view nonce,
                                               std::string_view associated_data,
                                               std::string_view sealed);
std::optional<std::string> aes_256_gcm_encrypt(std::string_view key, std::string_view nonce,
                                               std::string_view associated_data,
                                               std::string_view plaintext);

// Takes as long for a near miss as for any other text of that length.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// ---- encodings

std::string hex(std::string_view bytes);  // lower case
std::optional<std::string> parse_hex(std::string_view text);
std::string base64(std::string_view bytes);  // the standard alphabet, padded
// Strict: padding where it belongs, no white space, no stray bits, so that each text is the only
// one for its bytes.
std::optional<std::string> parse_base64(std::string_view text);

}  // namespace welkin::crypto
