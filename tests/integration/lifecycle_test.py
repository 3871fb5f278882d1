"""Draining, ending and reloading, by signals, while clients are there."""

import signal
import time
import unittest

from peer import EchoPeer
from server import LOOPBACK_PEERS, PASSWORD, SECRET, USER, ServerTest, merged, wait_until
from stun import Client, rest_credential


class Ending(ServerTest):
    def client(self, server, **options):
        client = Client(server.address, **options)
        self.addCleanup(client.close)
        return client

    def assert_drains(self, server, live, peer):
        """No new sessions, but the one that lives goes on."""
        server.await_log("draining")
        self.assertEqual(server.get("/readyz")[0], 503)
        self.assertEqual(server.get("/healthz")[0], 200)
        self.refused(508, self.client(server).allocate)
        live.send(peer.address, b"still here")
        self.assertEqual(live.receive(), (peer.address, b"still here"))
        live.refresh()

    def session(self, server, peer):
        client = self.client(server)
        client.allocate()
        client.permit(peer.address[0])
        return client

    def test_term_drains_and_ends_with_the_last_session(self):
        server = self.serve(LOOPBACK_PEERS)
        with EchoPeer() as peer:
            live = self.session(server, peer)
            server.signal(signal.SIGTERM)
            self.assert_drains(server, live, peer)
            live.refresh(0)
            self.assertEqual(server.wait(), 0)
        self.assertEqual(server.lines("session ended")[-1]["reason"], "released")
        self.assertTrue(server.lines("stopped"))

    def test_a_second_term_ends_at_once(self):
        server = self.serve(LOOPBACK_PEERS)
        with EchoPeer() as peer:
            live = self.session(server, peer)
            server.signal(signal.SIGTERM)
            self.assert_drains(server, live, peer)
            server.signal(signal.SIGTERM)
            self.assertEqual(server.wait(), 0)
        self.assertEqual(server.lines("session ended")[-1]["reason"], "drained")

    def test_the_drain_timeout_ends_what_does_not_end_by_itself(self):
        server = self.serve(LOOPBACK_PEERS, arguments=["--drain-timeout", "2s"])
        with EchoPeer() as peer:
            live = self.session(server, peer)
            began = time.monotonic()
            server.signal(signal.SIGTERM)
            self.assert_drains(server, live, peer)
            self.assertEqual(server.wait(), 0)
            self.assertGreaterEqual(time.monotonic() - began, 1.5)
        self.assertEqual(server.lines("session ended")[-1]["reason"], "drained")

    def test_term_without_sessions_ends_at_once(self):
        server = self.serve()
        began = time.monotonic()
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)
        self.assertLess(time.monotonic() - began, 10)

    def test_interrupt_ends_like_term(self):
        server = self.serve()
        server.signal(signal.SIGINT)
        self.assertEqual(server.wait(), 0)

    def test_usr1_drains_without_ending(self):
        server = self.serve(LOOPBACK_PEERS)
        with EchoPeer() as peer:
            live = self.session(server, peer)
            server.signal(signal.SIGUSR1)
            self.assert_drains(server, live, peer)
            live.refresh(0)
            server.await_metric(0, "turnbuckle_allocations")
        self.assertIsNone(server.process.poll())
        self.refused(508, self.client(server).allocate)
        server.signal(signal.SIGTERM)
        self.assertEqual(server.wait(), 0)


class Reloading(ServerTest):
    def client(self, server, secret=None, name="test"):
        user, password = rest_credential(secret, name) if secret else (USER, PASSWORD)
        client = Client(server.address, user=user, password=password)
        self.addCleanup(client.close)
        return client

    def test_a_new_secret_is_accepted_and_sessions_of_the_old_one_live_on(self):
        server = self.serve(LOOPBACK_PEERS)
        with EchoPeer() as peer:
            live = self.client(server, SECRET)
            live.allocate()
            live.permit("127.0.0.1")
            self.refused(401, self.client(server, "south-star").allocate)
            server.reload(merged(server.config, {"auth": {"secrets": [{"value": "south-star"}]}}))
            self.client(server, "south-star").allocate()
            self.refused(401, self.client(server, SECRET).allocate)
            live.send(peer.address, b"alive")
            self.assertEqual(live.receive(), (peer.address, b"alive"))
            live.refresh()
            live.permit("127.0.0.1")
            live.refresh(0)

    def test_a_file_with_errors_changes_nothing(self):
        server = self.serve()
        good = server.path.read_text()
        broken = {
            "syntax": good[:-2],
            "unknown key": good.replace('"realm"', '"relam"'),
            "impossible value": good.replace('"workers": 2', '"workers": -1'),
        }
        for count, (what, text) in enumerate(broken.items(), 1):
            with self.subTest(what):
                server.path.write_text(text)
                server.signal(signal.SIGHUP)
                wait_until(lambda n=count: len(server.lines(
                    "reload refused: the configuration has errors")) == n)
                self.client(server, SECRET).allocate()
                self.client(server).allocate()
        places = [line["error"] for line in server.lines("configuration error")]
        self.assertEqual(len(places), len(broken))
        for place in places:
            self.assertRegex(place, r"turnbuckle\.yaml:\d+:\d+: ")
        server.stop(expected_errors=("configuration error",
                                     "reload refused: the configuration has errors"))

    def test_a_denied_peer_loses_its_permission_and_channel(self):
        server = self.serve(LOOPBACK_PEERS)
        with EchoPeer("127.0.0.2") as peer, EchoPeer("127.0.0.3") as other:
            live = self.client(server)
            live.allocate()
            live.permit("127.0.0.2", "127.0.0.3")
            live.bind_channel(0x4000, peer.address)
            live.send_channel(0x4000, b"before")
            self.assertEqual(live.receive(), (0x4000, b"before"))
            deny = {"relay": {"peers": {"deny": ["127.0.0.2/32"]}}}
            server.reload(merged(server.config, deny))
            self.refused(403, live.permit, "127.0.0.2")
            live.send_channel(0x4000, b"after")
            live.send(peer.address, b"after")
            peer.socket.sendto(b"after", live.relayed)
            live.send(other.address, b"fine")
            self.assertEqual(live.receive(), (other.address, b"fine"))
            wait_until(lambda: server.metric("turnbuckle_dropped_packets_total") >= 3)
            live.refresh()
            self.assertIsNone(live.receive(timeout=0))
            # They have ended: taking the denial back brings neither to life again.
            server.reload(server.config)
            for reason, send in (
                ("no_channel", lambda: live.send_channel(0x4000, b"again")),
                ("no_permission", lambda: live.send(peer.address, b"again")),
            ):
                before = server.metric("turnbuckle_dropped_packets_total", reason=reason)
                send()
                server.await_metric(before + 1, "turnbuckle_dropped_packets_total", reason=reason)
            live.permit("127.0.0.2")

    def test_limits_of_a_reload_hold_for_what_comes(self):
        server = self.serve()
        first = self.client(server)
        first.allocate()
        server.reload(merged(server.config, {"limits": {"user": {"allocations": 1}}}))
        self.refused(486, self.client(server).allocate)
        first.refresh()

    def test_a_key_that_needs_a_restart_is_named(self):
        server = self.serve()
        server.reload(merged(server.config, {"workers": 3}))
        line = server.await_log("this change needs a restart")
        self.assertEqual(line["key"], "workers")
        self.client(server).allocate()


if __name__ == "__main__":
    unittest.main()
