"""coturn's own test client over TCP, TLS and DTLS, and relaying TCP: nothing is lost.

It reads its own streams wrongly when messages come at 5 ms and share a record: 40 ms apart they do
not. Connections are started one after the other, so that 100 clients take some fifteen seconds.
"""

import tempfile
import unittest

from certificates import Authority
from server import LOOPBACK_PEERS, PASSWORD, USER, Server, listener
from uclient import Peer, Result, Uclient

MESSAGES, SIZE = 20, 100
PACE = ["-z", "40", "-u", USER, "-w", PASSWORD]

# Name: the listener's transport, arguments, messages that each client sends, whether the peer answers
# (else the clients send to each other). "-c": one allocation for each client, not two.
TRANSPORTS = {
    "TCP": ("tcp", ["-t", "-c", "-X"], 1, True),
    "TLS": ("tls", ["-t", "-S", "-c", "-X"], 1, True),
    "DTLS": ("dtls", ["-S", "-c", "-X"], 1, True),
}
TCP_RELAYS = {
    "TCP relays": ("tcp", ["-T"], 2, False),
    "TCP relays over TLS": ("tls", ["-T", "-S"], 2, False),
}
SINGLE = {
    "send indications over TCP": ("tcp", ["-t", "-s"], 2, True),
    "send indications over TLS": ("tls", ["-t", "-S", "-s"], 2, True),
    "send indications over DTLS": ("dtls", ["-S", "-s"], 2, True),
    "client to client over TCP": ("tcp", ["-t", "-y", "-X"], 4, False),
    "TLS on the tcp listener's port": ("tcp", ["-t", "-S", "-c", "-X"], 1, True),
    "DTLS on the udp listener's port": ("udp", ["-S", "-c", "-X"], 1, True),
    "messages of 1201 bytes over TCP": ("tcp", ["-t", "-c", "-X", "-l", "1201"], 1, True),
    "messages of 1201 bytes over TLS": ("tls", ["-t", "-S", "-c", "-X", "-l", "1201"], 1, True),
}


class OverStreams(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        cls.addClassCleanup(folder.cleanup)
        pair = Authority(folder.name).issue("server")
        cls.server = Server(LOOPBACK_PEERS, {
            "listeners": [listener(t, pair) for t in ("udp", "tcp", "tls", "dtls")],
            # uclient binds any number that RFC 5766 allowed.
            "relay": {"legacy_channels": True},
        })
        cls.addClassCleanup(cls.server.stop)
        cls.peer = Peer()
        cls.addClassCleanup(cls.peer.stop)

    def start(self, transport, arguments, echoes, clients):
        peer = self.peer.arguments() if echoes else []
        return Uclient(self.server.at(transport), *PACE, *arguments, *peer, "-m", str(clients),
                       folder=self.server.folder.name, messages=MESSAGES)

    def run_together(self, runs, clients, processes=1):
        started = {
            name: [self.start(transport, arguments, echoes, clients) for _ in range(processes)]
            for name, (transport, arguments, _, echoes) in runs.items()
        }
        for name, group in started.items():
            count = runs[name][2] * clients * MESSAGES
            for client in group:
                with self.subTest(name):
                    self.assertEqual(client.result(), Result(count, count, 0, 0),
                                     client.output[-2000:])

    def test_a_single_client_loses_nothing(self):
        self.run_together(SINGLE, 1)

    def test_a_hundred_clients_at_once_lose_nothing(self):
        self.run_together(TRANSPORTS, 100)

    def test_a_hundred_clients_that_relay_TCP_lose_nothing(self):
        # One process connects each of its clients with each other one: these are fifty pairs.
        self.run_together(TCP_RELAYS, 1, processes=50)

    def test_a_hundred_clients_that_await_TCP_peers_lose_nothing(self):
        # uclient never takes the data that reaches it as a peer from its socket: it looks at it
        # for a header of STUN, which peers' data does not have. So it counts half as lost, with any
        # server; that the server sent on all of it, the server's counters say.
        def relayed(direction):
            return self.server.metric("turnbuckle_relayed_bytes_total", transport="tcp",
                                      direction=direction)

        ways = ("client_to_peer", "peer_to_client")
        before = [relayed(way) for way in ways]
        client = self.start("tcp", ["-P"], False, 100)
        sent, half = 100 * MESSAGES, 50 * MESSAGES
        self.assertEqual(client.result(), Result(sent, half, half, 0), client.output[-2000:])
        self.assertEqual([relayed(way) - b for way, b in zip(ways, before)],
                         [half * SIZE, half * SIZE])


if __name__ == "__main__":
    unittest.main()
