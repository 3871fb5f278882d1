#include "turnbuckle/net/certificate.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <system_error>

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "turnbuckle/base/secret.hpp"
#include "turnbuckle/net/file_descriptor.hpp"
#include "turnbuckle/net/span_bio.hpp"

namespace turnbuckle::net {

namespace {

constexpr std::size_t kLargestFile = 1 << 20;

std::string unreadable() {
    return "cannot be read: " + std::system_category().message(errno);
}

// A Secret although certificates are public: the file may hold the key as well.
std::expected<Secret, std::string> read_file(const std::string& path) {
    const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd.valid()) return std::unexpected(unreadable());
    struct stat about {};
    if (::fstat(fd.get(), &about) != 0) return std::unexpected(unreadable());
    if (!S_ISREG(about.st_mode)) return std::unexpected("is not a regular file");
    std::string content(kLargestFile, '\0');
    std::size_t length = 0;
    while (length < content.size()) {
        const ssize_t n = ::read(fd.get(), content.data() + length, content.size() - length);
        if (n < 0) return std::unexpected(unreadable());
        if (n == 0) break;
        length += static_cast<std::size_t>(n);
    }
    if (length == kLargestFile) return std::unexpected("is larger than 1 MiB");
    return Secret(content.substr(0, length));
}

BioPointer over(const Secret& content) {
    const std::string_view text = content.reveal();
    return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Whether parsing stopped because no further PEM block is there, and not at a broken one.
bool at_end_of_pem() noexcept {
    const unsigned long error = ERR_peek_last_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

std::string broken(std::string_view what) {
    const std::string reason = take_openssl_error();
    return fmt::format("holds {} that cannot be parsed: {}", what, reason);
}

std::expected<void, std::string> parse_chain(const Secret& content, Certificate& certificate) {
    const BioPointer bio = over(content);
    ERR_clear_error();
    certificate.leaf.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate.leaf) {
        if (at_end_of_pem()) return std::unexpected("holds no certificate in PEM form");
        return std::unexpected(broken("a certificate"));
    }
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
        certificate.intermediates.emplace_back(next);
    if (!at_end_of_pem()) return std::unexpected(broken("an intermediate certificate"));
    ERR_clear_error();
    return {};
}

// OpenSSL would ask on the terminal.
int refuse_passphrase(char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
}

std::expected<KeyPointer, std::string> parse_key(const Secret& content) {
    const BioPointer bio = over(content);
    ERR_clear_error();
    bool encrypted = false;
    KeyPointer key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &encrypted));
    if (key) return key;
    const bool none = content.reveal().find("PRIVATE KEY-----") == std::string_view::npos;
    std::string reason = none ? "holds no private key in PEM form" : broken("a private key");
    ERR_clear_error();
    if (encrypted)
        return std::unexpected("is encrypted, and there is nobody to ask for the passphrase");
    return std::unexpected(std::move(reason));
}

std::string subject_of(const X509& certificate) {
    const BioPointer out(BIO_new(BIO_s_mem()));
    // Readable where RFC 2253 would escape every letter beyond ASCII.
    constexpr unsigned long kForm =
        XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
    X509_NAME_print_ex(out.get(), X509_get_subject_name(&certificate), 0, kForm);
    const char* text = nullptr;
    const long length = BIO_get_mem_data(out.get(), &text);
    return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

WallTime not_after(const X509& certificate) {
    std::tm broken_down{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &broken_down) != 1) return {};
    return WallTime(std::chrono::seconds(::timegm(&broken_down)));
}

}  // namespace

void CertificateFree::operator()(X509* certificate) const noexcept {
    X509_free(certificate);
}

void CertificateFree::operator()(EVP_PKEY* key) const noexcept {
    EVP_PKEY_free(key);
}

bool Certificate::is_for(std::string_view name) const noexcept {
    return !name.empty() && X509_check_host(leaf.get(), name.data(), name.size(),
                                            X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

bool Certificate::accompanies(const Certificate& other) const noexcept {
    const auto names_of = [](const Certificate& of) -> const ASN1_OCTET_STRING* {
        const int at = X509_get_ext_by_NID(of.leaf.get(), NID_subject_alt_name, -1);
        return at < 0 ? nullptr : X509_EXTENSION_get_data(X509_get_ext(of.leaf.get(), at));
    };
    const ASN1_OCTET_STRING* own = names_of(*this);
    const ASN1_OCTET_STRING* others = names_of(other);
    return own != nullptr && others != nullptr && ASN1_OCTET_STRING_cmp(own, others) == 0 &&
           EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_get_base_id(other.key.get());
}

std::expected<Certificate, std::vector<TlsLoadError>> read_certificate(
    const CertificateFiles& files) {
    std::vector<TlsLoadError> errors;
    Certificate certificate;
    certificate.info.file = files.certificate;

    if (const auto content = read_file(files.certificate); !content)
        errors.push_back({0, false, files.certificate, content.error()});
    else if (const auto parsed = parse_chain(*content, certificate); !parsed)
        errors.push_back({0, false, files.certificate, parsed.error()});

    if (const auto content = read_file(files.private_key); !content)
        errors.push_back({0, true, files.private_key, content.error()});
    else if (auto key = parse_key(*content); !key)
        errors.push_back({0, true, files.private_key, key.error()});
    else
        certificate.key = std::move(*key);

    if (errors.empty() &&
        X509_check_private_key(certificate.leaf.get(), certificate.key.get()) != 1) {
        ERR_clear_error();
        errors.push_back({0, true, files.private_key,
                          fmt::format("does not match the certificate in {}", files.certificate)});
    }
    if (!errors.empty()) return std::unexpected(std::move(errors));
    certificate.info.subject = subject_of(*certificate.leaf);
    certificate.info.not_after = not_after(*certificate.leaf);
    return certificate;
}

std::string take_openssl_error() {
    const unsigned long error = ERR_get_error();
    ERR_clear_error();
    if (error == 0) return {};
    const char* reason = ERR_reason_error_string(error);
    return reason != nullptr ? reason : fmt::format("error {:#x}", error);
}

}  // namespace turnbuckle::net
