"""coturn's own test client against the server, over UDP.

All of its runs go on at the same time, against one server.
"""

import re
import unittest

from server import LOOPBACK_PEERS, PASSWORD, SECRET, USER, Server
from uclient import Peer, Result, Uclient

PASSWORD_USER = ["-u", USER, "-w", PASSWORD]
SECRET_USER = ["-u", "carol", "-W", SECRET]
MESSAGES = 20

# Name: server's listener, arguments, how many messages must arrive. Of a single client there are two
# with the EVEN-PORT pair (one without: -c), and between clients (-y) each has a partner.
RUNS = {
    "channels": (0, ["-c", "-X", *PASSWORD_USER], MESSAGES),
    "channels of a pair": (0, ["-X", *PASSWORD_USER], 2 * MESSAGES),
    "send indications": (0, ["-c", "-s", *PASSWORD_USER], MESSAGES),
    "send indications of a pair": (0, ["-s", *PASSWORD_USER], 2 * MESSAGES),
    "don't fragment": (0, ["-g", "-l", "1200", *PASSWORD_USER], 2 * MESSAGES),
    "a secret": (0, SECRET_USER, 2 * MESSAGES),
    "extra requests": (0, ["-G", "-y", *PASSWORD_USER], 4 * MESSAGES),
    "client to client": (0, ["-y", *PASSWORD_USER], 4 * MESSAGES),
    "client to client by indication": (0, ["-y", "-s", *PASSWORD_USER], 4 * MESSAGES),
    "client to client with padding": (0, ["-y", "-c", "-D", *PASSWORD_USER], 2 * MESSAGES),
    "dual allocation": (0, ["-Z", "-y", *PASSWORD_USER], 2 * MESSAGES),
    "an IPv6 relay for an IPv4 client": (0, ["-x", *PASSWORD_USER], 2 * MESSAGES),
    "an IPv6 relay for an IPv6 client": (1, ["-x", *PASSWORD_USER], 2 * MESSAGES),
    "IPv6 client to client": (1, ["-x", "-y", *PASSWORD_USER], 4 * MESSAGES),
    "an IPv4 relay for an IPv6 client": (1, ["-X", *PASSWORD_USER], 2 * MESSAGES),
    "twenty clients": (0, ["-m", "20", *PASSWORD_USER], 20 * MESSAGES),
}

BOTH_FAMILIES = {
    "listeners": [
        {"transport": "udp", "address": "127.0.0.1", "port": 0},
        {"transport": "udp", "address": "::1", "port": 0},
    ],
    # uclient binds any number that RFC 5766 allowed.
    "relay": {
        "addresses": [{"address": "127.0.0.1"}, {"address": "::1"}],
        "legacy_channels": True,
    },
}


class OverUdp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(LOOPBACK_PEERS, BOTH_FAMILIES)
        cls.addClassCleanup(cls.server.stop)
        cls.peer = Peer()
        cls.addClassCleanup(cls.peer.stop)
        cls.started = {name: cls.start(*run[:2]) for name, run in RUNS.items()}

    @classmethod
    def start(cls, listener, arguments):
        peer_ip = "::1" if "-x" in arguments else "127.0.0.1"
        peer = [] if "-y" in arguments else cls.peer.arguments(peer_ip)
        return Uclient(cls.server.listening[listener], *peer, *arguments,
                       folder=cls.server.folder.name, messages=MESSAGES)

    def check(self, name):
        client = self.started[name]
        count = RUNS[name][2]
        self.assertEqual(client.result(), Result(count, count, 0, 0), client.output[-2000:])


for run in RUNS:
    def test(self, name=run):
        self.check(name)

    setattr(OverUdp, "test_" + re.sub(r"\W+", "_", run) + "_without_loss", test)


class WithSafeDefaults(unittest.TestCase):
    def test_clients_reach_each_other_where_no_private_peer_is_allowed(self):
        server = Server()
        try:
            client = Uclient(server.address, "-y", "-s", *SECRET_USER,
                             folder=server.folder.name, messages=5)
            self.assertEqual(client.result(), Result(20, 20, 0, 0), client.output[-2000:])
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()
