"""DTLS (RFC 7350, RFC 6347): associations from handshake to end, and who tries to spoil them."""

import os
import socket
import subprocess
import tempfile
import time
import unittest

from certificates import Authority
from dtls import DtlsClient, client_hello, cookie_of, free_port, with_cookie
from peer import EchoPeer
from server import LOOPBACK_PEERS, ServerTest, listener, wait_until
from stun import BINDING, XOR_MAPPED_ADDRESS, Client, Message, NoAnswer

CHANNEL = 0x4001

# Sanitizers keep memory of their own for each byte, and freed memory for a while.
SANITIZED = os.environ.get("TURNBUCKLE_SANITIZED")
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=4"} if SANITIZED else {}
FLOOD_GROWTH = (32 if SANITIZED else 1) << 20
HALF_OPEN_BYTES = (320 if SANITIZED else 64) * 1024


class DtlsTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.pair = cls.authority.issue("server")

    def serve_dtls(self, *changes):
        listeners = [listener(t, self.pair) for t in ("udp", "dtls")]
        return self.serve(LOOPBACK_PEERS, {"listeners": listeners}, *changes,
                          environment=ENVIRONMENT)

    def client(self, server, transport="dtls", **options):
        client = DtlsClient(server.at(transport), self.authority, **options)
        self.addCleanup(client.vanish)
        return client

    def peer(self):
        peer = EchoPeer()
        self.addCleanup(peer.close)
        return peer

    def raw(self, ip="127.0.0.1"):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(sock.close)
        sock.bind((ip, 0))
        sock.settimeout(5)
        return sock


class Associations(DtlsTest):
    def test_relay_data_both_ways(self):
        server = self.serve_dtls()
        client, peer = self.client(server), self.peer()
        answer = client.allocate()
        self.assertEqual(answer.address(XOR_MAPPED_ADDRESS), client.address)
        client.bind_channel(CHANNEL, peer.address)
        for data in (b"x", b"abcde", bytes(1200)):
            client.send_channel(CHANNEL, data)
            self.assertEqual(client.receive(), (CHANNEL, data))
        client.send(peer.address, b"indication")
        self.assertEqual(client.receive(), (CHANNEL, b"indication"))
        client.refresh(0)
        ended = server.await_log("session ended", transport="dtls")
        self.assertEqual(ended["client"], "%s:%d" % client.address)

    def test_share_the_port_of_plain_clients(self):
        server = self.serve_dtls()
        with Client(server.at("udp")) as plain:
            plain.allocate()
            self.client(server, "udp").allocate()
            server.await_metric(2, "turnbuckle_allocations")
            plain.refresh()

    def test_have_what_a_dtls_listener_takes_for_themselves(self):
        server = self.serve_dtls()
        with Client(server.at("dtls")) as plain, self.assertRaises(NoAnswer):
            plain.exchange(Message(BINDING).encode(), patience=1)
        self.assertGreater(
            server.metric("turnbuckle_dropped_packets_total", reason="not_stun"), 0)

    def test_choose_the_protocol_of_turn(self):
        server = self.serve_dtls()
        host, port = server.at("dtls")
        shown = subprocess.run(
            ["openssl", "s_client", "-dtls1_2", "-connect", f"{host}:{port}", "-alpn",
             "stun.nat-discovery", "-CAfile", self.authority.certificate, "-verify_return_error"],
            input="", text=True, capture_output=True, timeout=20).stdout
        self.assertIn("ALPN protocol: stun.nat-discovery", shown)
        self.assertIn("Verify return code: 0 (ok)", shown)
        self.assertIn("Protocol  : DTLSv1.2", shown)

    def test_end_with_their_allocation_when_the_client_says_so(self):
        server = self.serve_dtls()
        client = DtlsClient(server.at("dtls"), self.authority)
        client.allocate()
        self.assertEqual(server.metric("turnbuckle_allocations"), 1)
        client.close()
        server.await_metric(0, "turnbuckle_allocations")
        server.await_metric(1, "turnbuckle_dtls_closed_total", reason="closed_by_client")

    def test_begin_anew_for_a_client_that_lost_its_state(self):
        server = self.serve_dtls()
        port = free_port()
        client = self.client(server, port=port)
        client.allocate()
        client.vanish()
        # The same five-tuple: with the old allocation it would be refused with 437.
        self.client(server, port=port).allocate()
        self.assertEqual(server.metric("turnbuckle_allocations"), 1)
        server.await_metric(1, "turnbuckle_dtls_associations")

    def test_end_when_the_server_does(self):
        server = self.serve_dtls()
        client = self.client(server)
        client.allocate()
        server.stop()
        self.assertEqual(client.process.wait(10), 0)


