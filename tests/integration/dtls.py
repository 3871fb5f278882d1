"""TURN over DTLS from the client's side (RFC 7350): OpenSSL's own s_client carries the datagrams."""

import socket
import struct
import subprocess

from stun import Client


class Messages:
    """What goes through an s_client: it sends each packet as one record, and hands records on in
    pieces of 1024 bytes at most."""

    def __init__(self, ends):
        self.ends = ends

    def recv(self, size):
        data = self.ends.recv(size)
        kind, length = struct.unpack_from("!HH", data)
        whole = (20 if kind < 0x4000 else 4) + length
        while len(data) < whole:
            data += self.ends.recv(size)
        return data

    def __getattr__(self, name):
        return getattr(self.ends, name)


class DtlsClient(Client):
    """One TURN client behind an s_client of its own."""

    def __init__(self, server, authority=None, port=0, **options):
        self.authority = authority
        self.port = port or free_port()
        super().__init__(server, **options)

    def connect(self, server, bind):
        # Keeps the messages apart, which a pipe would not; its end closes the association.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        trust = ["-CAfile", str(self.authority.certificate), "-verify_return_error"]
        with theirs:
            self.process = subprocess.Popen(
                ["openssl", "s_client", "-dtls1_2", "-connect", f"{server[0]}:{server[1]}",
                 "-bind", f"127.0.0.1:{self.port}", "-quiet", "-no_ign_eof", "-nocommands",
                 "-alpn", "stun.turn", *(trust if self.authority else [])],
                stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
            )
        return Messages(ours)

    @property
    def address(self):
        return "127.0.0.1", self.port

    def close(self):
        """Says close_notify."""
        self.socket.close()
        self.process.wait(10)

    def vanish(self):
        """Says nothing."""
        self.process.kill()
        self.process.wait()
        self.socket.close()


def free_port(ip="127.0.0.1"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ip, 0))
        return probe.getsockname()[1]


def client_hello():
    """The first ClientHello of an s_client."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(10)
        client = subprocess.Popen(
            ["openssl", "s_client", "-dtls1_2", "-connect",
             f"127.0.0.1:{listener.getsockname()[1]}", "-quiet"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            return listener.recv(65536)
        finally:
            client.kill()
            client.wait()


RECORD, MESSAGE = 13, 12  # the lengths of the headers, RFC 6347 sections 4.1 and 4.2.2


def cookie_of(verify_request):
    assert verify_request[0] == 22 and verify_request[RECORD] == 3, verify_request.hex()
    at = RECORD + MESSAGE + 2
    return verify_request[at + 1 : at + 1 + verify_request[at]]


def with_cookie(hello, cookie):
    """The ClientHello as RFC 6347 section 4.2.1 has it repeated: the next message, in all else as
    it was."""
    body = hello[RECORD + MESSAGE :]
    at = 34 + 1 + body[34]
    assert body[at] == 0, "has a cookie already"
    body = body[:at] + bytes([len(cookie)]) + cookie + body[at + 1 :]
    length = struct.pack("!I", len(body))[1:]
    message = b"\x01" + length + b"\0\1" + bytes(3) + length + body
    return hello[:3] + struct.pack("!HIHH", 0, 0, 1, len(message)) + message
