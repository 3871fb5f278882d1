"""Ten thousand slow connections over TCP, TLS and DTLS: clients are served throughout."""

import multiprocessing
import os
import resource
import tempfile
import time
import unittest

import slow_loris
from certificates import Authority
from peer import EchoPeer
from server import LOOPBACK_PEERS, ServerTest, listener, wait_until
from stream import StreamClient
from stun import Client

COUNTS = {"tcp": 4000, "tls": 4000, "dtls": 2000}
CHANNEL = 0x4001
DURATION = 13  # seconds; a connection may live for ten without an allocation
MEBIBYTE = 1 << 20
PEAK, AFTERWARDS = 96 * MEBIBYTE, 8 * MEBIBYTE  # of resident memory more than before


@unittest.skipIf(os.environ.get("TURNBUCKLE_SANITIZED"), "measures memory and time")
class SlowLoris(ServerTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        self.addCleanup(folder.cleanup)
        authority = Authority(folder.name)
        self.context = authority.context()
        pair = authority.issue("server")
        self.server = self.serve(LOOPBACK_PEERS, {
            "listeners": [listener("udp", pair), listener("tcp"), listener("tls", pair)]})
        self.peer = EchoPeer()
        self.addCleanup(self.peer.close)
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    def client(self, transport):
        if transport == "udp":
            return Client(self.server.at("udp"))
        return StreamClient(self.server.at("tls"), context=self.context)

    def echo(self, client):
        client.send_channel(CHANNEL, b"still served")
        self.assertEqual(client.receive(timeout=10), (CHANNEL, b"still served"))

    def serve_one(self, transport):
        """A client that comes, relays and goes; how long that took."""
        started = time.monotonic()
        with self.client(transport) as client:
            client.allocate()
            client.bind_channel(CHANNEL, self.peer.address)
            self.echo(client)
            client.refresh(0)
        return time.monotonic() - started

    def start_attack(self):
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        ours, theirs = context.Pipe()
        servers = {"tcp": self.server.at("tcp"), "tls": self.server.at("tls"),
                   "dtls": self.server.at("udp")}
        process = context.Process(target=slow_loris.attack, args=(servers, COUNTS, stop, theirs))
        process.start()
        self.addCleanup(process.join)
        self.addCleanup(process.kill)
        return process, stop, ours

    def test_ten_thousand_slow_connections_keep_no_client_from_the_relay(self):
        for transport in ("udp", "tls"):
            self.serve_one(transport)
        residents = [self.client(transport) for transport in ("udp", "tls")]
        for client in residents:
            self.addCleanup(client.close)
            client.allocate()
            client.bind_channel(CHANNEL, self.peer.address)
        before = peak = self.server.resident_bytes()
        process, stop, pipe = self.start_attack()
        times = {"udp": [], "tls": []}
        started = None
        while started is None or time.monotonic() < started + DURATION:
            for transport, taken in times.items():
                taken.append(self.serve_one(transport))
            for client in residents:
                self.echo(client)
            peak = max(peak, self.server.resident_bytes())
            time.sleep(0.02)  # leaves the other core to the attack
            if started is None and pipe.poll():
                self.assertEqual(pipe.recv(), "all")
                started = time.monotonic()
        stop.set()
        seen = pipe.recv()
        self.assertEqual(seen["streams"], COUNTS["tcp"] + COUNTS["tls"])
        self.assertEqual(seen["closed"], seen["streams"], "some were let live")
        self.assertGreater(seen["half_open"], COUNTS["dtls"] * 0.9)
        for transport, taken in times.items():
            self.assertGreater(len(taken), 50)
            self.assertLess(sorted(taken)[len(taken) // 2], 0.25, transport)
            self.assertLess(max(taken), 5, transport)
        pipe.send("end")
        process.join()
        self.assertLess(peak - before, PEAK)
        wait_until(lambda: self.server.resident_bytes() - before < AFTERWARDS, timeout=40,
                   what="the memory's return")
        for client in residents:
            self.echo(client)
        summary = {name: (len(taken), round(max(taken), 3)) for name, taken in times.items()}
        after = self.server.resident_bytes()
        print(f"served {summary} (count, slowest); resident MiB before, at most, after:",
              *(round(size / MEBIBYTE, 1) for size in (before, peak, after)))


if __name__ == "__main__":
    unittest.main()
