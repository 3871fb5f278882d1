"""The PROXY protocol: clients behind proxies are who the proxies say, if those are trusted."""

import ipaddress
import socket
import struct
import tempfile
import threading
import unittest

from certificates import Authority
from dtls import DtlsClient, free_port
from peer import EchoPeer
from server import LOOPBACK_PEERS, ServerTest, listener
from stream import Frames, StreamClient
from stun import BINDING, XOR_MAPPED_ADDRESS, Client, Message, NoAnswer

CHANNEL = 0x4001
PROXY = "127.0.9.1"
TRUST = {"trusted_proxies": ["127.0.9.0/24"]}
ALICE, BOB = ("192.0.2.1", 40000), ("192.0.2.2", 40001)
STREAM, DATAGRAM = 1, 2


def header_v1(client):
    return b"PROXY TCP4 %s 198.51.100.1 %d 3478\r\n" % (client[0].encode(), client[1])


def header_v2(client, transport):
    source = ipaddress.ip_address(client[0])
    family = 1 if source.version == 4 else 2
    destination = bytes(len(source.packed))
    block = source.packed + destination + struct.pack("!HH", client[1], 3478)
    fixed = b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, family << 4 | transport])
    return fixed + struct.pack("!H", len(block)) + block


LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"


class HeadedSocket:
    """A proxy's socket: a header before each datagram, or before the first."""

    def __init__(self, connected, headers, always):
        self.connected, self.headers, self.always = connected, headers, always
        self.sent = False

    def send(self, data):
        header = b"" if self.sent and not self.always else self.headers
        self.sent = True
        return self.connected.send(header + data)

    def __getattr__(self, name):
        return getattr(self.connected, name)


class ProxiedClient(Client):
    def __init__(self, server, header, always=False, bind=(PROXY, 0), **options):
        self.header, self.always = header, always
        super().__init__(server, bind=bind, **options)

    def connect(self, server, bind):
        return HeadedSocket(super().connect(server, bind), self.header, self.always)

    def mapped(self):
        return self.exchange(Message(BINDING).encode(), patience=3).address(XOR_MAPPED_ADDRESS)


class ProxiedStream(StreamClient):
    def __init__(self, server, header, pieces=True, **options):
        self.header = header
        self.pieces = pieces
        super().__init__(server, bind=(PROXY, 0), **options)

    def connect(self, server, bind):
        stream = socket.create_connection(server, timeout=20, source_address=bind)
        if self.pieces:  # the smallest there are
            for byte in self.header:
                stream.sendall(bytes([byte]))
        else:
            stream.sendall(self.header)
        if self.context:
            stream = self.context.wrap_socket(stream, server_hostname=self.name)
        return Frames(stream)

    def mapped(self):
        return self.exchange(Message(BINDING).encode()).address(XOR_MAPPED_ADDRESS)


class UdpProxy(threading.Thread):
    """Forwards one client, with a header before the first datagram."""

    def __init__(self, server):
        super().__init__()
        self.front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.front.bind(("127.0.0.1", 0))
        self.address = self.front.getsockname()
        self.back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.back.bind((PROXY, 0))
        self.back.connect(server)
        self.client = None
        self.ended = threading.Event()
        self.start()

    def run(self):
        self.front.settimeout(0.05)
        self.back.settimeout(0.001)
        while not self.ended.is_set():
            try:
                data, client = self.front.recvfrom(65536)
                if self.client is None:
                    data = header_v2(client, DATAGRAM) + data
                self.client = client
                self.back.send(data)
            except TimeoutError:
                pass
            try:
                while True:
                    self.front.sendto(self.back.recv(65536), self.client)
            except TimeoutError:
                pass

    def stop(self):
        self.ended.set()
        self.join()
        self.front.close()
        self.back.close()


class ProxyTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.pair = cls.authority.issue("server")

    def serve_behind_proxies(self):
        return self.serve(LOOPBACK_PEERS, {"listeners": [
            listener("udp", self.pair, **TRUST), listener("tcp", **TRUST),
            listener("tls", self.pair, **TRUST)]})

    def opened(self, client):
        self.addCleanup(client.close)
        return client

    def assert_relays(self, client):
        peer = self.opened(EchoPeer())
        client.allocate()
        client.bind_channel(CHANNEL, peer.address)
        client.send_channel(CHANNEL, b"through a proxy")
        self.assertEqual(client.receive(), (CHANNEL, b"through a proxy"))


