"""STUN and TURN from the client's side, as raw as a test needs it (RFC 8489, RFC 8656): over UDP
here, over streams in stream.py.

Written from the RFCs and independent of the server's own codec: what the two agree on is the wire.
"""

import base64
import hashlib
import hmac
import ipaddress
import os
import socket
import struct
import time
import zlib
from collections import deque

COOKIE = 0x2112A442

BINDING, ALLOCATE, REFRESH, SEND, DATA = 0x001, 0x003, 0x004, 0x006, 0x007
CREATE_PERMISSION, CHANNEL_BIND = 0x008, 0x009
CONNECT, CONNECTION_BIND, CONNECTION_ATTEMPT = 0x00A, 0x00B, 0x00C

REQUEST, INDICATION, SUCCESS, ERROR = range(4)

USERNAME, MESSAGE_INTEGRITY, ERROR_CODE, UNKNOWN_ATTRIBUTES = 0x0006, 0x0008, 0x0009, 0x000A
CHANNEL_NUMBER, LIFETIME, XOR_PEER_ADDRESS, DATA_ATTRIBUTE = 0x000C, 0x000D, 0x0012, 0x0013
REALM, NONCE, XOR_RELAYED_ADDRESS, REQUESTED_ADDRESS_FAMILY = 0x0014, 0x0015, 0x0016, 0x0017
EVEN_PORT, REQUESTED_TRANSPORT, DONT_FRAGMENT = 0x0018, 0x0019, 0x001A
XOR_MAPPED_ADDRESS, RESERVATION_TOKEN, FINGERPRINT = 0x0020, 0x0022, 0x8028
ADDITIONAL_ADDRESS_FAMILY, ADDRESS_ERROR_CODE = 0x8000, 0x8001

CONNECTION_ID = 0x002A

UDP, TCP = b"\x11\0\0\0", b"\x06\0\0\0"
IPV4, IPV6 = b"\x01\0\0\0", b"\x02\0\0\0"


class Refused(Exception):
    def __init__(self, code, response):
        super().__init__(f"refused with {code}")
        self.code = code
        self.response = response


class NoAnswer(Exception):
    pass


def encode_address(endpoint, transaction):
    ip, port = ipaddress.ip_address(endpoint[0]), endpoint[1]
    mask = struct.pack("!I", COOKIE) + transaction
    packed = bytes(a ^ b for a, b in zip(ip.packed, mask))
    return struct.pack("!BBH", 0, 1 if ip.version == 4 else 2, port ^ COOKIE >> 16) + packed


def decode_address(value, transaction):
    _, family, port = struct.unpack_from("!BBH", value)
    assert len(value) == {1: 8, 2: 20}[family], value.hex()
    mask = struct.pack("!I", COOKIE) + transaction
    ip = ipaddress.ip_address(bytes(a ^ b for a, b in zip(value[4:], mask)))
    return str(ip), port ^ COOKIE >> 16


def long_term_key(user, realm, password):
    return hashlib.md5(f"{user}:{realm}:{password}".encode()).digest()


def rest_credential(secret, name="test", ttl=600, digest="sha1"):
    """The username and the password that whoever knows the secret makes for a user."""
    username = f"{int(time.time()) + ttl}:{name}"
    mac = hmac.new(secret.encode(), username.encode(), digest).digest()
    return username, base64.b64encode(mac).decode()


class Message:
    def __init__(self, method, kind=REQUEST, attributes=(), transaction=None):
        self.method = method
        self.kind = kind
        self.transaction = transaction or os.urandom(12)
        self.attributes = list(attributes)

    def add(self, attribute, value=b""):
        self.attributes.append((attribute, value))
        return self

    def add_address(self, attribute, endpoint):
        return self.add(attribute, encode_address(endpoint, self.transaction))

    def encode(self, key=None, fingerprint=False):
        body = b"".join(
            struct.pack("!HH", attribute, len(value)) + value + bytes(-len(value) % 4)
            for attribute, value in self.attributes
        )
        if key is not None:
            mac = hmac.new(key, self._header(len(body) + 24) + body, "sha1").digest()
            body += struct.pack("!HH", MESSAGE_INTEGRITY, 20) + mac
        if fingerprint:
            crc = zlib.crc32(self._header(len(body) + 8) + body) ^ 0x5354554E
            body += struct.pack("!HHI", FINGERPRINT, 4, crc)
        return self._header(len(body)) + body

    def _header(self, length):
        m = self.method
        kind = (self.kind & 2) << 7 | (self.kind & 1) << 4
        number = (m & 0xF80) << 2 | (m & 0x070) << 1 | (m & 0x00F) | kind
        return struct.pack("!HHI", number, length, COOKIE) + self.transaction

    @classmethod
    def decode(cls, data):
        number, length, cookie = struct.unpack_from("!HHI", data)
        assert cookie == COOKIE and length == len(data) - 20, data.hex()
        method = (number & 0x3E00) >> 2 | (number & 0x00E0) >> 1 | (number & 0x000F)
        kind = (number & 0x100) >> 7 | (number & 0x10) >> 4
        message = cls(method, kind, transaction=data[8:20])
        at = 20
        while at < len(data):
            attribute, size = struct.unpack_from("!HH", data, at)
            assert at + 4 + size <= len(data), data.hex()
            assert not any(data[at + 4 + size : at + 4 + size + -size % 4]), "padding is not zero"
            message.add(attribute, data[at + 4 : at + 4 + size])
            at += 4 + size + -size % 4
        return message

    def get(self, attribute):
        return next((value for kind, value in self.attributes if kind == attribute), None)

    def address(self, attribute=XOR_RELAYED_ADDRESS):
        value = self.get(attribute)
        return None if value is None else decode_address(value, self.transaction)

    def addresses(self, attribute=XOR_RELAYED_ADDRESS):
        return [decode_address(v, self.transaction) for k, v in self.attributes if k == attribute]

    @property
    def error(self):
        value = self.get(ERROR_CODE)
        return None if value is None else value[2] * 100 + value[3]

    @property
    def lifetime(self):
        return struct.unpack("!I", self.get(LIFETIME))[0]


