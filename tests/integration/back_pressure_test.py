"""Clients that read slowly, and floods of connections: bounded, and nobody else's trouble."""

import os
import resource
import socket
import struct
import threading
import time
import unittest
from pathlib import Path

from server import LOOPBACK_PEERS, ServerTest, listener, wait_until
from stream import Ended, StreamClient
from stun import BINDING, Message

CHANNEL = 0x4001
MEBIBYTE = 1 << 20
# The address sanitizer keeps what was freed for a while.
GROWTH = (32 if os.environ.get("TURNBUCKLE_SANITIZED") else 8) * MEBIBYTE


class BackPressureTest(ServerTest):
    def serve_tcp(self, *changes):
        return self.serve(LOOPBACK_PEERS, {"listeners": [listener("tcp")]}, *changes)

    def client(self, server, **options):
        client = StreamClient(server.at("tcp"), **options)
        self.addCleanup(client.close)
        return client

    def udp_peer(self):
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(peer.close)
        peer.bind(("127.0.0.1", 0))
        return peer

    def receiver(self, server, peer, buffer=64 * 1024):
        """A client with a small receive buffer and a channel to that peer."""
        client = self.client(server)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        client.allocate()
        client.bind_channel(CHANNEL, peer.getsockname())
        return client

    @staticmethod
    def flood(peer, relayed, count, size=1200):
        """Numbered datagrams, at a pace that the relay socket's buffer keeps."""
        for number in range(count):
            peer.sendto(struct.pack("!I", number) + bytes(size - 4), relayed)
            if number % 20 == 19:
                time.sleep(0.001)

    def numbers(self, client, until):
        """The numbers in the frames that come, until that one; each frame must be whole."""
        seen = []
        while not seen or seen[-1] != until:
            channel, data = client.receive(timeout=10) or self.fail(f"{until} never came")
            self.assertEqual((channel, len(data)), (CHANNEL, 1200))
            self.assertFalse(any(data[4:]))
            seen.append(struct.unpack_from("!I", data)[0])
        return seen

    @staticmethod
    def slow_client_drops(server):
        return server.metric("turnbuckle_dropped_packets_total", reason="slow_client")