class Datagrams(ProxyTest):
    def proxied(self, server, client, **options):
        header = header_v2(client, DATAGRAM) if isinstance(client, tuple) else client
        return self.opened(ProxiedClient(server.at("udp"), header, **options))

    def test_are_of_whom_the_header_names(self):
        server = self.serve_behind_proxies()
        for client in (ALICE, ("2001:db8::1", 7)):
            for always in (False, True):
                proxied = self.proxied(server, client, always=always)
                self.assertEqual([proxied.mapped() for _ in range(3)], [client] * 3)

    def test_are_relayed_and_logged_as_the_clients(self):
        server = self.serve_behind_proxies()
        client = self.proxied(server, ALICE)
        self.assert_relays(client)
        client.refresh(0)
        ended = server.await_log("session ended")
        self.assertEqual((ended["client"], ended["transport"]), ("192.0.2.1:40000", "udp"))
        self.assertEqual(server.metric("turnbuckle_proxied_flows"), 1)

    def test_without_a_header_are_dropped(self):
        server = self.serve_behind_proxies()
        with self.assertRaises(NoAnswer):
            self.proxied(server, b"").mapped()
        dropped = server.metric("turnbuckle_dropped_packets_total", reason="no_proxy_header")
        self.assertGreater(dropped, 0)

    def test_of_nobody_trusted_need_no_header_and_may_have_none(self):
        server = self.serve_behind_proxies()
        with Client(server.at("udp")) as direct:
            answer = direct.exchange(Message(BINDING).encode())
            self.assertEqual(answer.address(XOR_MAPPED_ADDRESS), direct.address)
        with self.assertRaises(NoAnswer):
            self.proxied(server, ALICE, always=True, bind=("127.0.8.1", 0)).mapped()

    def test_answer_a_proxy_that_asks_for_itself(self):
        server = self.serve_behind_proxies()
        proxy = self.proxied(server, LOCAL)
        self.assertEqual(proxy.mapped(), proxy.address)

    def test_end_the_session_of_whom_the_port_was_before(self):
        server = self.serve_behind_proxies()
        port = free_port(PROXY)
        first = self.proxied(server, ALICE, bind=(PROXY, port))
        first.allocate()
        first.close()
        second = self.proxied(server, BOB, bind=(PROXY, port))
        self.assertEqual(second.mapped(), BOB)
        server.await_log("session ended", client="192.0.2.1:40000")

    def test_may_be_of_dtls(self):
        server = self.serve_behind_proxies()
        proxy = UdpProxy(server.at("udp"))
        self.addCleanup(proxy.stop)
        client = DtlsClient(proxy.address, self.authority)
        self.addCleanup(client.vanish)
        self.assert_relays(client)
        answer = client.exchange(Message(BINDING).encode())
        self.assertEqual(answer.address(XOR_MAPPED_ADDRESS), client.address)
        client.refresh(0)
        server.await_log("session ended", transport="dtls", client="%s:%d" % client.address)


class Streams(ProxyTest):
    def test_are_of_whom_the_header_names(self):
        server = self.serve_behind_proxies()
        port = 40000
        for version in (header_v1, lambda client: header_v2(client, STREAM)):
            for transport, context in (("tcp", None), ("tls", self.authority.context())):
                with self.subTest(transport=transport, header=version(ALICE)):
                    port += 1
                    header = version((ALICE[0], port))
                    client = self.opened(ProxiedStream(server.at(transport), header,
                                                       context=context))
                    self.assertEqual(client.mapped(), (ALICE[0], port))
                    self.assert_relays(client)

    def test_without_a_valid_header_are_closed(self):
        server = self.serve_behind_proxies()
        for header in (b"PROXY TCP4 192.0.2.1 198.51.100.1 040000 3478\r\n", b"\0\1\0\0"):
            # Whole: it may be closed before the last piece could be sent.
            client = self.opened(ProxiedStream(server.at("tcp"), header, pieces=False))
            self.assertEqual(client.await_end(), [])
        server.await_metric(2, "turnbuckle_connections_closed_total", reason="bad_proxy_header")


if __name__ == "__main__":
    unittest.main()
