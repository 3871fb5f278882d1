"""How many system calls a packet costs that is relayed between a client's connection and a peer, by
strace, of Turnbuckle (the environment variable TURNBUCKLE) and of Debian's coturn in one run.

    TURNBUCKLE=build/release/turnbuckle python3 tests/bench/relayed_syscalls.py

Each packet goes to the peer and comes back: that is two. "one by one" waits for each to be back
before the next is sent; in "bursts of 8" eight are under way together. strace slows the server
down, so that bursts come a little less dense than they would.
"""

import re
import signal
import subprocess
import tempfile
from pathlib import Path

from reference import Coturn  # first: it says where the tests' modules are
from certificates import Authority
from peer import EchoPeer
from server import LOOPBACK_PEERS, Server, listener, wait_until
from stream import StreamClient

CHANNEL, ROUNDS = 0x4001, 1000


def traced(pid):
    return all(
        not re.search(r"TracerPid:\s+0\n", status.read_text())
        for status in Path(f"/proc/{pid}/task").glob("*/status")
    )


def count_calls(server, run):
    """The number of system calls by name while `run` runs."""
    with tempfile.NamedTemporaryFile("r") as report:
        strace = subprocess.Popen(
            ["strace", "-f", "-c", "-U", "calls,name", "-o", report.name, "-p", str(server.pid)],
            stderr=subprocess.DEVNULL)
        wait_until(lambda: traced(server.pid), what="strace")
        run()
        strace.send_signal(signal.SIGINT)
        strace.wait()
        rows = re.findall(r"^\s*(\d+) (\w+)$", report.read(), re.M)
    return {name: int(calls) for calls, name in rows if name != "total"}


def relay(client, burst):
    data = bytes(1200)
    for _ in range(ROUNDS // burst):
        for _ in range(burst):
            client.send_channel(CHANNEL, data)
        for _ in range(burst):
            assert client.receive() == (CHANNEL, data)


def measure(name, server, transport, context):
    with EchoPeer() as peer, StreamClient(server.at(transport), context=context) as client:
        client.allocate()
        client.bind_channel(CHANNEL, peer.address)
        for burst in (1, 8):
            calls = count_calls(server, lambda: relay(client, burst))
            packets = 2 * (ROUNDS // burst * burst)
            often = sorted(calls.items(), key=lambda item: -item[1])[:5]
            shown = ", ".join(f"{call} {number / packets:.2f}" for call, number in often)
            how = "one by one" if burst == 1 else f"bursts of {burst}"
            print(f"| {name} | {transport} | {how} | {sum(calls.values()) / packets:.2f} "
                  f"| {shown} |")


def main():
    with tempfile.TemporaryDirectory(prefix="turnbuckle-bench-") as folder:
        authority = Authority(folder)
        pair = authority.issue("server")
        print("| server | over | packets | calls per packet | of which |\n|---|---|---|---|---|")
        for name, start in (
            ("Turnbuckle", lambda: Server(LOOPBACK_PEERS, {
                "listeners": [listener("tcp"), listener("tls", pair)]})),
            ("coturn", lambda: Coturn(pair)),
        ):
            server = start()
            try:
                measure(name, server, "tcp", None)
                measure(name, server, "tls", authority.context())
            finally:
                server.stop()


if __name__ == "__main__":
    main()
