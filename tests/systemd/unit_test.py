"""Holds systemd/ to what it promises: python3 unit_test.py --systemd DIRECTORY --server BINARY."""

import argparse
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

_INSTALLED_AT = "/usr/local/bin/turnbuckle"
# "below 2.0": systemd-analyze counts in tenths and fails above its threshold.
_MAX_EXPOSURE_TENTHS = 19

arguments = argparse.Namespace()


def _seconds(text):
    amount, unit = re.fullmatch(r"(\d+)\s*(s|m|min|h)", text).groups()
    return int(amount) * {"s": 1, "m": 60, "min": 60, "h": 3600}[unit]


def _run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Unit(unittest.TestCase):
    def setUp(self):
        self.unit = arguments.systemd / "turnbuckle.service"
        self.text = self.unit.read_text(encoding="utf-8")

    def setting(self, key):
        return re.search(rf"^{key}=(.*)$", self.text, re.MULTILINE).group(1)

    def test_systemd_understands_every_line(self):
        self.assertIn(f"ExecStart={_INSTALLED_AT} ", self.text)
        with tempfile.TemporaryDirectory() as directory:
            copy = Path(directory) / self.unit.name
            copy.write_text(self.text.replace(_INSTALLED_AT, str(arguments.server)), "utf-8")
            verified = _run("systemd-analyze", "verify", str(copy))
        ours = [line for line in verified.stderr.splitlines() if self.unit.name in line]
        self.assertEqual(ours, [])
        self.assertEqual(verified.returncode, 0, verified.stderr)

    def test_exposure_is_below_two(self):
        judged = _run("systemd-analyze", "security", "--offline=true", "--no-pager",
                      f"--threshold={_MAX_EXPOSURE_TENTHS}", str(self.unit))
        self.assertIn("Overall exposure level", judged.stdout, judged.stderr)
        self.assertEqual(judged.returncode, 0, judged.stdout)

    def test_stopping_leaves_time_to_drain(self):
        checked = _run(str(arguments.server), "check", "/dev/null")
        self.assertEqual(checked.returncode, 0, checked.stderr)
        drain = re.search(r"^drain_timeout: (\S+)$", checked.stdout, re.MULTILINE).group(1)
        self.assertGreaterEqual(_seconds(self.setting("TimeoutStopSec")), _seconds(drain) + 10)

    def test_the_log_goes_to_the_journal_and_credentials_do_not(self):
        # Left out, StandardError= would follow StandardOutput=.
        self.assertEqual(self.setting("StandardError"), "journal")
        self.assertEqual(self.setting("StandardOutput"), "null")

    def test_its_user_is_the_one_that_sysusers_makes(self):
        lines = (arguments.systemd / "turnbuckle.sysusers.conf").read_text("utf-8").splitlines()
        users = [line.split()[1] for line in lines if line.startswith("u ")]
        self.assertEqual(users, [self.setting("User")])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--systemd", type=lambda path: Path(path).resolve(), required=True)
    parser.add_argument("--server", type=lambda path: Path(path).resolve(), required=True)
    arguments = parser.parse_args()
    unittest.main(argv=sys.argv[:1])
