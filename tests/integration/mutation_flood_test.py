"""Hundreds of thousands of mutated datagrams: the server judges each one, and is as it was before.

MUTATION_FLOOD names the program; MUTATION_FLOOD_DATAGRAMS sets how many, for a longer run.
"""

import json
import os
import subprocess
import threading
import unittest

from server import PASSWORD, USER, ServerTest
from stun import Client

FLOOD = os.environ.get("MUTATION_FLOOD", "build/dev/tests/integration/mutation_flood")
DATAGRAMS = int(os.environ.get("MUTATION_FLOOD_DATAGRAMS", 300_000))
WARM_UP = 30_000

# The address sanitizer keeps freed memory back, 256 MB of it unless told otherwise, and needs some
# for its own records.
SANITIZED = os.environ.get("TURNBUCKLE_SANITIZED")
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=4"} if SANITIZED else {}
ALLOWED_GROWTH = (32 if SANITIZED else 4) << 20


class MutationFlood(ServerTest):
    def flood(self, server, count, seed):
        host, port = server.address
        done = subprocess.run(
            [FLOOD, f"{host}:{port}", USER, PASSWORD, str(count), str(seed)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_server_stays_as_it_is_and_its_clients_lose_nothing(self):
        server = self.serve(environment=ENVIRONMENT)
        self.flood(server, WARM_UP, seed=1)
        before = server.resident_bytes()
        received = server.metric("turnbuckle_socket_received_datagrams_total")
        peak, done = [before], threading.Event()

        def watch():
            while not done.wait(0.2):
                peak.append(server.resident_bytes())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            result = self.flood(server, DATAGRAMS, seed=2)
        finally:
            done.set()
            watcher.join()
        after = server.resident_bytes()
        received = server.metric("turnbuckle_socket_received_datagrams_total") - received
        result.update(resident_before=before, resident_peak=max(peak), resident_after=after,
                      received=int(received))
        print(json.dumps(result))

        self.assertGreaterEqual(result["sent"], DATAGRAMS)
        self.assertGreaterEqual(received, result["sent"])
        self.assertEqual(server.metric("turnbuckle_socket_kernel_drops_total"), 0)
        self.assertEqual(result["repeated"], 0)
        self.assertGreater(result["legitimate_sent"], 100)
        self.assertEqual(result["legitimate_received"], result["legitimate_sent"])
        self.assertEqual(result["legitimate_refused"], 0)
        self.assertLess(max(*peak, after) - before, ALLOWED_GROWTH)
        self.assertEqual(server.metric("turnbuckle_dropped_packets_total",
                                       reason="internal_error"), 0)
        for reason in ("malformed", "not_stun", "bad_fingerprint", "no_channel"):
            self.assertGreater(server.metric("turnbuckle_dropped_packets_total", reason=reason), 0)
        for code in ("success", "400", "401", "403", "420", "437", "438", "442", "443"):
            self.assertGreater(server.metric("turnbuckle_requests_total", code=code), 0, code)
        with Client(server.address) as client:
            client.allocate()


if __name__ == "__main__":
    unittest.main()
