"""Where the server listens, and where its answers come from."""

import subprocess
import unittest

from peer import EchoPeer
from server import BINARY, LOOPBACK_PEERS, ServerTest
from stun import BINDING, XOR_MAPPED_ADDRESS, Client, Message


def udp(address, port=0):
    return {"transport": "udp", "address": address, "port": port}


class Listeners(ServerTest):
    def test_a_wildcard_listener_answers_from_the_address_that_the_client_used(self):
        server = self.serve({"listeners": [udp("0.0.0.0")]}, LOOPBACK_PEERS)
        for ip in ("127.0.0.1", "127.0.0.7", "127.3.2.1"):
            # The client's socket is connected: from elsewhere it hears nothing.
            with EchoPeer() as peer, Client((ip, server.address[1])) as client:
                client.allocate()
                self.assertEqual(client.relayed[0], ip)
                client.permit("127.0.0.1")
                client.send(peer.address, b"by indication")
                self.assertEqual(client.receive(), (peer.address, b"by indication"))
                client.bind_channel(0x4000, peer.address)
                for size in (5, 5, 5, 1000):
                    client.send_channel(0x4000, bytes(size))
                for size in (5, 5, 5, 1000):
                    self.assertEqual(client.receive(), (0x4000, bytes(size)))

    def test_a_wildcard_listener_for_ipv6_does_so_too(self):
        server = self.serve({"listeners": [udp("::")]}, LOOPBACK_PEERS)
        with EchoPeer("::1") as peer, Client(("::1", server.address[1])) as client:
            client.allocate((0x0017, b"\x02\0\0\0"))
            client.permit("::1")
            client.send(peer.address, b"six")
            self.assertEqual(client.receive(), (peer.address, b"six"))

    def test_several_listeners_serve_side_by_side(self):
        server = self.serve({"listeners": [udp("127.0.0.1"), udp("127.0.0.2"), udp("::1")]})
        self.assertEqual(len(server.listening), 3)
        for address in server.listening:
            with Client(address) as client:
                answer = client.exchange(Message(BINDING).encode(fingerprint=True))
                self.assertEqual(answer.address(XOR_MAPPED_ADDRESS), client.address)
                if ":" not in address[0]:
                    client.allocate()
                    self.assertEqual(client.relayed[0], address[0])

    def test_wildcards_of_both_families_share_a_port(self):
        first = self.serve({"listeners": [udp("0.0.0.0")]})
        port = first.address[1]
        first.stop()
        server = self.serve({"listeners": [udp("0.0.0.0", port), udp("::", port)]})
        for ip in ("127.0.0.1", "::1"):
            with Client((ip, port)) as client:
                client.exchange(Message(BINDING).encode())

    def test_a_second_server_on_the_same_port_is_refused_and_takes_nothing(self):
        server = self.serve()
        taken = f"127.0.0.1:{server.address[1]}"
        path = server.path.with_name("second.yaml")
        text = server.path.read_text()
        path.write_text(text.replace('"port": 0', f'"port": {server.address[1]}', 1))
        second = subprocess.run([BINARY, "serve", "--config", str(path)], capture_output=True,
                                text=True, timeout=20)
        self.assertEqual(second.returncode, 1)
        self.assertIn(taken, second.stderr)
        self.assertIn("Address already in use", second.stderr)
        for _ in range(20):
            with Client(server.address) as client:
                client.allocate()

    def test_an_admin_port_in_use_is_an_error_too(self):
        server = self.serve()
        path = server.path.with_name("second.yaml")
        path.write_text(
            '{admin: {port: %d}, listeners: [{transport: udp, address: "127.0.0.1", port: 0}]}'
            % server.admin[1]
        )
        second = subprocess.run([BINARY, "serve", "--config", str(path)], capture_output=True,
                                text=True, timeout=20)
        self.assertEqual(second.returncode, 1)
        self.assertIn(f"127.0.0.1:{server.admin[1]}", second.stderr)


if __name__ == "__main__":
    unittest.main()
