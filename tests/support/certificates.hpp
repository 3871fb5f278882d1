// Certificates for tests: made when needed, in a directory that goes with the test.
//
// Keys are EC P-256 (RSA 2048 on request), self-signed unless a CertificateAuthority signs. Nothing
// here is secret or strong on purpose; it is quick.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

namespace turnbuckle::test {

// A fresh directory below the system's temporary one; removed with all that is in it.
class TemporaryDirectory {
public:
    TemporaryDirectory();
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    // Its path as text, or that of a file in it.
    [[nodiscard]] std::string operator/(std::string_view name) const;

private:
    std::filesystem::path path_;
};

struct CertificateRequest {
    std::string common_name = "turn.example";
    std::vector<std::string> dns_names = {"turn.example"};
    std::vector<std::string> ip_addresses = {"127.0.0.1", "::1"};
    std::chrono::seconds valid_for = std::chrono::hours(24);
    bool rsa = false;
    unsigned rsa_bits = 2048;
};

// Both in PEM form.
struct CertificatePem {
    std::string certificate;
    std::string private_key;
};

[[nodiscard]] CertificatePem make_certificate(const CertificateRequest& request = {});

// The key alone, encrypted under a passphrase.
[[nodiscard]] std::string make_encrypted_key(std::string_view passphrase);

class CertificateAuthority {
public:
    CertificateAuthority();
    ~CertificateAuthority();
    CertificateAuthority(const CertificateAuthority&) = delete;
    CertificateAuthority& operator=(const CertificateAuthority&) = delete;

    [[nodiscard]] const std::string& certificate() const noexcept { return own_.certificate; }
    // `certificate` holds the chain: the new one, then the authority's.
    [[nodiscard]] CertificatePem issue(const CertificateRequest& request) const;

private:
    CertificatePem own_;
};

// Replaces the file as a careful program does: written beside it, then renamed.
void write_file(const std::string& path, std::string_view content);

}  // namespace turnbuckle::test
