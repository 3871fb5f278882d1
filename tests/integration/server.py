"""The server under test: started with a configuration of its own, watched, stopped by its pid.

Ports come from the kernel: the configuration says 0 and the log says what was bound. The binary is
named by the environment variable TURNBUCKLE.
"""

import json
import os
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from stun import Refused

BINARY = os.environ.get("TURNBUCKLE", "build/dev/turnbuckle")
PATIENCE = 20  # seconds; sanitizers are slow

USER, PASSWORD, SECRET, REALM = "alice", "wonderland", "north-star", "example.org"

DEFAULTS = {
    "realm": REALM,
    "workers": 2,
    "listeners": [{"transport": "udp", "address": "127.0.0.1", "port": 0}],
    "auth": {
        "users": [{"name": USER, "password": {"value": PASSWORD}}],
        "secrets": [{"value": SECRET}],
    },
    "limits": {"user": {"allocations": 0}, "unauthenticated": {"answers_per_second": 0}},
    "admin": {"port": 0},
    "log": {"format": "json"},
}

LOOPBACK_PEERS = {"relay": {"peers": {"allow": ["127.0.0.0/8", "::1/128"]}}}


def merged(base, *changes):
    """The mapping with each change laid over it, key by key."""
    result = dict(base)
    for change in changes:
        for key, value in (change or {}).items():
            both = isinstance(value, dict) and isinstance(result.get(key), dict)
            result[key] = merged(result[key], value) if both else value
    return result


def listener(transport, pair=None, address="127.0.0.1", **more):
    """A listener's configuration, with a certificate if there is a pair of certificates.py."""
    files = pair.entry() if pair else {}
    return {"transport": transport, "address": address, "port": 0, **files, **more}


def endpoint(text):
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def wait_until(condition, timeout=PATIENCE, what="condition"):
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come about in {timeout} s")
        time.sleep(0.01)
    return result


class Server:
    def __init__(self, *changes, arguments=(), environment=None):
        self.folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        self.path = Path(self.folder.name) / "turnbuckle.yaml"
        self.config = merged(DEFAULTS, *changes)
        self.write_config(self.config)
        self.log = []
        self.output = []
        self.ended = False  # seen to end, and judged
        self.process = subprocess.Popen(
            [BINARY, "serve", "--config", str(self.path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self.output)),
            threading.Thread(target=self._read_log),
        ]
        for reader in self._readers:
            reader.start()
        try:
            self.admin = endpoint(self.await_log("admin plane")["address"])
            opened = [line for line in self.log if line["message"] == "listening"]
            self.listening = [endpoint(line["address"]) for line in opened]
            self._transports = [line["transport"] for line in opened]
            wait_until(lambda: self.get("/readyz")[0] == 200, what="readiness")
        except BaseException:
            self.kill()
            raise

    @property
    def address(self):
        return self.listening[0]

    def at(self, transport):
        """Where the first listener of that transport is."""
        return self.listening[self._transports.index(transport)]

    @property
    def pid(self):
        return self.process.pid

    def write_config(self, config):
        # JSON is YAML. In place of the old file at once, as an editor does it.
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(config, indent=1))
        fresh.replace(self.path)

    def _read(self, stream, lines):
        for line in stream:
            lines.append(line)

    def _read_log(self):
        for line in self.process.stderr:
            try:
                self.log.append(json.loads(line))
            except ValueError:  # what goes wrong before the log is started, and sanitizers
                self.log.append({"level": "raw", "message": line.rstrip("\n")})

    def lines(self, message, **fields):
        return [
            line
            for line in list(self.log)
            if line["message"] == message and all(line.get(k) == v for k, v in fields.items())
        ]

    def await_log(self, message, count=1, **fields):
        """The last of `count` lines of that message whose fields have these values."""

        def found():
            if self.process.poll() is not None and not self._readers[1].is_alive():
                assert len(self.lines(message, **fields)) >= count, f"ended: {self.log}"
            lines = self.lines(message, **fields)
            return lines if len(lines) >= count else None

        return wait_until(found, what=f"log line {message!r} {fields}")[-1]

    def await_raw(self, part):
        """A line that is not JSON and contains that text."""

        def found():
            raw = [line["message"] for line in list(self.log) if line["level"] == "raw"]
            return next((line for line in raw if part in line), None)

        return wait_until(found, what=f"line with {part!r}")

    def signal(self, number):
        os.kill(self.process.pid, number)

    def get(self, path):
        """Status and text that the admin plane answers with."""
        url = f"http://{self.admin[0]}:{self.admin[1]}{path}"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name, **labels):
        """The sum of all samples of that name that have these labels."""
        total, found = 0.0, False
        for line in self.get("/metrics")[1].splitlines():
            if not line.startswith(("{", " ", "#")) and line.split("{")[0].split(" ")[0] == name:
                if all(f'{key}="{value}"' in line for key, value in labels.items()):
                    total += float(line.rsplit(" ", 1)[1])
                    found = True
        assert found, f"no metric {name} {labels}"
        return total

    def await_metric(self, value, name, **labels):
        wait_until(lambda: self.metric(name, **labels) == value, what=f"{name} {labels} = {value}")

    def resident_bytes(self):
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def reload(self, config):
        self.write_config(config)
        before = len(self.lines("configuration reloaded"))
        self.signal(signal.SIGHUP)
        self.await_log("configuration reloaded", count=before + 1)

    def wait(self, timeout=PATIENCE):
        """Its exit status, once it has ended by itself."""
        status = self.process.wait(timeout)
        self._join()
        self.ended = True
        return status

    def stop(self, expected_errors=()):
        # The first one drains, the second does not wait for sessions.
        for _ in range(2):
            if self.process.poll() is None:
                self.signal(signal.SIGTERM)
                wait_until(lambda: self.process.poll() is not None or self.lines("draining"))
        status = self.wait()
        errors = [
            line
            for line in self.log
            if line["level"] in ("error", "raw") and line["message"] not in expected_errors
        ]
        assert status == 0, f"exit status {status}: {self.log[-5:]}"
        assert not errors, errors

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._join()

    def _join(self):
        for reader in self._readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        self.folder.cleanup()


class ServerTest(unittest.TestCase):
    """Starts servers that are stopped, and looked after for errors, when the test ends."""

    def serve(self, *changes, **options):
        server = Server(*changes, **options)
        self.addCleanup(server.kill)
        self.addCleanup(lambda: server.ended or server.stop())
        return server

    def refused(self, code, call, *arguments):
        with self.assertRaises(Refused) as caught:
            call(*arguments)
        self.assertEqual(caught.exception.code, code)
        return caught.exception.response