class SlowReader(BackPressureTest):
    def test_what_it_cannot_take_is_dropped_in_whole_frames_and_bothers_nobody(self):
        server = self.serve_tcp({"workers": 1})
        peer, other_peer = self.udp_peer(), self.udp_peer()
        slow, other = self.receiver(server, peer), self.receiver(server, other_peer)
        before = server.resident_bytes()
        count = 20_000  # 24 MB
        thread = threading.Thread(target=self.flood, args=(peer, slow.relayed, count))
        thread.start()
        rounds = []
        while thread.is_alive():
            started = time.monotonic()
            other_peer.sendto(bytes(1200), other.relayed)
            self.assertEqual(other.receive(), (CHANNEL, bytes(1200)))
            rounds.append(time.monotonic() - started)
            self.assertLess(server.resident_bytes() - before, GROWTH)
        thread.join()
        self.assertGreater(len(rounds), 100)
        self.assertLess(sorted(rounds)[len(rounds) // 2], 0.05)
        dropped = self.slow_client_drops(server)
        self.assertGreater(dropped, count / 2)
        # It reads again: what had begun to leave comes whole, and then what is sent from now on.
        reader = threading.Thread(target=lambda: got.extend(self.numbers(slow, count + 500)))
        got = []
        reader.start()
        wait_until(lambda: got or not reader.is_alive() or len(slow.socket.buffer) == 0)
        for number in range(count, count + 501):
            peer.sendto(struct.pack("!I", number) + bytes(1196), slow.relayed)
            time.sleep(0.001)
        reader.join()
        self.assertEqual(got, sorted(set(got)), "in order, none twice")
        self.assertEqual(got[-400:], list(range(count + 101, count + 501)))
        self.assertEqual(len(got) + self.slow_client_drops(server), count + 501)
        slow.refresh()

    def test_frames_older_than_the_limit_are_dropped_though_they_would_fit(self):
        server = self.serve_tcp({"limits": {"connection": {"queue": "64MiB", "queue_time": "1s"}}})
        peer = self.udp_peer()
        slow, count = self.receiver(server, peer), 5000  # 6 MB, of which the kernel takes some
        self.flood(peer, slow.relayed, count)
        self.assertEqual(self.slow_client_drops(server), 0)
        time.sleep(1.1)  # the limit: whatever waits now is older
        peer.sendto(struct.pack("!I", count) + bytes(1196), slow.relayed)
        got = self.numbers(slow, count)
        self.assertEqual(got, [*range(len(got) - 1), count])
        self.assertEqual(len(got) + self.slow_client_drops(server), count + 1)
        self.assertGreater(self.slow_client_drops(server), count / 2)

    def test_a_key_frame_of_500_KiB_reaches_a_healthy_client_whole(self):
        server = self.serve_tcp()
        peer = self.udp_peer()
        client = self.receiver(server, peer)
        count = 500 * 1024 // 1200
        for _ in range(3):
            self.flood(peer, client.relayed, count)
            time.sleep(0.04)  # a round trip of 20 ms each way, in which nothing is read
            self.assertEqual(self.numbers(client, count - 1), list(range(count)))
        self.assertEqual(self.slow_client_drops(server), 0)


class Unauthenticated(BackPressureTest):
    def test_a_connection_without_an_allocation_is_closed_after_ten_seconds(self):
        server = self.serve_tcp()
        proven = self.client(server)
        proven.allocate()
        silent, talking = self.client(server), self.client(server)
        started = time.monotonic()

        def talk():
            while time.monotonic() - started < 8:
                talking.exchange(Message(BINDING).encode())
                time.sleep(0.5)
            talking.await_end()
            ends.append(time.monotonic() - started)

        ends = []
        thread = threading.Thread(target=talk)
        thread.start()
        self.assertEqual(silent.await_end(timeout=20), [])
        ends.append(time.monotonic() - started)
        thread.join()
        self.assertEqual(len(ends), 2)
        for seconds in ends:
            self.assertGreater(seconds, 9)
            self.assertLess(seconds, 13)
        closed = server.metric("turnbuckle_connections_closed_total", reason="unauthenticated")
        self.assertEqual(closed, 2)
        proven.refresh()

    def test_a_prefix_has_so_many_places_and_an_allocation_needs_none(self):
        server = self.serve_tcp({"limits": {"unauthenticated": {"connections": 5}}})
        source = ("127.0.7.1", 0)
        places = [self.client(server, bind=source) for _ in range(5)]
        for client in places:
            client.exchange(Message(BINDING).encode())
        # Of the same /24, but for the first byte of another address.
        self.assertEqual(self.client(server, bind=("127.0.7.250", 0)).await_end(), [])
        elsewhere = self.client(server, bind=("127.0.8.1", 0))
        elsewhere.exchange(Message(BINDING).encode())
        places[0].allocate()
        late = self.client(server, bind=source)
        late.exchange(Message(BINDING).encode())
        self.assertEqual(self.client(server, bind=source).await_end(), [])
        places[1].close()
        wait_until(lambda: self.is_let_in(server, source), what="the place that was given back")

    def is_let_in(self, server, source):
        with StreamClient(server.at("tcp"), bind=source) as client:
            try:
                return client.exchange(Message(BINDING).encode(), patience=2)
            except (ConnectionResetError, BrokenPipeError, Ended):
                return None

    def test_when_all_places_are_taken_the_oldest_makes_room(self):
        server = self.serve_tcp(
            {"workers": 1,
             "limits": {"unauthenticated": {"connections": 0, "total_connections": 4}}})
        clients = [self.client(server) for _ in range(4)]
        for client in clients:
            client.exchange(Message(BINDING).encode())
        newest = self.client(server)
        newest.allocate()
        self.assertEqual(clients[0].await_end(), [])
        clients[3].exchange(Message(BINDING).encode())


class Descriptors(BackPressureTest):
    def test_running_out_of_them_harms_no_session_and_passes(self):
        server = self.serve_tcp({"workers": 1,
                                 "limits": {"unauthenticated": {"connections": 0}}})
        peer = self.udp_peer()
        session = self.receiver(server, peer)
        in_use = len(list(self.descriptors(server)))
        limits = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (in_use + 20, limits[1]))
        crowd = [socket.create_connection(server.at("tcp")) for _ in range(60)]
        message = "connections cannot be accepted for now: out of descriptors or memory"
        server.await_log(message)
        before, started = self.cpu_seconds(server), time.monotonic()
        while time.monotonic() - started < 2:
            peer.sendto(b"x" * 1200, session.relayed)
            self.assertEqual(session.receive(), (CHANNEL, b"x" * 1200))
            time.sleep(0.01)
        self.assertLess(self.cpu_seconds(server) - before, 0.5, "it spins")
        for connection in crowd:
            connection.close()
        late = self.client(server)
        late.exchange(Message(BINDING).encode())
        # The relay's socket needs a descriptor as well.
        late.allocate()
        server.stop(expected_errors=[message])

    @staticmethod
    def descriptors(server):
        return Path(f"/proc/{server.pid}/fd").iterdir()

    @staticmethod
    def cpu_seconds(server):
        fields = Path(f"/proc/{server.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    unittest.main()
