"""The command line: what each subcommand prints and its exit status."""

import base64
import hmac
import json
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from server import BINARY, ServerTest
from stun import Client, rest_credential

OK, FAILED, USAGE, CONFIGURATION = 0, 1, 2, 78


def run(*arguments, **environment):
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="turnbuckle-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def expect(self, status, *arguments, **environment):
        done = run(*arguments, **environment)
        self.assertEqual(done.returncode, status, done)
        # What went wrong is told on standard error, results on standard output.
        self.assertEqual(bool(done.stderr), status != OK, done)
        self.assertTrue(done.stdout if status == OK else done.stderr)
        return done.stdout + done.stderr

    def test_the_version_is_printed(self):
        self.assertRegex(self.expect(OK, "version"), r"^turnbuckle \d+\.\d+\.\d+\n$")

    def test_help_is_there_for_each_subcommand(self):
        whole = self.expect(OK, "--help")
        for command in ("serve", "check", "credential", "version"):
            self.assertIn(command, whole)
            self.assertIn("Usage", self.expect(OK, command, "--help"))

    def test_wrong_usage_is_told_and_ends_with_2(self):
        for arguments in ([], ["bogus"], ["serve", "--bogus"], ["check"], ["version", "extra"],
                          ["serve", "--drain-timeout", "soon"], ["credential", "--ttl", "-1s"],
                          ["credential"]):
            with self.subTest(arguments):
                self.expect(USAGE, *arguments)

    def test_check_prints_every_error_with_its_place_and_ends_with_78(self):
        path = self.file("bad.yaml", "relam: x\nworkers: many\nrelay:\n  ports: { min: 70000 }\n")
        output = self.expect(CONFIGURATION, "check", path)
        lines = output.splitlines()
        self.assertEqual(len(lines), 3, output)
        self.assertRegex(lines[0], re.escape(path) + r":1:1: .*'relam'.*'realm'")
        self.assertRegex(lines[1], re.escape(path) + r":2:10: .*many")
        self.assertRegex(lines[2], re.escape(path) + r":4:17: .*70000")
        self.assertEqual(self.expect(CONFIGURATION, "serve", "--config", path), output)

    def test_a_file_that_is_not_there_ends_with_78(self):
        for command in (["check"], ["serve", "--config"], ["credential", "--config"]):
            self.assertIn("No such file", self.expect(CONFIGURATION, *command, "/no/such/file"))

    def test_check_prints_a_configuration_that_means_the_same_and_hides_secrets(self):
        self.file("secret", "from-the-file\n")
        path = self.file(
            "good.yaml",
            f"realm: here\nauth:\n  secrets: [{{ file: {self.folder}/secret }}, {{ env: TB_TEST }},"
            " { value: in-the-open }]\n  users: [ { name: bob, password: { value: pass-word } },"
            " { name: kim, key: 00112233445566778899aabbccddeeff } ]\n",
        )
        output = self.expect(OK, "check", path, TB_TEST="from-the-environment")
        for secret in ("from-the-file", "from-the-env", "in-the-open", "pass-word", "00112233"):
            self.assertNotIn(secret, output)
        self.assertIn(f"{self.folder}/secret", output)
        self.assertIn("TB_TEST", output)
        self.assertIn("realm: here", output)
        self.assertIn("TB_TEST", self.expect(CONFIGURATION, "check", path))

    def test_set_goes_before_the_file(self):
        path = self.file("a.yaml", "relay: { ports: { min: 50000 } }")
        changes = ["--set", "relay.ports.min=51000", "--set", "realm=x"]
        output = self.expect(OK, "check", path, *changes)
        self.assertIn("min: 51000", output)
        self.assertIn("realm: x", output)
        self.assertIn("relam", self.expect(CONFIGURATION, "check", path, "--set", "relam=x"))

    def test_a_secret_on_the_command_line_is_refused(self):
        path = self.file("a.yaml", "")
        for command in (["check", path], ["serve"]):
            output = self.expect(CONFIGURATION, *command, "--set", "auth.secrets=[{value: xyzzy}]")
            self.assertIn("does not belong on the command line", output)
            self.assertNotIn("xyzzy", output)

    def test_credential_prints_what_goes_into_a_page(self):
        secret = self.file("secret", "north-star\n")
        printed = json.loads(
            self.expect(OK, "credential", "--secret-file", secret, "--name", "bob", "--ttl", "2h",
                        "--uri", "turn:one.example", "--uri", "turn:two.example:3479"))
        entry = printed["iceServers"][0]
        self.assertEqual(entry["urls"], ["turn:one.example", "turn:two.example:3479"])
        self.assertRegex(entry["username"], r"^\d+:bob$")
        expiry = int(entry["username"].split(":")[0])
        now = int(rest_credential("north-star", ttl=0)[0].split(":")[0])
        self.assertAlmostEqual(expiry - now, 7200, delta=30)
        self.assertEqual(entry["credential"], self.expected(entry["username"], "sha1"))
        printed = json.loads(self.expect(OK, "credential", "--secret-file", secret, "--sha256"))
        entry = printed["iceServers"][0]
        self.assertEqual(entry["credential"], self.expected(entry["username"], "sha256"))

    @staticmethod
    def expected(username, digest):
        mac = hmac.new(b"north-star", username.encode(), digest).digest()
        return base64.b64encode(mac).decode()

    def test_a_secret_that_cannot_be_read_fails_with_1(self):
        self.assertIn("/no/such", self.expect(FAILED, "credential", "--secret-file", "/no/such"))


