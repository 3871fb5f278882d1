"""libnice, in GStreamer's webrtcbin, against the server: data channel and video, relay-only.

libnice uses no relay on a loopback interface, so the test moves into a network of its own. It knows
no TLS: for "turns:" it sends plain STUN over TCP (as of 0.1.21, with standard compatibility), which
is served where a tcp listener shares its port with TLS; for a real TLS it is given a tunnel.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

from certificates import Authority
from server import PASSWORD, USER, ServerTest, listener

ADDRESS = "10.99.0.1"
INSIDE = "TURNBUCKLE_TEST_NETWORK"


def enter_network():
    """Starts over in a network with an interface that is no loopback."""
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", *as_root, sys.executable, "-B", *sys.argv])


def set_up_network():
    for command in ("link set lo up", "link add t0 type veth peer name t1",
                    f"addr add {ADDRESS}/24 dev t0", "link set t0 up", "link set t1 up"):
        subprocess.run(["ip", *command.split()], check=True)


class TlsTunnel:
    """Accepts plain connections, and carries each over TLS to the server."""

    def __init__(self, server, context):
        self.server, self.context = server, context
        self.socket = socket.create_server((ADDRESS, 0))
        self.address = self.socket.getsockname()
        self.sockets = [self.socket]
        self.threads = []
        self._start(self._accept)

    def _start(self, run, *arguments):
        self.threads.append(threading.Thread(target=run, args=arguments))
        self.threads[-1].start()

    def _accept(self):
        while True:
            try:
                plain, _ = self.socket.accept()
            except OSError:
                return
            tls = self.context.wrap_socket(socket.create_connection(self.server),
                                           server_hostname="localhost")
            self.sockets += plain, tls
            self._start(self._copy, plain, tls)
            self._start(self._copy, tls, plain)

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self):
        for one in self.sockets:
            try:
                socket.socket.shutdown(one, socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self.threads:
            thread.join()
        for one in self.sockets:
            one.close()


class Libnice(ServerTest):
    @classmethod
    def setUpClass(cls):
        set_up_network()
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        cls.pair = cls.authority.issue("server")

    def serve_in_network(self, transport):
        server = self.serve({"listeners": [listener(transport, self.pair, ADDRESS)]})
        return server, server.at(transport)

    def call(self, scheme, address, transport, patience=20):
        from webrtcbin import call

        where = f"{address[0]}:{address[1]}?transport={transport}"
        return call(f"{scheme}://{USER}:{PASSWORD}@{where}", patience)

    def assert_relayed(self, ends, server, transport):
        for end in ends:
            self.assertTrue(end.is_content, (end.state, len(end.messages), end.frames))
            self.assertTrue(end.candidates)
            for candidate in end.candidates:
                self.assertIn("typ relay", candidate)
            self.assertEqual([int(text.split()[0]) for text in end.messages],
                             list(range(len(end.messages))))
        self.assertGreaterEqual(
            server.metric("turnbuckle_allocations_created_total", transport=transport), 2)
        self.assertGreater(
            server.metric("turnbuckle_relayed_bytes_total", transport=transport),
            2 * sum(len(text) for end in ends for text in end.messages))

    def test_a_call_goes_through_the_relay_over_udp(self):
        server, address = self.serve_in_network("udp")
        self.assert_relayed(self.call("turn", address, "udp"), server, "udp")

    def test_a_call_goes_through_the_relay_over_tcp(self):
        server, address = self.serve_in_network("tcp")
        self.assert_relayed(self.call("turn", address, "tcp"), server, "tcp")

    def test_what_it_sends_for_turns_is_served_on_a_port_that_TCP_and_TLS_share(self):
        server, address = self.serve_in_network("tcp")
        self.assert_relayed(self.call("turns", address, "tcp"), server, "tcp")

    def test_a_call_goes_through_the_relay_over_tls_that_a_tunnel_adds(self):
        server, address = self.serve_in_network("tls")
        tunnel = TlsTunnel(address, self.authority.context())
        try:
            ends = self.call("turn", tunnel.address, "tcp")
        finally:
            tunnel.close()
        self.assert_relayed(ends, server, "tls")

    def test_what_it_sends_for_turns_gets_no_relay_from_a_tls_listener(self):
        _, address = self.serve_in_network("tls")
        for end in self.call("turns", address, "tcp", patience=3):
            self.assertEqual(end.candidates, [])


if __name__ == "__main__":
    if INSIDE not in os.environ:
        enter_network()
    unittest.main()
