"""Connections that never get anywhere: thousands, one byte at a time, from many source prefixes."""

import errno
import socket
import ssl
import time

from dtls import client_hello, cookie_of, with_cookie
from stun import ALLOCATE, REQUESTED_TRANSPORT, UDP, Message

PER_PREFIX = 50  # of a /24, fewer than the server's limit, so that it is the total that counts
PAUSE = 0.25  # seconds between two bytes of a connection
RATE = 2000  # new connections in a second


def tls_client_hello():
    outgoing, context = ssl.MemoryBIO(), ssl.create_default_context()
    try:
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="x").do_handshake()
    except ssl.SSLWantReadError:
        return outgoing.read()


def source(number):
    prefix = number // PER_PREFIX
    return f"127.{100 + prefix // 250}.{1 + prefix % 250}.{1 + number % PER_PREFIX}"


class Dribbler:
    """A stream that sends its message one byte at a time, and never the last one."""

    def __init__(self, number, server, message):
        self.message, self.at = message[:-1], 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.socket.bind((source(number), 0))
        if self.socket.connect_ex(server) not in (0, errno.EINPROGRESS):
            self.end()

    def end(self):
        self.socket.close()
        self.socket = None

    def step(self):
        if self.socket is None or self.at == len(self.message):
            return
        try:
            self.socket.send(self.message[self.at : self.at + 1])
            self.at += 1
        except BlockingIOError:
            pass
        except OSError:
            self.end()


class HalfOpen:
    """A DTLS handshake that stops when the server's flight has come; then lone bytes of records."""

    def __init__(self, number, server, hello):
        self.hello = hello
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind((source(number), 0))
        self.socket.connect(server)
        self.socket.send(hello)
        self.returned_cookie = False

    def step(self):
        try:
            answer = self.socket.recv(65536)
            if not self.returned_cookie:
                self.socket.send(with_cookie(self.hello, cookie_of(answer)))
                self.returned_cookie = True
                return
        except OSError:
            pass
        self.socket.send(b"\x16")


def attack(servers, counts, stop, pipe):
    """Until `stop` is set. Sends how many there were of each, and how many got their flight."""
    allocate = Message(ALLOCATE).add(REQUESTED_TRANSPORT, UDP).encode()
    kinds = {"tcp": (Dribbler, allocate), "tls": (Dribbler, tls_client_hello()),
             "dtls": (HalfOpen, client_hello())}
    made = [(kind, *kinds[kind]) for kind, count in counts.items() for _ in range(count)]
    everyone = []
    for number, (kind, attacker, message) in enumerate(made):
        everyone.append(attacker(number, servers[kind], message))
        if number % 10 == 9:
            time.sleep(10 / RATE)
    pipe.send("all")
    while not stop.is_set():
        started = time.monotonic()
        for one in everyone:
            one.step()
        stop.wait(max(0.0, PAUSE - (time.monotonic() - started)))
    streams = [one for one in everyone if isinstance(one, Dribbler)]
    pipe.send({
        "streams": len(streams),
        "closed": sum(is_closed(one.socket) for one in streams),
        "half_open": sum(one.returned_cookie for one in everyone if isinstance(one, HalfOpen)),
    })
    pipe.recv()  # everything is closed when this process ends


def is_closed(stream):
    if stream is None:
        return True
    try:
        return stream.recv(1000) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
