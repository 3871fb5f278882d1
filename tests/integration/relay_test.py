"""Relaying over real sockets: addresses, peers, ports, reservations."""

import socket
import struct
import unittest

from peer import EchoPeer
from server import LOOPBACK_PEERS, ServerTest
from stun import (ADDITIONAL_ADDRESS_FAMILY, ADDRESS_ERROR_CODE, DONT_FRAGMENT, EVEN_PORT, IPV6,
                  REQUESTED_ADDRESS_FAMILY, RESERVATION_TOKEN, XOR_MAPPED_ADDRESS, Client)

RESERVE_NEXT = (EVEN_PORT, b"\x80")


def relayed_pair(case, server):
    """Two clients that have allocated and permitted each other."""
    pair = [Client(server.address), Client(server.address)]
    for client in pair:
        case.addCleanup(client.close)
        client.allocate()
    for client, other in (pair, reversed(pair)):
        client.permit(other.relayed[0])
    return pair


def echo(case, client, peer, data=b"hello", channel=None):
    """Sends data to an echoing peer and expects it back the same way."""
    if channel is None:
        client.send(peer, data)
    else:
        client.send_channel(channel, data)
    case.assertEqual(client.receive(), (channel or peer, data))


def expect_silence(case, server, client, reason, send):
    """What send() sends is dropped for that reason, and nothing comes back."""
    before = server.metric("turnbuckle_dropped_packets_total", reason=reason)
    send()
    server.await_metric(before + 1, "turnbuckle_dropped_packets_total", reason=reason)
    client.refresh()  # its answer comes after whatever the server would have relayed
    case.assertIsNone(client.receive(timeout=0))


class Peers(ServerTest):
    def test_data_of_every_size_and_value_comes_back_by_indication_and_by_channel(self):
        server = self.serve(LOOPBACK_PEERS)
        with EchoPeer() as peer, Client(server.address) as client:
            client.allocate((DONT_FRAGMENT, b""))
            client.permit(peer.address[0])
            for size in (0, 1, 2, 3, 4, 100, 1200, 9000):
                echo(self, client, peer.address, bytes(i % 256 for i in range(size)))
            client.bind_channel(0x4000, peer.address)
            for size in (0, 1, 2, 3, 4, 100, 1200, 9000):
                echo(self, client, None, bytes(i % 256 for i in range(size)), channel=0x4000)
            self.assertEqual(peer.sources, {client.relayed})

    def test_two_clients_talk_through_their_relayed_addresses_by_default(self):
        one, other = relayed_pair(self, self.serve())
        one.bind_channel(0x4001, other.relayed)
        one.send_channel(0x4001, b"ping")
        self.assertEqual(other.receive(), (one.relayed, b"ping"))
        other.send(one.relayed, b"pong")
        self.assertEqual(one.receive(), (0x4001, b"pong"))

    def test_loopback_is_no_peer_by_default(self):
        server = self.serve()
        with EchoPeer() as peer, EchoPeer("127.0.0.9") as other, Client(server.address) as client:
            client.allocate()
            self.refused(403, client.permit, "127.0.0.9")
            self.refused(403, client.bind_channel, 0x4000, peer.address)
            self.refused(403, client.bind_channel, 0x4000, other.address)
            line = server.await_log("peer refused", peer="127.0.0.9")
            self.assertEqual(line["why"], "loopback address")
            # The permission for the relays' own address opens nothing else there.
            client.permit("127.0.0.1")
            expect_silence(self, server, client, "peer_denied",
                           lambda: client.send(peer.address, b"in?"))
            self.assertEqual(peer.sources, set())

    def test_a_peer_without_permission_is_not_heard_and_may_not_be_sent_to(self):
        server = self.serve(LOOPBACK_PEERS)
        with Client(server.address) as client, EchoPeer("127.0.0.2") as peer:
            client.allocate()
            expect_silence(self, server, client, "no_permission",
                           lambda: client.send(peer.address, b"x"))
            expect_silence(self, server, client, "no_permission",
                           lambda: peer.socket.sendto(b"x", client.relayed))
            client.permit("127.0.0.2")
            peer.socket.sendto(b"now", client.relayed)
            self.assertEqual(client.receive(), (peer.address, b"now"))

    def test_the_servers_own_services_are_never_peers_though_loopback_is_opened(self):
        server = self.serve(LOOPBACK_PEERS)
        with EchoPeer() as peer, Client(server.address) as client:
            client.allocate()
            client.permit("127.0.0.1")
            for service in (server.address, server.admin):
                self.refused(403, client.bind_channel, 0x4000, service)
                expect_silence(self, server, client, "peer_denied",
                               lambda to=service: client.send(to, b"in?"))
            echo(self, client, peer.address)

    def test_a_peer_that_refuses_ends_no_allocation(self):
        server = self.serve(LOOPBACK_PEERS)
        closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        closed.bind(("127.0.0.1", 0))
        nobody = closed.getsockname()
        closed.close()
        with EchoPeer() as peer, Client(server.address) as client:
            client.allocate()
            client.permit("127.0.0.1")
            for _ in range(50):
                client.send(nobody, b"anybody?")
                echo(self, client, peer.address)
            self.assertEqual(server.metric("turnbuckle_allocations"), 1)


