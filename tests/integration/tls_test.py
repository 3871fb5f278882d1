"""TLS listeners: versions, ALPN (RFC 7443), resumption, and which connections are turned away."""

import re
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

from certificates import Authority
from peer import EchoPeer
from server import LOOPBACK_PEERS, PATIENCE, ServerTest, listener, wait_until
from stream import StreamClient
from stun import BINDING, XOR_MAPPED_ADDRESS, Message

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class TlsTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.one = cls.authority.issue("one", "one.example.org", "localhost")
        cls.two = cls.authority.issue("two", "two.example.org", "*.two.example.org")

    def serve_tls(self, *changes):
        return self.serve(LOOPBACK_PEERS, {"listeners": [listener("tls", self.one)]}, *changes)

    def client(self, server, transport="tls", name="localhost", **options):
        context = self.authority.context(**options)
        client = StreamClient(server.at(transport), context=context, name=name)
        self.addCleanup(client.close)
        return client

    def relays(self, client, peer):
        client.allocate()
        client.bind_channel(0x4001, peer.address)
        client.send_channel(0x4001, b"hello")
        self.assertEqual(client.receive(), (0x4001, b"hello"))


class Openssl(TlsTest):
    """What openssl's own client says of the server."""

    def s_client(self, server, *arguments, until=None):
        """Its status and output. It quits once it is connected, or when `until` has come true."""
        host, port = server.at("tls")
        process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile",
             str(self.authority.certificate), "-verify_return_error", *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        if until:
            wait_until(until, what="openssl")
        output, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, output

    def test_the_labels_of_stun_are_agreed_upon(self):
        server = self.serve_tls()
        for offered, agreed in (("stun.turn", "stun.turn"),
                                ("stun.nat-discovery", "stun.nat-discovery"),
                                ("bogus,stun.turn", "stun.turn")):
            with self.subTest(offered):
                status, output = self.s_client(server, "-alpn", offered)
                self.assertEqual(status, 0, output)
                self.assertIn(f"ALPN protocol: {agreed}\n", output)
                self.assertIn("Verification: OK", output)

    def test_a_client_that_offers_only_unknown_protocols_is_refused(self):
        server = self.serve_tls()
        status, output = self.s_client(server, "-alpn", "h2,bogus")
        self.assertNotEqual(status, 0)
        self.assertIn("no application protocol", output)

    def test_a_session_of_tls_1_2_is_resumed_each_time(self):
        server = self.serve_tls()
        status, output = self.s_client(server, "-tls1_2", "-reconnect")
        self.assertEqual(status, 0, output)
        # It connects once and then five times more.
        self.assertEqual(len(re.findall("^Reused, TLSv1.2", output, re.M)), 5, output)

    def test_a_session_of_tls_1_3_is_resumed(self):
        server = self.serve_tls()
        with tempfile.NamedTemporaryFile() as file:
            # The ticket comes after the handshake.
            status, output = self.s_client(server, "-tls1_3", "-sess_out", file.name,
                                           until=lambda: Path(file.name).stat().st_size > 0)
            self.assertEqual(status, 0, output)
            self.assertRegex(output, "New, TLSv1.3")
            status, output = self.s_client(server, "-tls1_3", "-sess_in", file.name)
        self.assertEqual(status, 0, output)
        self.assertRegex(output, "Reused, TLSv1.3")

    def test_versions_before_1_2_are_refused(self):
        server = self.serve_tls()
        for version in ("-tls1", "-tls1_1"):
            with self.subTest(version):
                # The lowest security level, so that it is the server who refuses.
                status, output = self.s_client(server, version, "-cipher", "ALL:@SECLEVEL=0")
                self.assertNotEqual(status, 0)
                self.assertIn("alert protocol version", output)


