"""What a TLS client with an allocation costs: memory, time of the processor and set-up rate, of
Turnbuckle (the environment variable TURNBUCKLE, a release build) and of Debian's coturn in one run.

    TURNBUCKLE=build/release/turnbuckle python3 tests/bench/tls_clients.py [CLIENTS]

Clients and server share the machine; the clients are the same for both. Kernel memory is that of
both ends, all of the slab: run it on a machine that does nothing else.
"""

import multiprocessing
import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

from reference import Coturn  # first: it says where the tests' modules are
from certificates import Authority
from server import LOOPBACK_PEERS, Server, listener
from stream import StreamClient

PROCESSES = 4
TICKS = os.sysconf("SC_CLK_TCK")


def resident_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def slab_kib():
    return int(re.search(r"Slab:\s+(\d+)", Path("/proc/meminfo").read_text())[1])


def raise_descriptors():
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def set_up(address, folder, first, count, pipe):
    """One process's share of the clients: each from an address of its own, held until told."""
    raise_descriptors()
    context = Authority.trusted(folder)
    pipe.recv()
    clients = []
    for number in range(first, first + count):
        source = f"127.{10 + number // 62500}.{1 + number // 250 % 250}.{1 + number % 250}"
        clients.append(StreamClient(address, context=context, bind=(source, 0), timeout=60))
        clients[-1].allocate()
    pipe.send(len(clients))
    pipe.recv()


def measure(server, folder, count):
    context = multiprocessing.get_context("spawn")
    share = count // PROCESSES
    pipes, processes = [], []
    for i in range(PROCESSES):
        ours, theirs = context.Pipe()
        processes.append(context.Process(
            target=set_up, args=(server.at("tls"), folder, i * share, share, theirs)))
        processes[-1].start()
        pipes.append(ours)
    time.sleep(2)  # all of them have loaded what they need
    memory, slab, cpu = resident_kib(server.pid), slab_kib(), cpu_seconds(server.pid)
    started = time.monotonic()
    for pipe in pipes:
        pipe.send("go")
    made = sum(pipe.recv() for pipe in pipes)
    seconds = time.monotonic() - started
    result = {
        "clients": made,
        "set up per second": made / seconds,
        "server's CPU, ms per client": (cpu_seconds(server.pid) - cpu) * 1000 / made,
        "resident before, MiB": memory / 1024,
        "resident KiB per client": (resident_kib(server.pid) - memory) / made,
        "slab of both ends, KiB per client": (slab_kib() - slab) / made,
    }
    for pipe, process in zip(pipes, processes):
        pipe.send("end")
        process.join()
    return result


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    raise_descriptors()
    with tempfile.TemporaryDirectory(prefix="turnbuckle-bench-") as folder:
        pair = Authority(folder).issue("server")
        rows = {}
        for name, start in (
            ("Turnbuckle", lambda: Server(LOOPBACK_PEERS, {
                "listeners": [listener("tls", pair)]})),
            ("coturn", lambda: Coturn(pair)),
        ):
            server = start()
            try:
                rows[name] = measure(server, folder, count)
            finally:
                server.stop()
    names = list(rows)
    print(f"| | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for what in rows[names[0]]:
        print(f"| {what} | {' | '.join(f'{rows[name][what]:.2f}' for name in names)} |")


if __name__ == "__main__":
    main()