class Families(ServerTest):
    BOTH = {
        "listeners": [{"transport": "udp", "address": ip, "port": 0} for ip in ("127.0.0.1", "::1")],
        "relay": {"addresses": [{"address": "127.0.0.1"}, {"address": "::1"}]},
    }

    def test_clients_and_relays_of_either_family_go_together(self):
        server = self.serve(self.BOTH, LOOPBACK_PEERS)
        self.assertEqual(len(server.listening), 2)
        for listener in server.listening:
            for ip, attributes in (("127.0.0.1", []), ("::1", [(REQUESTED_ADDRESS_FAMILY, IPV6)])):
                with EchoPeer(ip) as peer, Client(listener) as client:
                    answer = client.allocate(*attributes)
                    self.assertEqual(client.relayed[0], ip)
                    self.assertEqual(answer.address(XOR_MAPPED_ADDRESS), client.address)
                    client.permit(ip)
                    echo(self, client, peer.address)
                    client.bind_channel(0x4000, peer.address)
                    echo(self, client, None, channel=0x4000)
                    other = "::1" if ip == "127.0.0.1" else "127.0.0.1"
                    self.refused(443, client.permit, other)

    def test_a_dual_allocation_relays_both_families(self):
        server = self.serve(self.BOTH, LOOPBACK_PEERS)
        with EchoPeer() as four, EchoPeer("::1") as six, Client(server.address) as client:
            answer = client.allocate((ADDITIONAL_ADDRESS_FAMILY, IPV6))
            self.assertIsNone(answer.get(ADDRESS_ERROR_CODE))
            self.assertEqual([ip for ip, _ in answer.addresses()], ["127.0.0.1", "::1"])
            client.permit("127.0.0.1", "::1")
            echo(self, client, four.address)
            echo(self, client, six.address)
            self.assertEqual(four.sources | six.sources, set(answer.addresses()))


