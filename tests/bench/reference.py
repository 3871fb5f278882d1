"""Debian's coturn, started and stopped like the server under test, to be measured beside it."""

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "integration"))

from server import PASSWORD, REALM, USER, wait_until  # noqa: E402


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Coturn:
    """Two relay threads, as Turnbuckle has two workers; one port for TCP and UDP, one for TLS."""

    def __init__(self, pair):
        self.folder = tempfile.TemporaryDirectory(prefix="turnbuckle-bench-")
        at = Path(self.folder.name)
        self.ports = {"tcp": free_port(), "tls": free_port()}
        self.process = subprocess.Popen(
            ["turnserver", "-n", "-m", "2", "-L", "127.0.0.1", "-E", "127.0.0.1",
             "-p", str(self.ports["tcp"]), "--tls-listening-port", str(self.ports["tls"]),
             "--cert", str(pair.certificate), "--pkey", str(pair.private_key),
             "-a", "-u", f"{USER}:{PASSWORD}", "-r", REALM, "--no-cli", "--allow-loopback-peers",
             "--pidfile", str(at / "pid"), "--db", str(at / "db"), "-l", "stdout", "--simple-log"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        wait_until(self._accepts, what="coturn")

    def _accepts(self):
        try:
            socket.create_connection(self.at("tls")).close()
            return True
        except OSError:
            return False

    def at(self, transport):
        return "127.0.0.1", self.ports[transport]

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()