class Handshakes(TlsTest):
    def test_both_versions_relay(self):
        server = self.serve_tls()
        with EchoPeer() as peer:
            for version, name in ((V12, "TLSv1.2"), (V13, "TLSv1.3")):
                with self.subTest(name):
                    client = self.client(server, version=version)
                    self.assertEqual(client.socket.version(), name)
                    self.relays(client, peer)

    def test_any_worker_resumes_what_another_began(self):
        server = self.serve_tls({"workers": 4})
        for version in (V12, V13):
            with self.subTest(version.name):
                context = self.authority.context(version=version)
                session = None
                for connection in range(12):
                    with socket.create_connection(server.at("tls")) as plain:
                        tls = context.wrap_socket(plain, server_hostname="localhost",
                                                  session=session)
                        # A ticket of TLS 1.3 comes after the handshake.
                        tls.sendall(Message(BINDING).encode())
                        tls.recv(1000)
                        self.assertEqual(tls.session_reused, connection > 0)
                        session = session or tls.session
                        tls.close()

    def test_the_name_that_is_asked_for_chooses_the_certificate(self):
        several = [self.one.entry(), self.two.entry()]
        server = self.serve({"listeners": [
            {"transport": "tls", "address": "127.0.0.1", "port": 0, "certificates": several}]})
        for version in (V12, V13):
            for name, pair in (("one.example.org", self.one), ("two.example.org", self.two),
                               ("TWO.example.org", self.two), ("x.two.example.org", self.two),
                               ("unknown.example.org", self.one), (None, self.one)):
                with self.subTest(name, version=version.name):
                    context = self.authority.context(version=version)
                    context.check_hostname = False
                    client = StreamClient(server.at("tls"), context=context, name=name)
                    self.assertEqual(client.socket.getpeercert(True), pair.der())
                    client.close()


class OtherProtocols(TlsTest):
    def test_plain_stun_to_a_tls_listener_is_closed_at_once(self):
        server = self.serve_tls()
        client = StreamClient(server.at("tls"))
        self.addCleanup(client.close)
        client.socket.send(Message(BINDING).encode())
        plain = client.socket.stream
        plain.settimeout(5)
        answer = b""
        try:
            while data := plain.recv(1000):
                answer += data
        except ConnectionResetError:
            pass
        # An alert of TLS at most (content type 21), never an answer of STUN.
        self.assertIn(answer[:1], (b"", b"\x15"))
        with self.client(server) as other:
            other.allocate()

    def test_a_tcp_listener_with_a_certificate_speaks_both_on_one_port(self):
        server = self.serve(LOOPBACK_PEERS, {"listeners": [listener("tcp", self.one)]})
        with EchoPeer() as peer:
            plain = StreamClient(server.at("tcp"))
            self.addCleanup(plain.close)
            encrypted = self.client(server, "tcp")
            self.relays(plain, peer)
            self.relays(encrypted, peer)
            self.assertEqual(server.metric("turnbuckle_allocations", transport="tcp"), 1)
            self.assertEqual(server.metric("turnbuckle_allocations", transport="tls"), 1)

    def test_a_tcp_listener_without_a_certificate_speaks_no_tls(self):
        server = self.serve({"listeners": [listener("tcp")]})
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            self.client(server, "tcp")

    def test_junk_inside_of_tls_closes_that_connection_only(self):
        server = self.serve_tls()
        good, bad = self.client(server), self.client(server)
        good.allocate()
        bad.socket.stream.sendall(b"\xff" * 100)
        self.assertEqual(bad.await_end(), [])
        good.refresh()

    def test_a_client_that_closes_tls_ends_its_allocation_at_once(self):
        server = self.serve_tls()
        client = self.client(server)
        client.allocate()
        client.socket.stream.unwrap().close()
        self.assertEqual(server.await_log("session ended")["reason"], "closed")
        server.await_metric(0, "turnbuckle_allocations")

    def test_the_mapped_address_is_that_of_the_connection(self):
        server = self.serve_tls()
        client = self.client(server)
        answer = client.exchange(Message(BINDING).encode())
        self.assertEqual(answer.address(XOR_MAPPED_ADDRESS), client.address)


if __name__ == "__main__":
    unittest.main()
