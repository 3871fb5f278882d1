"""Credentials and nonces over the wire, and what the log and the metrics say of failures."""

import unittest

from server import PASSWORD, SECRET, USER, ServerTest
from stun import (ALLOCATE, NONCE, REQUESTED_TRANSPORT, UDP, Client, Message,
                  XOR_RELAYED_ADDRESS, rest_credential)


def allocate_message():
    return Message(ALLOCATE).add(REQUESTED_TRANSPORT, UDP)


class Authentication(ServerTest):
    def setUp(self):
        self.server = self.serve()

    def client(self, **options):
        client = Client(self.server.address, **options)
        self.addCleanup(client.close)
        return client

    def test_a_user_of_the_file_and_a_time_limited_one_allocate_side_by_side(self):
        for digest in ("sha1", "sha256"):
            user, password = rest_credential(SECRET, digest=digest)
            self.assertIsNotNone(self.client(user=user, password=password).allocate().address())
        self.assertIsNotNone(self.client(user=USER, password=PASSWORD).allocate().address())

    def test_a_nonce_given_to_another_address_is_stale_and_replaced(self):
        one, other = self.client(), self.client()
        one.challenge()
        other.realm, other.nonce = one.realm, one.nonce
        answer = other.exchange(other.sign(allocate_message()))
        self.assertEqual(answer.error, 438)
        other.nonce = answer.get(NONCE)
        self.assertNotEqual(other.nonce, one.nonce)
        self.assertIsNone(other.exchange(other.sign(allocate_message())).error)

    def test_a_retransmitted_allocate_is_answered_alike_and_another_one_with_437(self):
        client = self.client()
        client.challenge()
        request = client.sign(allocate_message())
        first, second = client.exchange(request), client.exchange(request)
        self.assertEqual(first.address(), second.address())
        self.assertAlmostEqual(first.lifetime, second.lifetime, delta=5)
        self.assertEqual(client.exchange(client.sign(allocate_message())).error, 437)
        self.assertEqual(self.server.metric("turnbuckle_allocations_created_total"), 1)

    def test_failures_are_logged_with_the_client_and_the_reason(self):
        stranger = self.client(user="mallory", password="x")
        wrong = self.client(password="not it")
        expired_user, password = rest_credential(SECRET, ttl=-10)
        late = self.client(user=expired_user, password=password)
        for client, reason in (
            (stranger, "no_such_user"),
            (wrong, "wrong_password"),
            (late, "expired"),
        ):
            response = self.refused(401, client.allocate)
            self.assertIsNone(response.get(XOR_RELAYED_ADDRESS))
            host, port = client.address
            line = self.server.await_log("authentication failed", client=f"{host}:{port}")
            self.assertEqual((line["user"], line["reason"]), (client.user, reason))
            self.server.await_metric(
                1, "turnbuckle_authentication_failures_total", reason=reason
            )

    def test_a_flood_of_failures_is_summarised(self):
        client = self.client(password="not it")
        client.challenge()
        count = 500
        for _ in range(count):
            self.assertEqual(client.exchange(client.sign(allocate_message())).error, 401)
        self.server.await_metric(
            count, "turnbuckle_authentication_failures_total", reason="wrong_password"
        )
        self.server.stop()
        lines = self.server.lines("authentication failed")
        singly = [line for line in lines if "client" in line]
        summaries = [line["summary"] for line in lines if "summary" in line]
        self.assertLess(len(lines), count / 5)
        summarised = sum(int(summary.split(" ")[0]) for summary in summaries)
        self.assertEqual(len(singly) + summarised, count)

    def test_names_of_users_cannot_forge_lines_of_the_log(self):
        client = self.client(user='eve","level":"error\n{"message":"forged"}', password="x")
        self.refused(401, client.allocate)
        line = self.server.await_log("authentication failed")
        self.assertEqual(line["user"], client.user)


class Limits(ServerTest):
    def test_a_source_without_credentials_is_answered_so_often_and_no_more(self):
        limits = {"unauthenticated": {"answers_per_second": 1, "burst": 5}}
        server = self.serve({"limits": limits})
        with Client(server.address) as client:
            for _ in range(100):
                client.socket.send(allocate_message().encode())
            server.await_metric(100, "turnbuckle_socket_received_datagrams_total")
            answered = server.metric("turnbuckle_requests_total", method="allocate", code="401")
            dropped = server.metric("turnbuckle_dropped_packets_total", reason="rate_limited")
        self.assertLess(answered, 20)
        self.assertEqual(answered + dropped, 100)

    def test_a_users_quota_refuses_the_next_allocation_with_486_until_one_ends(self):
        server = self.serve({"limits": {"user": {"allocations": 2}}})
        clients = [Client(server.address) for _ in range(3)]
        for client in clients:
            self.addCleanup(client.close)
        clients[0].allocate()
        clients[1].allocate()
        self.refused(486, clients[2].allocate)
        user, password = rest_credential(SECRET, name="bob")
        with Client(server.address, user=user, password=password) as bob:
            bob.allocate()
        clients[0].refresh(0)
        clients[2].allocate()


if __name__ == "__main__":
    unittest.main()
