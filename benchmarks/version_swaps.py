"""Do clients notice when versions change under load, and does memory come back?

`penstock serve` has an MLP 784-512-512-10. A client sends requests at a fixed rate, about 70 %
of what the server carries, whatever becomes of the answers; meanwhile new versions appear one
after the other. Requests count as during a swap from the moment that a version appears until
it answers. Prints failures, both p99, and memory before and after.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path

from benchmarks.cold_start import SAVE, resident_mib

LIMIT_P99 = 1.5
LIMIT_MEMORY = 1.05
LOAD = 0.7

_ROOT = Path(__file__).resolve().parent.parent
_BODY = json.dumps({"instances": [[0.5] * 784]}).encode()
_CONNECTIONS = 32


_REQUEST = (
    b"POST /v1/models/mlp:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    % len(_BODY)
    + _BODY
)


class Connection(asyncio.Protocol):
    """Sends requests without waiting for answers, and notes when these come.

    There are no tasks: the client must cost less than the server that it measures.
    """

    def __init__(self, answered):
        self.answered = answered
        self.waiting = deque()
        self.received = b""
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport

    def ask(self, due):
        self.waiting.append(due)
        self.transport.write(_REQUEST)

    def data_received(self, data):
        self.received += data
        now = time.perf_counter()
        while True:
            head, mark, rest = self.received.partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
            if not mark or len(rest) < length:
                return
            self.received = rest[length:]
            due = self.waiting.popleft()
            self.answered(self, due, now, head[9:12] == b"200")

    def connection_lost(self, error):  # noqa: ARG002
        while self.waiting:
            self.answered(self, self.waiting.popleft(), time.perf_counter(), False)


class Client:
    """Connections that send at given times, and note when answers come."""

    def __init__(self, port):
        self.port = port
        self.seen = []  # (due, latency) of good answers
        self.failures = 0
        self.swaps = []
        self.connections = []
        self.then = None

    async def open(self):
        connect = asyncio.get_running_loop().create_connection
        for _ in range(_CONNECTIONS):
            made = await connect(lambda: Connection(self.answered), "127.0.0.1", self.port)
            self.connections.append(made[1])

    def answered(self, connection, due, now, is_good):
        # The time counts from when a request was due, not from when it could be sent.
        if is_good:
            self.seen.append((due, now - due))
        else:
            self.failures += 1
        if self.then is not None:
            self.then(connection)

    async def capacity(self, seconds):
        """Requests a second when every connection asks again at once."""
        self.seen.clear()
        self.then = lambda connection: connection.ask(time.perf_counter())
        for connection in self.connections:
            connection.ask(time.perf_counter())
        await asyncio.sleep(seconds)
        self.then = None
        count = len(self.seen)
        await asyncio.sleep(0.2)
        self.seen.clear()
        return count / seconds

    async def load(self, rate, is_done):
        due, number = time.perf_counter(), 0
        while not is_done():
            now = time.perf_counter()
            while due <= now:
                self.connections[number % _CONNECTIONS].ask(due)
                number += 1
                due += 1 / rate
            await asyncio.sleep(max(due - time.perf_counter(), 0))
        await asyncio.sleep(1)


async def swap(client, base, versions):
    """Let versions appear one by one, and wait for each until it answers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    for version in versions:
        await asyncio.sleep(1.5)
        staged = base.parent / "staged"
        await asyncio.to_thread(shutil.copytree, base / "1", staged)
        began = time.perf_counter()
        staged.rename(base / str(version))
        while True:
            writer.write(
                b"GET /v1/models/mlp/versions/%d HTTP/1.1\r\nHost: x\r\n\r\n" % version
            )
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            if b'"AVAILABLE"' in await reader.readexactly(length):
                break
            await asyncio.sleep(0.05)
        # The old version is dropped, and its memory given back, after the new one answers.
        client.swaps.append((began, time.perf_counter() + 0.3))
    writer.close()
    await asyncio.sleep(1.5)


async def run(port, base, swaps, process, rate):
    client = Client(port)
    await client.open()
    await client.capacity(1)
    rate = rate or LOAD * await client.capacity(3)
    done = False
    loading = asyncio.get_running_loop().create_task(client.load(rate, lambda: done))
    await swap(client, base, [2])  # the first change reads code that is there from then on
    client.seen.clear()
    client.swaps.clear()
    before = memory(process)
    await swap(client, base, range(3, 3 + swaps))
    done = True
    await loading
    await asyncio.sleep(1)
    return client, rate, before, memory(process)


def memory(process):
    return resident_mib(Path(f"/proc/{process.pid}/status").read_text(encoding="ascii"))


def p99(latencies):
    return sorted(latencies)[int(0.99 * len(latencies))] if latencies else float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second")
    args = parser.parse_args()
    swaps = args.swaps
    port = 20_000 + os.getpid() % 20_000
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder, "mlp")
        environment = {**os.environ, "PYTHONPATH": str(_ROOT), "XDG_CACHE_HOME": folder}
        command = [sys.executable, "-c", SAVE, str(base / "1")]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "penstock", "serve", "--model_name=mlp"),
                *(f"--model_base_path={base}", f"--rest_api_port={port}"),
            ],
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
        )
        try:
            server.stderr.readline()
            time.sleep(3)
            client, rate, before, after = asyncio.run(run(port, base, swaps, server, args.rate))
        finally:
            server.terminate()
            server.communicate(timeout=60)
    during = [t for d, t in client.seen if any(a <= d <= b for a, b in client.swaps)]
    steady = [t for d, t in client.seen if not any(a <= d <= b for a, b in client.swaps)]
    ratio = p99(during) / p99(steady)
    line = {
        "question": "version swaps under load",
        "swaps": swaps,
        "requests_per_s": round(rate),
        "requests": len(client.seen),
        "failures": client.failures,
        "p99_steady_ms": round(p99(steady) * 1e3, 2),
        "p99_swap_ms": round(p99(during) * 1e3, 2),
        "p99_ratio": round(ratio, 2),
        "limit_p99_ratio": LIMIT_P99,
        "rss_before_mib": round(before, 1),
        "rss_after_mib": round(after, 1),
        "rss_ratio": round(after / before, 3),
        "limit_rss_ratio": LIMIT_MEMORY,
        "load": os.getloadavg()[0],
    }
    print(json.dumps(line))
    is_good = client.failures == 0 and ratio <= LIMIT_P99 and after / before <= LIMIT_MEMORY
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
