#include "protocol/sha256.hpp"

#include <openssl/evp.h>

namespace welkin {
namespace {

EVP_MD_CTX* of(void* context) { return static_cast<EVP_MD_CTX*>(context); }

}  // namespace

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  EVP_DigestInit_ex(of(context_), EVP_sha256(), nullptr);
}

Sha256::~Sha256() { EVP_MD_CTX_free(of(context_)); }

Sha256& Sha256::start() {
  thread_local Sha256 hasher;
  // Without a type the one set before is started again, which spares OpenSSL 3 a look-up.
  EVP_DigestInit_ex(of(hasher.context_), nullptr, nullptr);
  return hasher;
}

void Sha256::add(std::string_view bytes) {
  EVP_DigestUpdate(of(context_), bytes.data(), bytes.size());
}

Hash Sha256::finish() {
  Hash hash{};
  EVP_DigestFinal_ex(of(context_), hash.data(), nullptr);
  return hash;
}

}  // namespace welkin
