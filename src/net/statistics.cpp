#include "turnbuckle/net/statistics.hpp"

namespace turnbuckle::net {

std::string_view name_of(ConnectionEnd reason) noexcept {
    switch (reason) {
        case ConnectionEnd::ClosedByClient:
            return "closed_by_client";
        case ConnectionEnd::Reset:
            return "reset";
        case ConnectionEnd::Unauthenticated:
            return "unauthenticated";
        case ConnectionEnd::BadFrame:
            return "bad_frame";
        case ConnectionEnd::NotTurn:
            return "not_turn";
        case ConnectionEnd::TlsFailed:
            return "tls_failed";
        case ConnectionEnd::BadProxyHeader:
            return "bad_proxy_header";
        case ConnectionEnd::PushedOut:
            return "pushed_out";
        case ConnectionEnd::Stopped:
            return "stopped";
        case ConnectionEnd::Count_:
            break;
    }
    return "";
}

std::string_view name_of(ConnectionRefusal reason) noexcept {
    switch (reason) {
        case ConnectionRefusal::SourcePrefix:
            return "source_prefix";
        case ConnectionRefusal::Total:
            return "total";
        case ConnectionRefusal::NoDescriptors:
            return "no_descriptors";
        case ConnectionRefusal::Count_:
            break;
    }
    return "";
}

}  // namespace turnbuckle::net
