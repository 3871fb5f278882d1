"""coturn's test client, turnutils_uclient, and its peer: how they are started and read.

uclient ends with status 0 even if everything was lost, so its figures are read. It takes seconds
however little it sends: tests start several at the same time.
"""

import os
import re
import socket
import subprocess
from typing import NamedTuple

from server import wait_until


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


class Peer:
    """turnutils_peer, which sends every datagram back, on a port and its successor."""

    def __init__(self):
        self.port = free_pair()
        self.process = subprocess.Popen(
            ["turnutils_peer", "-L", "127.0.0.1", "-L", "::1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("127.0.0.1", self.port + 1))
            probe.settimeout(0.1)

            def answered():
                try:
                    probe.send(b"?")
                    return probe.recv(10)
                except (TimeoutError, ConnectionRefusedError):
                    return None

            wait_until(answered, what="turnutils_peer")

    def arguments(self, ip="127.0.0.1"):
        return ["-e", ip, "-r", str(self.port)]

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Result(NamedTuple):
    sent: int
    received: int
    lost: int
    not_sent: int


# It picks the numbers of its channels at random, sometimes one twice, and gives up when the server
# refuses that. It has to be started again then.
COLLISION = "channel is bound to another peer"


class Uclient:
    def __init__(self, address, *arguments, folder, messages):
        preload = os.environ.get("UCLIENT_TLS")
        self.command = ["turnutils_uclient", "-p", str(address[1]), "-n", str(messages), *arguments,
                        address[0]]
        self.environment = {**os.environ, "TMPDIR": folder,
                            **({"LD_PRELOAD": preload} if preload else {})}
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=self.environment,
        )

    def result(self, timeout=100, restarts=3):
        """Its figures. What it said besides is in `output`."""
        try:
            self.output = self.process.communicate(timeout=timeout)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.output = self.process.communicate()[0]
        if self.process.returncode == 255 and COLLISION in self.output and restarts > 0:
            self.start()
            return self.result(timeout, restarts - 1)
        totals = re.findall(r"tot_send_msgs=(\d+), tot_recv_msgs=(\d+)", self.output)
        lost = re.search(r"Total lost packets (\d+) .*total send dropped (\d+)", self.output)
        assert totals and lost, f"status {self.process.returncode}: {self.output[-2000:]}"
        return Result(*map(int, totals[-1]), *map(int, lost.groups()))
