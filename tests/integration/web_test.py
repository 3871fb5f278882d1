"""A web server behind the TURN port: chosen by ALPN or SNI, told the real client by PROXY v2."""

import hashlib
import ipaddress
import os
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import unittest

from certificates import Authority
from peer import EchoPeer
from server import LOOPBACK_PEERS, ServerTest, listener
from stream import StreamClient

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
SITE = "www.example.org"
LARGE = 8 << 20


class WebServer:
    """HTTPS with a certificate of its own; every connection begins with a PROXY v2 header.

    GET answers with the client's address that the header tells, POST with the body's digest.
    """

    def __init__(self, pair, ip="127.0.0.1"):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pair.certificate, pair.private_key)
        self.context.set_alpn_protocols(["http/1.1"])
        self.socket = socket.create_server((ip, 0))
        self.port = self.socket.getsockname()[1]
        self.clients, self.servers = [], []
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self._serve, args=(connection,)))
            self.threads[-1].start()

    def _serve(self, connection):
        with connection:
            head = connection.recv(16, socket.MSG_WAITALL)
            signature, command, family, length = struct.unpack("!12sBBH", head)
            assert (signature, command, family) == (SIGNATURE, 0x21, 0x11), head
            addresses = connection.recv(length, socket.MSG_WAITALL)
            source, target, *ports = struct.unpack_from("!4s4sHH", addresses)
            self.clients.append((str(ipaddress.ip_address(source)), ports[0]))
            self.servers.append((str(ipaddress.ip_address(target)), ports[1]))
            try:
                with self.context.wrap_socket(connection, server_side=True) as tls:
                    self._answer(tls)
            except OSError:
                pass

    def _answer(self, tls):
        stream = tls.makefile("rwb")
        verb = stream.readline().split()[0]
        headers = dict(line.split(b": ") for line in iter(lambda: stream.readline().strip(), b""))
        body = "%s:%d" % self.clients[-1]
        if verb == b"POST":
            body = hashlib.sha256(stream.read(int(headers[b"Content-Length"]))).hexdigest()
        elif verb == b"LARGE":
            body = "x" * LARGE
        stream.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n"
                     f"Connection: close\r\n\r\n{body}".encode())
        stream.flush()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for thread in self.threads:
            thread.join()


class WebTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.turn_pair = cls.authority.issue("turn")
        cls.web_pair = cls.authority.issue("web", SITE, "localhost")

    def setUp(self):
        self.web = WebServer(self.web_pair)
        self.addCleanup(self.web.close)

    def serve_both(self, transport="tls", **web):
        return self.serve(LOOPBACK_PEERS, {"listeners": [
            listener(transport, self.turn_pair, web={"port": self.web.port, **web})]})

    def connect(self, server, transport="tls", name="localhost", protocols=()):
        plain = socket.create_connection(server.at(transport), timeout=20)
        self.addCleanup(plain.close)
        context = self.authority.context(protocols=protocols)
        tls = context.wrap_socket(plain, server_hostname=name)
        self.addCleanup(tls.close)
        return tls

    @staticmethod
    def ask(tls, request=b"GET / HTTP/1.1\r\n\r\n"):
        tls.sendall(request)
        answer = b""
        while data := tls.recv(65536):
            answer += data
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        return body

    def assert_reaches_web(self, tls):
        address = tls.getsockname()
        self.assertEqual(tls.getpeercert(True), self.web_pair.der())
        self.assertEqual(self.ask(tls).decode(), "%s:%d" % address)

    def assert_relays(self, server, transport="tls", **options):
        context = self.authority.context(**options)
        with EchoPeer() as peer, StreamClient(server.at(transport), context=context) as client:
            self.assertEqual(client.socket.getpeercert(True), self.turn_pair.der())
            client.allocate()
            client.bind_channel(0x4001, peer.address)
            client.send_channel(0x4001, b"hello")
            self.assertEqual(client.receive(), (0x4001, b"hello"))


class ByProtocol(WebTest):
    def test_browsers_reach_the_web_server_and_turn_clients_the_relay_on_one_port(self):
        server = self.serve_both()
        for protocols in (["h2", "http/1.1"], ["http/1.1"]):
            with self.subTest(protocols):
                tls = self.connect(server, protocols=protocols)
                self.assertEqual(tls.selected_alpn_protocol(), "http/1.1")
                self.assert_reaches_web(tls)
                self.assertEqual(self.web.servers[-1], server.at("tls"))
        self.assert_relays(server)
        self.assert_relays(server, protocols=["stun.turn"])
        self.assert_relays(server, protocols=["h2", "stun.turn"])

    def test_a_tcp_listener_with_a_certificate_shares_its_port_in_three_ways(self):
        server = self.serve_both("tcp")
        self.assert_reaches_web(self.connect(server, "tcp", protocols=["h2", "http/1.1"]))
        self.assert_relays(server, "tcp")
        with StreamClient(server.at("tcp")) as plain:
            plain.allocate()

    def test_curl_fetches_a_page(self):
        server = self.serve_both()
        port = server.at("tls")[1]
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--cacert", str(self.authority.certificate),
             "--resolve", f"{SITE}:{port}:127.0.0.1", f"https://{SITE}:{port}/"],
            capture_output=True, text=True, timeout=60, env={**os.environ, "no_proxy": "*"},
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "%s:%d" % self.web.clients[-1])

    def test_large_bodies_pass_unharmed_both_ways(self):
        server = self.serve_both()
        body = os.urandom(LARGE)
        request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        digest = self.ask(self.connect(server, protocols=["http/1.1"]), request)
        self.assertEqual(digest.decode(), hashlib.sha256(body).hexdigest())
        answer = self.ask(self.connect(server, protocols=["http/1.1"]), b"LARGE / HTTP/1.1\r\n\r\n")
        self.assertEqual(answer, b"x" * LARGE)

    def test_a_web_server_that_is_down_harms_only_its_own_clients(self):
        dead = socket.create_server(("127.0.0.1", 0))
        port = dead.getsockname()[1]
        dead.close()
        server = self.serve_both(port=port)
        with self.assertRaises(OSError):
            self.connect(server, protocols=["http/1.1"])
        self.assert_relays(server)


class ByName(WebTest):
    def test_the_name_alone_decides_where_no_protocol_is_offered(self):
        server = self.serve_both(names=[SITE], protocols=[])
        self.assert_reaches_web(self.connect(server, name=SITE))
        self.assert_reaches_web(self.connect(server, name=SITE.upper()))
        self.assert_relays(server)


class Without(WebTest):
    def test_a_listener_without_a_web_server_refuses_browsers(self):
        server = self.serve(LOOPBACK_PEERS, {"listeners": [listener("tls", self.turn_pair)]})
        with self.assertRaises(ssl.SSLError) as caught:
            self.connect(server, protocols=["h2", "http/1.1"])
        self.assertIn("no application protocol", str(caught.exception))
        self.assertEqual(self.web.clients, [])


if __name__ == "__main__":
    unittest.main()
