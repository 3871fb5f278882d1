"""Peers: plain UDP sockets that relayed data goes to."""

import socket
import threading


class EchoPeer:
    """Sends back whatever comes, until closed. Its port comes from the kernel."""

    def __init__(self, ip="127.0.0.1"):
        family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((ip, 0))
        self.address = self.socket.getsockname()[:2]
        self.sources = set()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while True:
            data, source = self.socket.recvfrom(65536)
            if data == b"end" and source[:2] == self.address:
                return
            self.sources.add(source[:2])
            self.socket.sendto(data, source)

    def close(self):
        self.socket.sendto(b"end", self.address)
        self._thread.join()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