class Ports(ServerTest):
    @staticmethod
    def few_ports(count):
        return {"relay": {"ports": {"min": 50000, "max": 50000 + count - 1}}}

    def test_even_port_reserves_the_next_one_for_whoever_brings_the_token(self):
        server = self.serve({"workers": 4})
        workers = set()
        for _ in range(40):
            with Client(server.address) as one, Client(server.address) as other:
                answer = one.allocate(RESERVE_NEXT)
                self.assertEqual(one.relayed[1] % 2, 0)
                token = answer.get(RESERVATION_TOKEN)
                other.allocate((RESERVATION_TOKEN, token))
                self.assertEqual(other.relayed, (one.relayed[0], one.relayed[1] + 1))
                with Client(server.address) as third:
                    self.refused(508, third.allocate, (RESERVATION_TOKEN, token))
                one.refresh(0)
                other.refresh(0)
        busy = [
            server.metric("turnbuckle_socket_received_datagrams_total", worker=i) for i in range(4)
        ]
        self.assertTrue(all(busy), busy)

    def test_a_pair_relays_on_both_of_its_ports_whichever_worker_has_them(self):
        server = self.serve({"workers": 4}, LOOPBACK_PEERS)
        with EchoPeer() as peer:
            for _ in range(10):
                with Client(server.address) as one, Client(server.address) as other:
                    token = one.allocate(RESERVE_NEXT).get(RESERVATION_TOKEN)
                    other.allocate((RESERVATION_TOKEN, token))
                    for client in (one, other):
                        client.permit("127.0.0.1")
                        echo(self, client, peer.address)

    def test_without_the_reserve_bit_even_port_is_just_even(self):
        with Client(self.serve().address) as client:
            answer = client.allocate((EVEN_PORT, b"\0"))
            self.assertEqual(client.relayed[1] % 2, 0)
            self.assertIsNone(answer.get(RESERVATION_TOKEN))

    def test_when_ports_run_out_508_says_so_and_released_ones_come_back(self):
        server = self.serve(self.few_ports(4))
        clients = [Client(server.address) for _ in range(5)]
        for client in clients:
            self.addCleanup(client.close)
        for client in clients[:4]:
            client.allocate()
        self.assertEqual({client.relayed[1] for client in clients[:4]}, set(range(50000, 50004)))
        self.assertEqual(server.metric("turnbuckle_relay_ports", state="used"), 4)
        self.assertEqual(server.metric("turnbuckle_relay_ports", state="free"), 0)
        self.refused(508, clients[4].allocate)
        clients[2].refresh(0)
        server.await_metric(3, "turnbuckle_relay_ports", state="used")
        self.assertEqual(server.metric("turnbuckle_relay_ports", state="quarantined"), 1)
        # What is in quarantine after its release is lent out rather than refuse a client.
        clients[4].allocate()
        self.assertEqual(clients[4].relayed[1], clients[2].relayed[1])

    def test_allocations_that_come_and_go_leak_no_port(self):
        server = self.serve(self.few_ports(8))
        for _ in range(50):
            with Client(server.address) as one, Client(server.address) as other:
                token = one.allocate(RESERVE_NEXT).get(RESERVATION_TOKEN)
                other.allocate((RESERVATION_TOKEN, token))
                one.refresh(0)
                other.refresh(0)
        self.assertEqual(server.metric("turnbuckle_allocations"), 0)
        server.await_metric(0, "turnbuckle_relay_ports", state="used")


class Advertised(ServerTest):
    ADVERTISE = {
        "relay": {"addresses": [{"address": "127.0.0.1", "advertise": "127.0.0.99"}]}
    }

    def test_clients_are_told_the_advertised_address(self):
        server = self.serve(self.ADVERTISE, LOOPBACK_PEERS)
        with EchoPeer() as peer, Client(server.address) as client:
            client.allocate()
            self.assertEqual(client.relayed[0], "127.0.0.99")
            client.permit("127.0.0.1")
            echo(self, client, peer.address)
            self.assertEqual(peer.sources, {("127.0.0.1", client.relayed[1])})

    def test_two_clients_talk_through_advertised_addresses(self):
        one, other = relayed_pair(self, self.serve(self.ADVERTISE))
        one.send(other.relayed, b"ping")
        self.assertEqual(other.receive(), (one.relayed, b"ping"))
        other.bind_channel(0x4000, one.relayed)
        other.send_channel(0x4000, b"pong")
        self.assertEqual(one.receive(), (other.relayed, b"pong"))
        one.send(other.relayed, b"again")
        self.assertEqual(other.receive(), (0x4000, b"again"))


class Expiry(ServerTest):
    def test_an_allocation_that_is_not_refreshed_ends_by_itself(self):
        server = self.serve({"relay": {"lifetime": {"default": "2s", "max": "3s"}}})
        with Client(server.address) as client:
            answer = client.allocate((0x000D, struct.pack("!I", 3600)))
            self.assertEqual(answer.lifetime, 3)
            line = server.await_log("session ended")
            self.assertEqual(line["reason"], "expired")
            server.await_metric(0, "turnbuckle_allocations")
            self.refused(437, client.refresh)


if __name__ == "__main__":
    unittest.main()
