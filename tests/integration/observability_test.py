"""Metrics and logs of a server that works: live, complete, and bounded."""

import re
import subprocess
import time
import unittest

from peer import EchoPeer
from server import LOOPBACK_PEERS, SECRET, ServerTest
from stun import BINDING, Client, Message, rest_credential


class Metrics(ServerTest):
    def test_they_move_while_a_session_lives(self):
        server = self.serve(LOOPBACK_PEERS)
        live = ("turnbuckle_allocations", "turnbuckle_allocations_created_total")
        self.assertEqual([server.metric(name) for name in live], [0, 0])
        with EchoPeer() as peer, Client(server.address) as client:
            client.allocate()
            self.assertEqual([server.metric(name) for name in live], [1, 1])
            self.assertEqual(
                server.metric("turnbuckle_allocations", transport="udp", family="ipv4"), 1)
            self.assertEqual(server.metric("turnbuckle_relay_ports", state="used"), 1)
            client.permit("127.0.0.1")
            for _ in range(3):
                client.send(peer.address, bytes(100))
                client.receive()
            for direction in ("client_to_peer", "peer_to_client"):
                labels = {"transport": "udp", "direction": direction}
                self.assertEqual(server.metric("turnbuckle_relayed_packets_total", **labels), 3)
                self.assertEqual(server.metric("turnbuckle_relayed_bytes_total", **labels), 300)
            client.refresh(0)
        self.assertEqual([server.metric(name) for name in live], [0, 1])
        self.assertEqual(server.metric("turnbuckle_allocations_ended_total", reason="released"), 1)
        self.assertEqual(server.metric("turnbuckle_session_duration_seconds_count"), 1)
        for method in ("allocate", "create_permission", "refresh"):
            self.assertEqual(
                server.metric("turnbuckle_requests_total", method=method, code="success"), 1)
        self.assertEqual(
            server.metric("turnbuckle_requests_total", method="allocate", code="401"), 1)
        self.assertEqual(server.metric("turnbuckle_request_duration_seconds_count"), 4)
        server.await_metric(0, "turnbuckle_relay_ports", state="used")

    def test_what_is_not_stun_is_counted_by_reason(self):
        server = self.serve()
        with Client(server.address) as client:
            bad_fingerprint = bytearray(Message(BINDING).encode(fingerprint=True))
            bad_fingerprint[-1] ^= 1
            for reason, data in (
                ("not_stun", b"\x16\xfe\xfd a DTLS record"),
                ("malformed", b"\0\1\0"),
                ("malformed", Message(BINDING).encode()[:-1]),
                ("bad_fingerprint", bytes(bad_fingerprint)),
                ("unexpected_class", Message(BINDING, kind=2).encode()),
                ("unsupported_method", Message(0x0FF).encode()),
                ("no_allocation", b"\x40\0\0\4data"),
            ):
                before = server.metric("turnbuckle_dropped_packets_total", reason=reason)
                client.socket.send(data)
                server.await_metric(before + 1, "turnbuckle_dropped_packets_total", reason=reason)
            client.exchange(Message(BINDING).encode())
            self.assertIsNone(client.receive(timeout=0))

    def test_promtool_finds_nothing_to_say(self):
        server = self.serve()
        with Client(server.address) as client:
            client.allocate()
            checked = subprocess.run(["promtool", "check", "metrics"], text=True, timeout=30,
                                     input=server.get("/metrics")[1], capture_output=True)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_no_user_and_no_client_address_becomes_a_label(self):
        server = self.serve()
        before = server.get("/metrics")[1].count("\n")
        for i in range(5):
            user, password = rest_credential(SECRET, name=f"name{i}")
            with Client(server.address, user=user, password=password) as client:
                client.allocate()
                client.refresh(0)
        after = server.get("/metrics")[1]
        self.assertNotIn("name1", after)
        labels = set(re.findall(r'[{,](\w+)="', after))
        self.assertLessEqual(labels, {"address", "certificate", "code", "direction", "family", "le",
                                      "method", "reason", "result", "state", "transport",
                                      "version", "worker"})
        # The first client makes its relay address known.
        self.assertLess(after.count("\n") - before, 10)


class SessionLog(ServerTest):
    def test_each_session_ends_with_one_line_that_tells_it_all(self):
        server = self.serve(LOOPBACK_PEERS)
        user, password = rest_credential(SECRET, name="dora")
        with EchoPeer() as peer, Client(server.address, user=user, password=password) as client:
            client.allocate()
            client.permit("127.0.0.1")
            for size in (10, 20, 30):
                client.send(peer.address, bytes(size))
                client.receive()
            peer.socket.sendto(bytes(7), client.relayed)
            client.receive()
            began = time.monotonic()
            client.refresh(0)
            line = server.await_log("session ended")
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(line["user"], "dora")
            self.assertEqual(line["client"], "%s:%d" % client.address)
            self.assertEqual(line["server"], "%s:%d" % server.address)
            self.assertEqual(line["relayed"], "%s:%d" % client.relayed)
            self.assertEqual(line["transport"], "udp")
            self.assertEqual(line["reason"], "released")
            self.assertEqual((line["packets_to_peers"], line["bytes_to_peers"]), (3, 60))
            self.assertEqual((line["packets_to_client"], line["bytes_to_client"]), (4, 67))
            self.assertGreater(line["seconds"], 0)
        server.stop()
        self.assertEqual(len(server.lines("session ended")), 1)

    def test_text_lines_say_the_same(self):
        server = self.serve({"drain_timeout": "1s"})
        with Client(server.address) as client:
            client.allocate()
            config = {**server.config, "log": {"format": "text"}}
            server.write_config(config)
            server.signal(1)
            found = server.await_raw("configuration reloaded")
            client.refresh(0)
            found = server.await_raw("session ended")
            self.assertIn("user=alice", found)
            self.assertIn("reason=released", found)
        server.write_config(server.config)
        server.signal(1)
        server.await_log("configuration reloaded")
        server.log[:] = [line for line in server.log if line["level"] != "raw"]


if __name__ == "__main__":
    unittest.main()
