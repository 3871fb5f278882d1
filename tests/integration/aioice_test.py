"""aioice, the ICE library of aiortc (Debian package python3-aioice), against the server."""

import asyncio
import tempfile
import unittest

from aioice import stun, turn

from certificates import Authority
from peer import EchoPeer
from server import LOOPBACK_PEERS, PASSWORD, USER, ServerTest, listener


class Receiver(asyncio.DatagramProtocol):
    def __init__(self):
        self.received = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.received.put_nowait((data, addr))


class Aioice(ServerTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.authority = Authority(folder.name)
        pair = cls.authority.issue("server")
        cls.listeners = {"listeners": [listener(t, pair) for t in ("udp", "tcp", "tls")]}

    async def endpoint(self, server, password=PASSWORD, transport="udp"):
        return await turn.create_turn_endpoint(
            Receiver, server_addr=server.at(transport), username=USER, password=password,
            transport="udp" if transport == "udp" else "tcp",
            ssl=self.authority.context() if transport == "tls" else False,
        )

    def data_goes_to_a_peer_and_back(self, over):
        async def run():
            transport, receiver = await self.endpoint(server, transport=over)
            self.assertEqual(transport.get_extra_info("sockname")[0], "127.0.0.1")
            for data in (b"hello", bytes(range(256)), bytes(1200)):
                transport.sendto(data, peer.address)
                back = await asyncio.wait_for(receiver.received.get(), 20)
                self.assertEqual(back, (data, peer.address))
            self.assertEqual(server.metric("turnbuckle_allocations"), 1)
            transport.close()

        server = self.serve(LOOPBACK_PEERS, self.listeners)
        with EchoPeer() as peer:
            asyncio.run(run())
            ended = server.await_log("session ended", transport=over)
            self.assertEqual(ended["reason"], "released")

    def test_data_goes_to_a_peer_and_back_over_udp(self):
        self.data_goes_to_a_peer_and_back("udp")

    def test_data_goes_to_a_peer_and_back_over_tcp(self):
        self.data_goes_to_a_peer_and_back("tcp")

    def test_data_goes_to_a_peer_and_back_over_tls(self):
        self.data_goes_to_a_peer_and_back("tls")

    def test_a_client_over_udp_and_one_over_tls_exchange_data_through_the_safe_defaults(self):
        async def run():
            one, at_one = await self.endpoint(server)
            other, at_other = await self.endpoint(server, transport="tls")
            addresses = [t.get_extra_info("sockname") for t in (one, other)]
            # Each opens its permission; what arrives before that is lost.
            one.sendto(b"open", addresses[1])
            for _ in range(100):
                other.sendto(b"ping", addresses[0])
                try:
                    data, source = await asyncio.wait_for(at_one.received.get(), 0.2)
                    break
                except asyncio.TimeoutError:
                    continue
            self.assertEqual((data, source), (b"ping", addresses[1]))
            one.sendto(b"pong", addresses[1])
            while data != b"pong":
                data, source = await asyncio.wait_for(at_other.received.get(), 20)
            self.assertEqual(source, addresses[0])
            one.close()
            other.close()

        server = self.serve(self.listeners)
        asyncio.run(run())

    def test_a_wrong_password_is_refused_with_401(self):
        server = self.serve()
        with self.assertRaises(stun.TransactionFailed) as caught:
            asyncio.run(self.endpoint(server, "not it"))
        self.assertEqual(caught.exception.response.attributes["ERROR-CODE"][0], 401)
        server.await_log("authentication failed", user=USER, reason="wrong_password")


if __name__ == "__main__":
    unittest.main()
