"""TURN over TCP and TLS from the client's side (RFC 8489 section 6.2.2, RFC 8656 section 12.5)."""

import socket
import struct

from stun import Client


class Ended(Exception):
    """The server has ended the connection, between two frames."""


class Frames:
    """A connected stream, used like a datagram socket: one frame each, without its padding."""

    def __init__(self, stream):
        self.stream = stream
        self.buffer = bytearray()

    def send(self, frame):
        self.stream.sendall(padded(frame))

    def recv(self, _):
        """One frame; the stream's end must not cut one."""
        while (frame := self._take()) is None:
            data = self.stream.recv(65536)
            if not data:
                assert not self.buffer, f"ends within a frame: {bytes(self.buffer[:40]).hex()}"
                raise Ended()
            self.buffer += data
        return frame

    def _take(self):
        if len(self.buffer) < 4:
            return None
        kind, length = struct.unpack_from("!HH", self.buffer)
        # RFC 8656 section 12: nothing else may stand at the beginning of a frame.
        assert kind < 0x4000 or 0x4000 <= kind < 0x8000, f"junk: {bytes(self.buffer[:40]).hex()}"
        size = 20 + length if kind < 0x4000 else 4 + length
        whole = size + -size % 4
        if len(self.buffer) < whole:
            return None
        frame = bytes(self.buffer[:size])
        assert not any(self.buffer[size:whole]), "padding is not zero"
        del self.buffer[:whole]
        return frame

    def __getattr__(self, name):
        return getattr(self.stream, name)


def padded(frame):
    return frame + bytes(-len(frame) % 4)


class StreamClient(Client):
    """One TURN client on a connection of its own: over TLS if it has a context."""

    retransmits = False

    def __init__(self, server, context=None, name="localhost", **options):
        self.context, self.name = context, name
        super().__init__(server, **options)

    def connect(self, server, bind):
        stream = socket.create_connection(server, timeout=20, source_address=bind)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.context:
            stream = self.context.wrap_socket(stream, server_hostname=self.name)
        return Frames(stream)

    def await_end(self, timeout=10):
        """Reads on until the server ends the connection; the frames that came before."""
        self.socket.settimeout(timeout)
        frames = []
        try:
            while True:
                frames.append(self.socket.recv(65536))
        except (Ended, ConnectionResetError):
            return frames
