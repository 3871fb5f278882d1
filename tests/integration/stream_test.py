"""TCP from the wire's side: frames cut and joined in any way (RFC 8656 section 12.5), its end."""

import signal
import socket
import struct
import time
import unittest

from peer import EchoPeer
from server import LOOPBACK_PEERS, ServerTest, listener
from stream import StreamClient, padded
from stun import (BINDING, LIFETIME, REFRESH, XOR_MAPPED_ADDRESS, Client, Message, NoAnswer)

CHANNEL = 0x4001


class StreamTest(ServerTest):
    def serve_tcp(self, *changes):
        return self.serve(LOOPBACK_PEERS, {"listeners": [listener("tcp")]}, *changes)

    def client(self, server, **options):
        client = StreamClient(server.at("tcp"), **options)
        self.addCleanup(client.close)
        return client

    def with_channel(self, server, peer, **options):
        client = self.client(server, **options)
        client.allocate()
        client.bind_channel(CHANNEL, peer.address)
        return client

    def peer(self):
        peer = EchoPeer()
        self.addCleanup(peer.close)
        return peer


class Framing(StreamTest):
    def test_one_byte_at_a_time_is_as_good_as_all_at_once(self):
        server = self.serve_tcp()
        client = self.client(server)
        stream = client.socket.stream

        def dribble(frame):
            for byte in padded(frame):
                stream.sendall(bytes([byte]))

        client.socket.send = dribble
        client.allocate()
        client.bind_channel(CHANNEL, self.peer().address)
        for data in (b"x", b"abcde", bytes(range(256))):
            client.send_channel(CHANNEL, data)
            self.assertEqual(client.receive(), (CHANNEL, data))

    def test_everything_in_one_segment_is_answered_in_order(self):
        server = self.serve_tcp()
        client = self.with_channel(server, self.peer())
        requests = [
            client.sign(Message(REFRESH, attributes=[(LIFETIME, struct.pack("!I", 600 + i))]))
            for i in range(20)
        ]
        messages = [b"m" * (i % 7) + b"%d" % i for i in range(100)]
        frames = [struct.pack("!HH", CHANNEL, len(m)) + m for m in messages]
        client.socket.stream.sendall(b"".join(map(padded, requests + frames)))
        for i, request in enumerate(requests):
            answer = client._await_answer(request[8:20], time.monotonic() + 10)
            self.assertEqual(answer.lifetime, 600 + i)
        self.assertEqual([client.receive() for _ in messages], [(CHANNEL, m) for m in messages])

    def test_channel_data_of_every_padding_passes_both_ways(self):
        server = self.serve_tcp()
        client = self.with_channel(server, self.peer())
        for size in (*range(10), 1200, 1201, 1202, 1203, 9000):
            data = bytes(i % 251 for i in range(size))
            client.send_channel(CHANNEL, data)
            # Whoever reads it here insists on the padding.
            self.assertEqual(client.receive(), (CHANNEL, data))

    def test_junk_closes_that_connection_and_no_other(self):
        server = self.serve_tcp()
        good = self.with_channel(server, self.peer())
        binding = bytearray(Message(BINDING).encode())
        binding[4] ^= 0xFF
        for junk in (b"\xff" * 20, b"\x80\0\0\0", b"\r\n\r\n" * 5, bytes(binding),
                     struct.pack("!HHI", 1, 3, 0x2112A442) + bytes(15)):
            with self.subTest(junk[:20]):
                bad = self.client(server)
                bad.allocate()
                address = bad.address
                bad.socket.stream.sendall(junk)
                self.assertEqual(bad.await_end(), [])
                ended = server.await_log("session ended", client="%s:%d" % address)
                self.assertEqual(ended["reason"], "closed")
        good.send_channel(CHANNEL, b"still there")
        self.assertEqual(good.receive(), (CHANNEL, b"still there"))

    def test_a_message_that_is_not_complete_waits(self):
        server = self.serve_tcp()
        client = self.client(server)
        request = Message(BINDING).encode()
        client.socket.stream.sendall(request[:19])
        with self.assertRaises(NoAnswer):
            client.exchange(b"", patience=0.3)
        client.socket.stream.sendall(request[19:])
        client.socket.settimeout(10)
        answer = Message.decode(client.socket.recv(1000))
        self.assertEqual(answer.address(XOR_MAPPED_ADDRESS), client.address)

    def test_clients_over_tcp_and_udp_reach_each_other(self):
        server = self.serve({"listeners": [listener("tcp"), listener("udp")]})
        stream = self.client(server)
        datagrams = Client(server.at("udp"))
        self.addCleanup(datagrams.close)
        stream.allocate()
        datagrams.allocate()
        for one, other in ((stream, datagrams), (datagrams, stream)):
            one.bind_channel(CHANNEL, other.relayed)
        for one, other in ((stream, datagrams), (datagrams, stream)):
            one.send_channel(CHANNEL, b"odd")
            self.assertEqual(other.receive(), (CHANNEL, b"odd"))


class End(StreamTest):
    def ends(self, how):
        server = self.serve_tcp()
        client = self.client(server)
        client.allocate()
        server.await_metric(1, "turnbuckle_allocations", transport="tcp")
        how(client.socket.stream)
        ended = server.await_log("session ended")
        self.assertEqual((ended["reason"], ended["transport"]), ("closed", "tcp"))
        server.await_metric(0, "turnbuckle_allocations", transport="tcp")
        # The relay's port is at its rest, or free again.
        self.assertEqual(server.metric("turnbuckle_relay_ports", state="used"), 0)

    def test_a_close_ends_the_allocation_at_once(self):
        self.ends(lambda stream: stream.close())

    def test_a_reset_ends_the_allocation_at_once(self):
        def reset(stream):
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()

        self.ends(reset)

    def test_a_half_close_ends_the_allocation_at_once(self):
        self.ends(lambda stream: stream.shutdown(socket.SHUT_WR))

    def test_refresh_with_lifetime_0_keeps_the_connection(self):
        server = self.serve_tcp()
        client = self.client(server)
        client.allocate()
        client.refresh(0)
        self.assertEqual(server.await_log("session ended")["reason"], "released")
        client.allocate()
        client.refresh()

    def test_a_draining_server_serves_its_connections_on(self):
        server = self.serve_tcp()
        client = self.with_channel(server, self.peer())
        server.signal(signal.SIGUSR1)
        server.await_log("draining")
        client.send_channel(CHANNEL, b"on")
        self.assertEqual(client.receive(), (CHANNEL, b"on"))
        client.refresh()


if __name__ == "__main__":
    unittest.main()