class Client:
    """One TURN client on a UDP socket of its own."""

    retransmits = True

    def __init__(self, server, user="alice", password="wonderland", bind=None, timeout=10):
        self.socket = self.connect(server, bind)
        self.server = server
        self.user, self.password = user, password
        self.realm = self.nonce = None
        self.timeout = timeout
        self.inbox = deque()  # data that came while an answer was awaited
        self.relayed = None

    def connect(self, server, bind):
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        connected = socket.socket(family, socket.SOCK_DGRAM)
        if bind is not None:
            connected.bind(bind)
        connected.connect(server)
        return connected

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def address(self):
        return self.socket.getsockname()[:2]

    def key(self):
        return long_term_key(self.user, self.realm, self.password)

    def sign(self, message):
        """The bytes of a request with the long-term credential and the nonce at hand."""
        message.add(USERNAME, self.user.encode())
        message.add(REALM, self.realm.encode()).add(NONCE, self.nonce)
        return message.encode(self.key())

    def exchange(self, data, patience=None):
        """Sends a request, again and again as RFC 8489 says, and returns the answer to it."""
        end = time.monotonic() + (patience or self.timeout)
        interval = 0.5 if self.retransmits else self.timeout
        while time.monotonic() < end:
            self.socket.send(data)
            answer = self._await_answer(data[8:20], min(time.monotonic() + interval, end))
            if answer is not None:
                return answer
            interval *= 2
        raise NoAnswer()

    def _await_answer(self, transaction, deadline):
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                data = self.socket.recv(65536)
            except (TimeoutError, ConnectionRefusedError):
                continue
            if data[0] < 4 and data[8:20] == transaction:
                return Message.decode(data)
            self.inbox.append(data)
        return None

    def request(self, method, attributes=(), peers=()):
        """An authenticated request; follows the challenges of 401 and 438 once each."""
        for _ in range(3):
            message = Message(method, attributes=attributes)
            for peer in peers:
                message.add_address(XOR_PEER_ADDRESS, peer)
            signed = self.nonce is not None
            answer = self.exchange(self.sign(message) if signed else message.encode())
            if answer.kind == SUCCESS:
                return answer
            if answer.error not in (401, 438) or (answer.error == 401 and signed):
                break
            self.realm = answer.get(REALM).decode()
            self.nonce = answer.get(NONCE)
        raise Refused(answer.error, answer)

    def challenge(self):
        """Fetches realm and nonce without doing anything with them."""
        answer = self.exchange(Message(ALLOCATE).add(REQUESTED_TRANSPORT, UDP).encode())
        assert answer.error == 401, answer.error
        self.realm, self.nonce = answer.get(REALM).decode(), answer.get(NONCE)

    def allocate(self, *attributes):
        answer = self.request(ALLOCATE, [(REQUESTED_TRANSPORT, UDP), *attributes])
        self.relayed = answer.address()
        return answer

    def refresh(self, lifetime=600):
        return self.request(REFRESH, [(LIFETIME, struct.pack("!I", lifetime))])

    def permit(self, *peers):
        return self.request(CREATE_PERMISSION, peers=[(ip, 0) for ip in peers])

    def bind_channel(self, number, peer):
        return self.request(CHANNEL_BIND, [(CHANNEL_NUMBER, struct.pack("!HH", number, 0))], [peer])

    def send(self, peer, data):
        message = Message(SEND, INDICATION).add_address(XOR_PEER_ADDRESS, peer)
        self.socket.send(message.add(DATA_ATTRIBUTE, data).encode())

    def send_channel(self, number, data):
        self.socket.send(struct.pack("!HH", number, len(data)) + data)

    def receive(self, timeout=None):
        """The next data from a peer: (channel or peer's endpoint, bytes). None if none comes."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while not self.inbox:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.socket.settimeout(left)
            try:
                self.inbox.append(self.socket.recv(65536))
            except (TimeoutError, ConnectionRefusedError):
                continue
        data = self.inbox.popleft()
        if data[0] & 0xC0:
            number, length = struct.unpack_from("!HH", data)
            assert length == len(data) - 4, data.hex()
            return number, data[4:]
        message = Message.decode(data)
        assert (message.method, message.kind) == (DATA, INDICATION), data.hex()
        return message.address(XOR_PEER_ADDRESS), message.get(DATA_ATTRIBUTE)
