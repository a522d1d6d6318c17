"""What clients notice while things change: version swaps, a killed engine, a stop, and time.

usage: python benchmarks/serving_change.py [--swaps 20] [--load 0.7]
           [--soak SECONDS] [--soak-rate REQUESTS_PER_S]

Requests are sent at a fixed rate, whether or not the earlier ones were answered, so that a
pause of the server is seen by all that it makes wait. Prints one line of JSON for each part;
the exit status is 1 if a part is beyond its limit.
"""

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from serving import ROOT, Running, make_bodies, make_models, rss_mb, tree
from serving_peers import PEERS

LIMITS = {
    "failed": 0,
    "p99_ratio": 1.5,
    "rss_ratio": 1.05,
    "recovered_s": 3.0,
    "refused_ms": 500,
    "mb_per_100k_requests": 1.0,
}


class Client:
    """Sends one request again and again at a fixed rate over some connections."""

    def __init__(self, port: int, path: str, body: bytes, connections: int = 32):
        self.port = port
        self.request = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body
        self.free: asyncio.Queue = asyncio.Queue()
        self.connections = connections
        self.done: list[tuple[float, float, int]] = []

    async def one(self, due: float) -> None:
        """Send a request that was due at a time; keep when, how long and the status."""
        pair = await self.free.get()
        status = 0
        try:
            if pair is None:
                pair = await asyncio.open_connection("127.0.0.1", self.port)
            reader, writer = pair
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head[9:12])
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            pair = None
        finally:
            self.free.put_nowait(pair)
        self.done.append((due, time.perf_counter() - due, status))

    async def run(self, rate: float, stop: asyncio.Event) -> None:
        """Send until told to stop."""
        for _ in range(self.connections):
            self.free.put_nowait(None)
        start = time.perf_counter()
        tasks: set[asyncio.Task] = set()
        count = 0
        while not stop.is_set():
            while (due := start + count / rate) <= time.perf_counter():
                task = asyncio.create_task(self.one(due))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                count += 1
            await asyncio.sleep(0.001)
        if tasks:
            await asyncio.wait(tasks)
        while not self.free.empty():
            pair = self.free.get_nowait()
            if pair is not None:
                pair[1].close()

    def part(self, start: float, end: float) -> list[float]:
        """Sorted latencies in ms of what was due in a time."""
        return sorted(took * 1e3 for due, took, _ in self.done if start <= due < end)

    def failed(self) -> int:
        return sum(status != 200 for _, _, status in self.done)


