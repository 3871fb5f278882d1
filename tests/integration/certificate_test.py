"""Certificates and keys on disk: read again when they change, refused clearly when they are bad."""

import os
import signal
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from certificates import Authority
from peer import EchoPeer
from server import BINARY, LOOPBACK_PEERS, ServerTest, listener, wait_until
from stream import StreamClient

SESSIONS = 50
CHANNEL = 0x4001
CONFIGURATION = 78


class CertificateTest(ServerTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.authority = Authority(folder.name)
        self.pair = self.authority.issue("in-use")

    def client(self, server):
        client = StreamClient(server.at("tls"), context=self.authority.context())
        self.addCleanup(client.close)
        return client

    def shown(self, server):
        """The certificate that a new handshake is shown."""
        with StreamClient(server.at("tls"), context=self.authority.context()) as client:
            return client.socket.getpeercert(True)


class Replacement(CertificateTest):
    def serve_tls(self):
        return self.serve(LOOPBACK_PEERS, {"listeners": [listener("tls", self.pair)]})

    def relay_once(self, clients, number):
        """Each of the clients has a message echoed."""
        for client in clients:
            client.send_channel(CHANNEL, b"%d" % number)
        for client in clients:
            self.assertEqual(client.receive(), (CHANNEL, b"%d" % number))

    def test_fifty_live_sessions_do_not_notice_that_it_is_replaced(self):
        server = self.serve_tls()
        before = self.pair.der()
        fresh = self.authority.issue("fresh", days=30)
        with EchoPeer() as peer:
            clients = [self.client(server) for _ in range(SESSIONS)]
            for client in clients:
                client.allocate()
                client.bind_channel(CHANNEL, peer.address)
            self.relay_once(clients, 0)
            self.assertEqual(self.shown(server), before)
            self.pair.replace_by(fresh)
            deadline, number = time.monotonic() + 20, 1
            while self.shown(server) != fresh.der():
                self.assertLess(time.monotonic(), deadline, "the new certificate never showed")
                self.relay_once(clients, number)
                number += 1
            for number in range(number, number + 5):
                self.relay_once(clients, number)
            for client in clients:
                client.refresh()
        self.assertEqual(server.metric("turnbuckle_allocations"), SESSIONS)
        self.assertEqual(server.lines("session ended"), [])
        expiry = server.metric("turnbuckle_certificate_not_after_timestamp_seconds")
        self.assertGreater(expiry, time.time() + 25 * 86400)

    def test_the_expiry_of_certificates_is_exported(self):
        server = self.serve_tls()
        text = subprocess.run(
            ["openssl", "x509", "-noout", "-enddate", "-in", str(self.pair.certificate)],
            check=True, capture_output=True, text=True,
        ).stdout
        self.assertEqual(server.metric("turnbuckle_certificate_not_after_timestamp_seconds"),
                         ssl.cert_time_to_seconds(text.strip().removeprefix("notAfter=")))

    def test_HUP_reads_it_again(self):
        server = self.serve_tls()
        fresh = self.authority.issue("fresh")
        self.pair.replace_by(fresh)
        server.signal(signal.SIGHUP)
        server.await_log("configuration reloaded")
        self.assertEqual(self.shown(server), fresh.der())

    def test_a_broken_pair_leaves_the_old_one_in_force_and_the_next_good_one_is_taken(self):
        server = self.serve_tls()
        before = self.pair.der()
        client = self.client(server)
        client.allocate()
        fresh = self.authority.issue("fresh")
        self.pair.certificate.write_text("not a certificate\n")
        refusal = wait_until(lambda: [
            line for line in server.log
            if line["level"] in ("warn", "error") and "certificate" in str(line)
        ], what="a line about the certificate")[0]
        self.assertIn(str(self.pair.certificate), str(refusal))
        self.assertEqual(self.shown(server), before)
        client.refresh()
        self.pair.replace_by(fresh)
        wait_until(lambda: self.shown(server) == fresh.der(), what="the new certificate")
        client.refresh()
        server.stop(expected_errors=[refusal["message"]])


class Check(CertificateTest):
    """`turnbuckle check` and `serve` on certificates that cannot be used."""

    def refused(self, certificate, private_key, *parts):
        path = self.folder / "turnbuckle.yaml"
        path.write_text("listeners: [ { transport: tls, port: 0, address: 127.0.0.1,\n"
                        f"  certificate: {certificate}, private_key: {private_key} }} ]\n"
                        "admin: { port: 0 }\n")
        for command in (["check", str(path)], ["serve", "--config", str(path)]):
            with self.subTest(command[0]):
                done = subprocess.run([BINARY, *command], capture_output=True, text=True,
                                      timeout=60)
                self.assertEqual(done.returncode, CONFIGURATION, done)
                for part in map(str, parts):
                    self.assertIn(part, done.stderr)

    def test_a_good_pair_is_accepted(self):
        path = self.folder / "turnbuckle.yaml"
        path.write_text("listeners: [ { transport: tls, certificate: "
                        f"{self.pair.certificate}, private_key: {self.pair.private_key} }} ]\n")
        done = subprocess.run([BINARY, "check", str(path)], capture_output=True, text=True,
                              timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_key_that_does_not_match_is_told(self):
        other = self.authority.issue("other")
        self.refused(self.pair.certificate, other.private_key, other.private_key, "match")

    def test_files_that_do_not_exist_are_told(self):
        missing = self.folder / "missing.pem"
        self.refused(missing, self.pair.private_key, missing, "No such file or directory")
        self.refused(self.pair.certificate, missing, missing, "No such file or directory")

    @unittest.skipIf(os.geteuid() == 0, "root may read every file")
    def test_a_key_that_may_not_be_read_is_told(self):
        self.pair.private_key.chmod(0)
        self.refused(self.pair.certificate, self.pair.private_key, self.pair.private_key,
                     "Permission denied")

    def test_what_is_not_PEM_is_told(self):
        junk = self.folder / "junk.pem"
        junk.write_text("junk\n")
        self.refused(junk, self.pair.private_key, junk)
        self.refused(self.pair.certificate, junk, junk)

    def test_both_errors_are_told_at_once(self):
        missing, also = self.folder / "missing.pem", self.folder / "missing.key"
        self.refused(missing, also, missing, also)


if __name__ == "__main__":
    unittest.main()
