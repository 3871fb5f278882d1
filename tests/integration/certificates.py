"""Certificates for the tests: an authority of their own, and what it has issued, as PEM files."""

import ssl
import subprocess
from pathlib import Path

DAYS = 2


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


class Pair:
    def __init__(self, certificate, private_key):
        self.certificate, self.private_key = Path(certificate), Path(private_key)

    def entry(self):
        """As a listener's configuration has it."""
        return {"certificate": str(self.certificate), "private_key": str(self.private_key)}

    def der(self):
        """What a client sees of it."""
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text().split("-----\n\n")[0])

    def replace_by(self, other):
        """Puts another pair in its place: the key first, then the certificate, each at once."""
        for mine, theirs in ((self.private_key, other.private_key),
                             (self.certificate, other.certificate)):
            fresh = mine.with_suffix(".new")
            fresh.write_bytes(theirs.read_bytes())
            fresh.replace(mine)


class Authority:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.certificate = self.folder / "ca.pem"
        self._key = self.folder / "ca.key"
        _openssl("req", "-x509", "-new", *self._key_options(self._key), "-out", self.certificate,
                 "-days", DAYS, "-subj", "/CN=Turnbuckle test authority")

    @staticmethod
    def _key_options(path):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path]

    def issue(self, stem, *names, days=DAYS):
        """A pair for these host names (localhost if there are none), and for loopback addresses."""
        names = names or ("localhost",)
        pair = Pair(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        subjects = ",".join([*(f"DNS:{name}" for name in names), "IP:127.0.0.1", "IP:::1"])
        _openssl("req", "-x509", "-new", *self._key_options(pair.private_key),
                 "-out", pair.certificate, "-days", days, "-subj", f"/CN={names[0]}",
                 "-addext", f"subjectAltName={subjects}",
                 "-addext", "basicConstraints=critical,CA:FALSE",
                 "-CA", self.certificate, "-CAkey", self._key)
        return pair

    def context(self, protocols=(), version=None):
        """What a client needs that trusts this authority."""
        context = self.trusted(self.folder)
        if protocols:
            context.set_alpn_protocols(protocols)
        if version is not None:
            context.minimum_version = context.maximum_version = version
        return context

    @staticmethod
    def trusted(folder):
        """The same for the authority that lives in that folder."""
        return ssl.create_default_context(cafile=Path(folder) / "ca.pem")