class Secrets(ServerTest):
    def test_the_credential_of_the_command_and_of_the_snippet_are_accepted(self):
        server = self.serve({"auth": {"users": []}})
        command = run("credential", "--config", str(server.path), "--name", "bob")
        snippet = "".join(server.output)
        printed = [json.loads(command.stdout),
                   json.loads(re.search(r"RTCPeerConnection\((.*)\)", snippet).group(1))]
        for servers in printed:
            entry = servers["iceServers"][0]
            user, password = entry["username"], entry["credential"]
            with Client(server.address, user=user, password=password) as client:
                client.allocate()
        host, port = server.address
        self.assertEqual(printed[1]["iceServers"][0]["urls"], [f"turn:{host}:{port}?transport=udp"])

    def test_without_any_user_a_fresh_secret_is_made_each_time(self):
        passwords = set()
        for _ in range(2):
            server = self.serve({"auth": {"users": [], "secrets": []}})
            snippet = "".join(server.output)
            self.assertIn("fresh secret", snippet)
            entry = json.loads(re.search(r"\((\{.*\})\)", snippet).group(1))["iceServers"][0]
            passwords.add(entry["credential"])
            client = Client(server.address, user=entry["username"], password=entry["credential"])
            with client:
                client.allocate()
                server.reload(server.config)
                client.refresh(0)
                client.allocate()
        self.assertEqual(len(passwords), 2)

    def test_no_secret_is_seen_in_the_process_list_the_log_or_the_admin_plane(self):
        with tempfile.NamedTemporaryFile("w", suffix=".secret") as file:
            file.write("hidden-in-a-file\n")
            file.flush()
            auth = {
                "secrets": [{"file": file.name}, {"env": "TB_TEST"}],
                "users": [{"name": "bob", "password": {"value": "hidden-in-the-config"}}],
            }
            server = self.serve({"auth": auth, "log": {"level": "trace"}},
                                environment={"TB_TEST": "hidden-in-the-environment"})
            for user, password in (
                ("bob", "hidden-in-the-config"),
                rest_credential("hidden-in-a-file"),
                rest_credential("hidden-in-the-environment"),
            ):
                with Client(server.address, user=user, password=password) as client:
                    client.allocate()
                    client.refresh(0)
                with Client(server.address, user=user, password="wrong") as client:
                    self.refused(401, client.allocate)
            command_line = Path(f"/proc/{server.pid}/cmdline").read_text()
            seen = [server.get(path)[1] for path in ("/metrics", "/healthz", "/readyz", "/")]
            server.stop()
        seen += [command_line, *server.output, *map(json.dumps, server.log)]
        for text in seen:
            self.assertNotIn("hidden", text.replace(file.name, ""))


if __name__ == "__main__":
    unittest.main()