def percentile(values: list[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


async def capacity(client: Client) -> float:
    """Requests a second that the server answers when it is asked as fast as it can be."""
    counted = 0
    until = time.perf_counter() + 3

    async def ask() -> None:
        nonlocal counted
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        while time.perf_counter() < until:
            writer.write(client.request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            counted += 1
        writer.close()

    await asyncio.gather(*(ask() for _ in range(16)))
    return counted / 3


async def swaps(server: Running, client: Client, model: Path, count: int, share: float) -> dict:
    rate = share * await capacity(client)
    pid = server.process.pid
    stop = asyncio.Event()
    sending = asyncio.create_task(client.run(rate, stop))
    await asyncio.sleep(5)
    before = rss_mb(pid)
    times = []
    for version in range(2, count + 2):
        begin = time.perf_counter()
        await asyncio.to_thread(shutil.copytree, model / "1", model / f".{version}")
        (model / f".{version}").rename(model / str(version))
        await available(server, version)
        times.append((begin, time.perf_counter()))
        await asyncio.sleep(1)
    end = time.perf_counter()
    await asyncio.sleep(3)
    stop.set()
    await sending
    after = rss_mb(pid)
    steady = client.part(times[0][0] - 4, times[0][0]) + client.part(end, end + 3)
    during = sorted(v for begin, last in times for v in client.part(begin, last))
    return {
        "part": "swaps",
        "rate": round(rate),
        "requests": len(client.done),
        "failed": client.failed(),
        "p99_steady_ms": round(percentile(sorted(steady), 0.99), 2),
        "p99_during_ms": round(percentile(during, 0.99), 2),
        "p99_ratio": round(percentile(during, 0.99) / percentile(sorted(steady), 0.99), 2),
        "rss_before_mb": round(before),
        "rss_after_mb": round(after),
        "rss_ratio": round(after / before, 3),
    }


async def available(server: Running, version: int) -> None:
    """Wait until a version answers and those before it are gone."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        path = f"/v1/models/{server.model}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        body = (await reader.read()).partition(b"\r\n\r\n")[2]
        writer.close()
        states = {s["version"]: s["state"] for s in json.loads(body)["model_version_status"]}
        if (
            states.get(str(version)) == "AVAILABLE"
            and states.get(str(version - 1)) != "AVAILABLE"
        ):
            return
        await asyncio.sleep(0.05)


async def drain(server: Running, client: Client) -> dict:
    """Stop the server under load: what was accepted must be answered."""
    stop = asyncio.Event()
    sending = asyncio.create_task(client.run(200, stop))
    await asyncio.sleep(2)
    os.kill(server.process.pid, signal.SIGTERM)
    end = time.perf_counter()
    await asyncio.to_thread(server.process.wait, 30)
    stop.set()
    await sending
    # After the signal connections are closed and refused; an answer with an error is a failure.
    wrong = [
        s for due, _, s in client.done if s not in (0, 200) or (s == 0 and due < end - 0.1)
    ]
    return {
        "part": "SIGTERM",
        "failed": len(wrong),
        "stopped_s": round(time.perf_counter() - end, 2),
    }


async def kill(server: Running, client: Client) -> dict:
    """Kill the engine under load: fronts answer 503 at once, and answers come back soon."""
    children = tree(server.process.pid)[1:]
    engine = max(children, key=lambda pid: len(list(Path(f"/proc/{pid}/task").iterdir())))
    stop = asyncio.Event()
    sending = asyncio.create_task(client.run(100, stop))
    await asyncio.sleep(2)
    os.kill(engine, signal.SIGKILL)
    killed = time.perf_counter()
    await asyncio.sleep(8)
    stop.set()
    await sending
    after = [(due, took, s) for due, took, s in client.done if due > killed]
    refused = [took * 1e3 for _, took, s in after if s == 503]
    last = max((due for due, _, s in after if s != 200), default=killed)
    return {
        "part": "kill -9",
        "refused": len(refused),
        "other_failures": sum(s not in (200, 503) for _, _, s in after),
        "refused_ms": round(max(refused, default=0.0), 1),
        "recovered_s": round(last - killed, 2),
    }


async def soak(
    server: Running, client: Client, seconds: float, share: float, rate: float
) -> dict:
    rate = rate or share * await capacity(client)
    stop = asyncio.Event()
    sending = asyncio.create_task(client.run(rate, stop))
    await asyncio.sleep(min(20, seconds / 4))
    pid, memory = server.process.pid, []
    until = time.perf_counter() + seconds
    count = failed = 0
    while time.perf_counter() < until:
        await asyncio.sleep(max(seconds / 60, 1))
        count += len(client.done)
        failed += client.failed()
        client.done.clear()
        memory.append((count, rss_mb(pid)))
    stop.set()
    await sending
    mean_x = sum(x for x, _ in memory) / len(memory)
    mean_y = sum(y for _, y in memory) / len(memory)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in memory)
    slope /= max(sum((x - mean_x) ** 2 for x, _ in memory), 1)
    return {
        "part": "soak",
        "seconds": seconds,
        "rate": round(rate),
        "requests": count,
        "failed": failed,
        "mb_per_100k_requests": round(slope * 1e5, 3),
        "rss_mb": [round(mb, 1) for _, mb in memory[:: max(len(memory) // 10, 1)]],
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--soak", type=float, default=0.0, help="seconds")
    parser.add_argument("--soak-rate", type=float, default=0.0, help="else 60 %% of the most")
    parser.add_argument("--load", type=float, default=0.7, help="share of the most")
    args = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = folder / "models"
        models.mkdir()
        sys.path.insert(0, str(ROOT))
        make_models(models, None)
        file, kind = make_bodies(folder, "mlp")["json"]
        body = file.read_bytes()
        for key in ("penstock", "penstock with 2 fronts"):
            with contextlib.ExitStack() as stack:
                server = Running(key, PEERS[key], folder, models, "mlp")
                stack.callback(server.stop)
                server.wait("json", body, kind)

                def client(server: Running = server) -> Client:
                    return Client(server.port, "/v1/models/mlp:predict", body)

                if key == "penstock":
                    if args.swaps:
                        work = swaps(server, client(), models / "mlp", args.swaps, args.load)
                        lines.append(asyncio.run(work))
                    if args.soak:
                        work = soak(server, client(), args.soak, 0.6, args.soak_rate)
                        lines.append(asyncio.run(work))
                    lines.append(asyncio.run(drain(server, client())))
                else:
                    lines.append(asyncio.run(kill(server, client())))
    for line in lines:
        over = [key for key, limit in LIMITS.items() if line.get(key, 0) > limit]
        print(json.dumps({**line, "over": over}), flush=True)
    return int(any(line.get(key, 0) > limit for line in lines for key, limit in LIMITS.items()))


if __name__ == "__main__":
    raise SystemExit(main())
