#include "turnbuckle/admin/metrics.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>

#include <gtest/gtest.h>
#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include "turnbuckle/admin/http_server.hpp"
#include "turnbuckle/base/time.hpp"

#include "unit/admin/raw_client.hpp"

namespace turnbuckle::admin {
namespace {

using turn::Transport;

// A metrics page with two workers and one relay address behind it.
class MetricsTest : public ::testing::Test {
protected:
    turn::Statistics protocol_[2];
    net::Statistics io_[2];
    std::vector<RelayPorts> ports_{
        {.address = "192.0.2.1", .used = 3, .free = 16380, .quarantined = 1}};
    CertificateView certificates_{
        .in_force = {{"/a.pem", WallTime(std::chrono::seconds(1'800'000'000))},
                     {"/b.pem", WallTime(std::chrono::seconds(1'900'000'000))}},
        .renewals = 5,
        .failures = 2};
    Metrics metrics_{
        {.version = "1.2.3",
         .workers =
             [this] {
                 return std::vector<WorkerView>{{&protocol_[0], &io_[0]}, {&protocol_[1], &io_[1]}};
             },
         .relay_ports = [this] { return ports_; },
         .certificates = [this] { return certificates_; }}};

    // Series, labels included, to value.
    [[nodiscard]] std::map<std::string, double> samples() const {
        std::map<std::string, double> found;
        std::istringstream page(metrics_.render());
        for (std::string line; std::getline(page, line);) {
            const std::size_t space = line.rfind(' ');
            if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
            EXPECT_TRUE(found.emplace(line.substr(0, space), std::stod(line.substr(space))).second)
                << "twice: " << line;
        }
        return found;
    }
    [[nodiscard]] double value(const std::string& series) const {
        const auto all = samples();
        const auto found = all.find(series);
        EXPECT_NE(found, all.end()) << "there is no " << series;
        return found == all.end() ? -1 : found->second;
    }
};

TEST_F(MetricsTest, PassPromtoolsLint) {
    const std::string file =
        ::testing::TempDir() + "turnbuckle_metrics_" + std::to_string(::getpid());
    std::ofstream(file) << metrics_.render();
    FILE* promtool = ::popen(("/usr/bin/promtool check metrics < " + file + " 2>&1").c_str(), "r");
    ASSERT_NE(promtool, nullptr);
    std::string said;
    char buffer[512];
    while (std::fgets(buffer, sizeof(buffer), promtool) != nullptr)
        said += buffer;
    const int status = ::pclose(promtool);
    std::remove(file.c_str());
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << "127: promtool (package prometheus) is missing. " << said;
    EXPECT_EQ(said, "");
}

TEST_F(MetricsTest, EverySeriesExistsFromTheStart) {
    const auto all = samples();
    for (const char* series : {
             "turnbuckle_allocations{transport=\"dtls\",family=\"ipv6\"}",
             "turnbuckle_allocations_created_total{transport=\"tls\"}",
             "turnbuckle_allocations_ended_total{reason=\"expired\"}",
             "turnbuckle_session_duration_seconds_bucket{le=\"+Inf\"}",
             "turnbuckle_session_duration_seconds_count",
             "turnbuckle_relayed_packets_total{transport=\"udp\",direction=\"client_to_peer\"}",
             "turnbuckle_relayed_bytes_total{transport=\"udp\",direction=\"peer_to_client\"}",
             "turnbuckle_requests_total{method=\"allocate\",code=\"success\"}",
             "turnbuckle_requests_total{method=\"other\",code=\"400\"}",
             "turnbuckle_request_duration_seconds_sum",
             "turnbuckle_authentication_failures_total{reason=\"wrong_password\"}",
             "turnbuckle_dropped_packets_total{reason=\"peer_denied\"}",
             "turnbuckle_pending_requests",
             "turnbuckle_tcp_peers",
             "turnbuckle_worker_busy_seconds_total{worker=\"1\"}",
             "turnbuckle_worker_wakeups_total{worker=\"0\"}",
             "turnbuckle_socket_kernel_drops_total{worker=\"0\"}",
             "turnbuckle_socket_gso_disabled_total{worker=\"0\"}",
             "turnbuckle_socket_receive_buffer_bytes{worker=\"0\"}",
             "turnbuckle_log_lines_dropped_total",
         }) {
        ASSERT_TRUE(all.contains(series)) << series;
        EXPECT_EQ(all.at(series), 0) << series;
    }
    EXPECT_FALSE(all.contains("turnbuckle_dropped_packets_total{reason=\"none\"}"));
    EXPECT_EQ(all.at("turnbuckle_build_info{version=\"1.2.3\"}"), 1);
    for (const auto& [series, number] : all) {
        EXPECT_EQ(series.find("invalid"), std::string::npos) << series;
    }
}

TEST_F(MetricsTest, SumUpTheWorkersLive) {
    const std::string created = "turnbuckle_allocations_created_total{transport=\"udp\"}";
    protocol_[0].allocations_created[Transport::Udp].add(2);
    protocol_[1].allocations_created[Transport::Udp].add(3);
    EXPECT_EQ(value(created), 5);
    protocol_[1].allocations_created[Transport::Udp].add();
    EXPECT_EQ(value(created), 6);
}

TEST_F(MetricsTest, EachCounterHasItsOwnSeries) {
    protocol_[0].allocations[Transport::Tcp][1].set(4);
    protocol_[0].allocations_ended[turn::EndReason::Released].add(5);
    auto& traffic = protocol_[0].relayed[Transport::Tls][turn::Direction::PeerToClient];
    traffic.packets.add(6);
    traffic.bytes.add(700);
    protocol_[0].responses[turn::RequestMethod::Refresh][turn::code_index(437)].add(8);
    protocol_[0].auth_failures[turn::AuthFailure::StaleNonce].add(9);
    protocol_[0].drop(turn::DropReason::NoChannel, 10);
    protocol_[0].pending_requests.set(11);
    protocol_[1].tcp_peers.set(5);
    EXPECT_EQ(value("turnbuckle_allocations{transport=\"tcp\",family=\"ipv6\"}"), 4);
    EXPECT_EQ(value("turnbuckle_allocations{transport=\"tcp\",family=\"ipv4\"}"), 0);
    EXPECT_EQ(value("turnbuckle_allocations_ended_total{reason=\"released\"}"), 5);
    EXPECT_EQ(
        value("turnbuckle_relayed_packets_total{transport=\"tls\",direction=\"peer_to_client\"}"),
        6);
    EXPECT_EQ(
        value("turnbuckle_relayed_bytes_total{transport=\"tls\",direction=\"peer_to_client\"}"),
        700);
    EXPECT_EQ(value("turnbuckle_requests_total{method=\"refresh\",code=\"437\"}"), 8);
    EXPECT_EQ(value("turnbuckle_authentication_failures_total{reason=\"stale_nonce\"}"), 9);
    EXPECT_EQ(value("turnbuckle_dropped_packets_total{reason=\"no_channel\"}"), 10);
    EXPECT_EQ(value("turnbuckle_pending_requests"), 11);
    EXPECT_EQ(value("turnbuckle_tcp_peers"), 5);
}

TEST_F(MetricsTest, HistogramsAreCumulativeAndSummedOverTheWorkers) {
    protocol_[0].session_seconds.observe(0.5);
    protocol_[1].session_seconds.observe(10);
    protocol_[1].session_seconds.observe(1e6);
    EXPECT_EQ(value("turnbuckle_session_duration_seconds_bucket{le=\"1\"}"), 1);
    EXPECT_EQ(value("turnbuckle_session_duration_seconds_bucket{le=\"10\"}"), 2);
    EXPECT_EQ(value("turnbuckle_session_duration_seconds_bucket{le=\"86400\"}"), 2);
    EXPECT_EQ(value("turnbuckle_session_duration_seconds_bucket{le=\"+Inf\"}"), 3);
    EXPECT_EQ(value("turnbuckle_session_duration_seconds_count"), 3);
    EXPECT_DOUBLE_EQ(value("turnbuckle_session_duration_seconds_sum"), 1'000'010.5);
}

TEST_F(MetricsTest, SocketsAndLoadAreToldByWorker) {
    io_[1].busy_nanoseconds.add(1'500'000'000);
    io_[1].wakeups.add(2);
    io_[0].receive_calls.add(3);
    io_[0].received_datagrams.add(4);
    io_[0].received_bytes.add(5);
    io_[0].send_calls.add(6);
    io_[0].sent_datagrams.add(7);
    io_[0].sent_bytes.add(8);
    io_[0].kernel_drops.add(9);
    io_[0].receive_errors.add(10);
    io_[0].gso_disabled.add(11);
    io_[0].receive_buffer_bytes.set(4'194'304);
    io_[0].send_buffer_bytes.set(212'992);
    EXPECT_DOUBLE_EQ(value("turnbuckle_worker_busy_seconds_total{worker=\"1\"}"), 1.5);
    EXPECT_EQ(value("turnbuckle_worker_busy_seconds_total{worker=\"0\"}"), 0);
    EXPECT_EQ(value("turnbuckle_worker_wakeups_total{worker=\"1\"}"), 2);
    EXPECT_EQ(value("turnbuckle_socket_receive_calls_total{worker=\"0\"}"), 3);
    EXPECT_EQ(value("turnbuckle_socket_received_datagrams_total{worker=\"0\"}"), 4);
    EXPECT_EQ(value("turnbuckle_socket_received_bytes_total{worker=\"0\"}"), 5);
    EXPECT_EQ(value("turnbuckle_socket_send_calls_total{worker=\"0\"}"), 6);
    EXPECT_EQ(value("turnbuckle_socket_sent_datagrams_total{worker=\"0\"}"), 7);
    EXPECT_EQ(value("turnbuckle_socket_sent_bytes_total{worker=\"0\"}"), 8);
    EXPECT_EQ(value("turnbuckle_socket_kernel_drops_total{worker=\"0\"}"), 9);
    EXPECT_EQ(value("turnbuckle_socket_receive_errors_total{worker=\"0\"}"), 10);
    EXPECT_EQ(value("turnbuckle_socket_gso_disabled_total{worker=\"0\"}"), 11);
    EXPECT_EQ(value("turnbuckle_socket_receive_buffer_bytes{worker=\"0\"}"), 4'194'304);
    EXPECT_EQ(value("turnbuckle_socket_send_buffer_bytes{worker=\"0\"}"), 212'992);
}

TEST_F(MetricsTest, RelayPortsAreToldByState) {
    EXPECT_EQ(value("turnbuckle_relay_ports{address=\"192.0.2.1\",state=\"used\"}"), 3);
    EXPECT_EQ(value("turnbuckle_relay_ports{address=\"192.0.2.1\",state=\"free\"}"), 16380);
    EXPECT_EQ(value("turnbuckle_relay_ports{address=\"192.0.2.1\",state=\"quarantined\"}"), 1);
}

TEST_F(MetricsTest, CertificatesTellWhenTheyExpireAndHowTheyWereRenewed) {
    EXPECT_EQ(value("turnbuckle_certificate_not_after_timestamp_seconds{certificate=\"/a.pem\"}"),
              1'800'000'000);
    EXPECT_EQ(value("turnbuckle_certificate_not_after_timestamp_seconds{certificate=\"/b.pem\"}"),
              1'900'000'000);
    EXPECT_EQ(value("turnbuckle_certificate_reloads_total{result=\"success\"}"), 5);
    EXPECT_EQ(value("turnbuckle_certificate_reloads_total{result=\"failure\"}"), 2);
}

TEST_F(MetricsTest, TheProcessTellsAboutItself) {
    const auto now = static_cast<double>(wall_now().time_since_epoch().count());
    EXPECT_GT(value("process_resident_memory_bytes"), 1e6);
    EXPECT_GE(value("process_virtual_memory_bytes"), value("process_resident_memory_bytes"));
    EXPECT_GT(value("process_cpu_seconds_total"), 0);
    EXPECT_GT(value("process_max_fds"), value("process_open_fds"));
    EXPECT_NEAR(value("process_start_time_seconds"), now, 3600);
    EXPECT_LE(value("process_start_time_seconds"), now + 1);
    const double before = value("process_open_fds");
    const int pipe = ::dup(0);
    EXPECT_EQ(value("process_open_fds"), before + 1);
    ::close(pipe);
}

TEST_F(MetricsTest, OtherPartsCanAddTheirOwn) {
    prometheus::BuildCounter()
        .Name("turnbuckle_reloads_total")
        .Help("Reloads.")
        .Register(metrics_.registry())
        .Add({{"result", "success"}})
        .Increment(2);
    EXPECT_EQ(value("turnbuckle_reloads_total{result=\"success\"}"), 2);
}

TEST_F(MetricsTest, ALabelCannotBreakOut) {
    ports_[0].address = "a\"} 1\nforged 2";
    EXPECT_FALSE(samples().contains("forged"));
}

TEST(Metrics, WithoutASourceTheProtocolsSeriesAreStillThere) {
    const Metrics metrics{{.version = "1"}};
    EXPECT_NE(
        metrics.render().find("\nturnbuckle_allocations_created_total{transport=\"udp\"} 0\n"),
        std::string::npos);
}

TEST_F(MetricsTest, AreServedLiveOverHttp) {
    HttpServer server({}, {metrics_.handler()});
    server.start();
    testing::RawClient client(server.local_endpoint());
    const auto scrape = [&] {
        client.send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        return client.read_response();
    };
    const std::string first = scrape();
    EXPECT_NE(first.find("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"),
              std::string::npos);
    EXPECT_NE(first.find("\nturnbuckle_socket_sent_bytes_total{worker=\"0\"} 0\n"),
              std::string::npos);
    io_[0].sent_bytes.add(4096);
    EXPECT_NE(scrape().find("\nturnbuckle_socket_sent_bytes_total{worker=\"0\"} 4096\n"),
              std::string::npos);
}

}  // namespace
}  // namespace turnbuckle::admin