class Strangers(DtlsTest):
    def test_without_a_cookie_cost_no_memory(self):
        server = self.serve_dtls()
        hello = client_hello()
        sockets = [self.raw(f"127.0.{i}.1") for i in range(100)]

        def flood(count):
            before = server.metric("turnbuckle_dtls_cookies_sent_total")
            for i in range(count):
                sockets[i % 100].sendto(hello, server.at("dtls"))
                if i % 100 == 99:
                    answered = i + 1
                    wait_until(lambda: server.metric("turnbuckle_dtls_cookies_sent_total")
                               >= before + answered)

        flood(1000)
        before = server.resident_bytes()
        flood(10_000)
        self.assertLess(server.resident_bytes() - before, FLOOD_GROWTH)
        self.assertEqual(server.metric("turnbuckle_dtls_associations"), 0)

    def test_get_less_than_they_send(self):
        server = self.serve_dtls()
        hello, sock = client_hello(), self.raw()
        sock.sendto(hello, server.at("dtls"))
        self.assertLess(len(sock.recv(65536)), len(hello))

    def test_cannot_use_the_cookie_of_another_address(self):
        server = self.serve_dtls()
        hello, sock, thief = client_hello(), self.raw(), self.raw("127.0.0.2")
        sock.sendto(hello, server.at("dtls"))
        repeated = with_cookie(hello, cookie_of(sock.recv(65536)))
        thief.sendto(repeated, server.at("dtls"))
        cookie_of(thief.recv(65536))  # asked for one of its own
        self.assertEqual(server.metric("turnbuckle_dtls_associations"), 0)
        sock.sendto(repeated, server.at("dtls"))
        self.assertEqual(sock.recv(65536)[13], 2)  # ServerHello
        self.assertEqual(server.metric("turnbuckle_dtls_associations"), 1)

    def test_that_never_finish_a_handshake_hinder_nobody(self):
        server = self.serve_dtls({"workers": 1})
        legitimate = self.client(server)
        legitimate.allocate()
        hello = client_hello()
        before = server.resident_bytes()
        half_open = 3000
        slowest = 0
        with Client(server.at("udp")) as plain:
            plain.allocate()
            for i in range(half_open):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.bind((f"127.{i // 200 + 1}.{i % 200}.1", 0))
                    sock.settimeout(5)
                    sock.sendto(hello, server.at("dtls"))
                    sock.sendto(with_cookie(hello, cookie_of(sock.recv(65536))),
                                server.at("dtls"))
                if i % 100 == 0:
                    for client in (plain, legitimate):
                        began = time.monotonic()
                        client.refresh()
                        slowest = max(slowest, time.monotonic() - began)
        wait_until(lambda: server.metric("turnbuckle_dtls_associations") == half_open + 1)
        grown = server.resident_bytes() - before
        self.client(server).allocate()
        self.assertLess(grown, half_open * HALF_OPEN_BYTES)
        self.assertLess(slowest, 1)
        server.await_metric(2, "turnbuckle_dtls_associations")
        legitimate.refresh()
        if not SANITIZED:  # sanitizers give nothing back
            wait_until(lambda: server.resident_bytes() - before < half_open * 2048,
                       what="the memory of half-open handshakes")


if __name__ == "__main__":
    unittest.main()
