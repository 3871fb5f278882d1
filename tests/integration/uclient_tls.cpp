// Preloaded into coturn's test client, which draws the version of TLS for each of its connections
// at random, TLS 1.0 included, and gives up where that is refused: whatever it draws, it offers
// TLS 1.2 and 1.3, or DTLS 1.2. Declares what it needs of OpenSSL itself, since the headers
// deprecate it.
struct ssl_method_st;

extern "C" {

const ssl_method_st* TLS_client_method();
const ssl_method_st* DTLSv1_2_client_method();

const ssl_method_st* TLSv1_client_method() {
    return TLS_client_method();
}

const ssl_method_st* TLSv1_1_client_method() {
    return TLS_client_method();
}

const ssl_method_st* DTLSv1_client_method() {
    return DTLSv1_2_client_method();
}
}
