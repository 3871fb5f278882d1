"""coturn's own test client against the server, over UDP.

turnutils_uclient ends with status 0 even if everything was lost, so its figures are read. It takes
five seconds however little it sends: all of them run at the same time, against one server.
"""

import os
import re
import socket
import subprocess
import unittest

from server import LOOPBACK_PEERS, PASSWORD, SECRET, USER, Server, wait_until

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


def free_pair():
    """A port of which neither it nor its successor is in use on any address."""
    while True:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one:
            one.bind(("::", 0))
            port = one.getsockname()[1]
            try:
                with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other:
                    other.bind(("::", port + 1))
                    return port
            except OSError:
                continue


class Uclient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(LOOPBACK_PEERS, BOTH_FAMILIES)
        port = free_pair()
        cls.peer = subprocess.Popen(
            ["turnutils_peer", "-L", "127.0.0.1", "-L", "::1", "-p", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            cls.await_peer(port)
            started = {name: cls.start(port, *run[:2]) for name, run in RUNS.items()}
            cls.outputs = {name: run.communicate(timeout=100)[0] for name, run in started.items()}
        except BaseException:
            cls.tearDownClass()
            raise

    @classmethod
    def tearDownClass(cls):
        cls.peer.terminate()
        cls.peer.wait()
        cls.server.stop()

    @staticmethod
    def await_peer(port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("127.0.0.1", port + 1))
            probe.settimeout(0.1)

            def answered():
                try:
                    probe.send(b"?")
                    return probe.recv(10)
                except (TimeoutError, ConnectionRefusedError):
                    return None

            wait_until(answered, what="turnutils_peer")

    @classmethod
    def start(cls, peer_port, listener, arguments):
        address, port = cls.server.listening[listener]
        peer_ip = "::1" if "-x" in arguments else "127.0.0.1"
        peer = [] if "-y" in arguments else ["-e", peer_ip, "-r", str(peer_port)]
        return subprocess.Popen(
            ["turnutils_uclient", "-p", str(port), "-n", str(MESSAGES), *peer, *arguments, address],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "TMPDIR": cls.server.folder.name},
        )

    def check(self, name):
        output = self.outputs[name]
        sent = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", output)
        lost = re.search(r"Total lost packets (\d+) .*total send dropped (\d+)", output)
        self.assertTrue(sent and lost, output)
        expected = RUNS[name][2]
        self.assertEqual(sent[-1], (str(expected), str(expected)), output)
        self.assertEqual(lost.groups(), ("0", "0"), output)


for run in RUNS:
    def test(self, name=run):
        self.check(name)

    setattr(Uclient, "test_" + re.sub(r"\W+", "_", run) + "_without_loss", test)


class WithSafeDefaults(unittest.TestCase):
    def test_clients_reach_each_other_where_no_private_peer_is_allowed(self):
        server = Server()
        try:
            address, port = server.address
            output = subprocess.run(
                ["turnutils_uclient", "-p", str(port), "-y", "-s", *SECRET_USER, address],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=True,
            ).stdout
            self.assertIn("tot_send_msgs=20, tot_recv_msgs=20", output)
            self.assertIn("Total lost packets 0 ", output)
        finally:
            server.stop()


if __name__ == "__main__":
    unittest.main()
