"""CPU time and latency of a request, beside other servers that run at the same time.

usage: python benchmarks/serving.py [--model mlp|cnn] [--body json|raw] [--connections 1,64]
           [--rounds 3] [--seconds 2] [--peers NAME,NAME]

The servers are started together and asked in turns by wrk, so that a busy moment of the machine
meets them all; of all rounds the least CPU time and latency are kept, because noise only ever
adds. Peers whose interpreter is not named by its variable (`serving_peers.py`) are left out.
Prints one line of JSON for each server and number of connections, with ratios to ours.
"""

import argparse
import array
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from serving_peers import MODELS, ONNX, PEERS, Peer

ROOT = Path(__file__).resolve().parent.parent
OURS = "penstock"
_WRK = """
local file = io.open(os.getenv("BODY"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
wrk.headers["Content-Type"] = os.getenv("CONTENT_TYPE")
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
"""


class Running:
    """A server that was started, and what the load found."""

    def __init__(self, name: str, peer: Peer, folder: Path, models: Path, model: str):
        self.name = name
        self.peer = peer
        self.model = model
        self.port = free_port()
        self.best: dict[int, dict[str, float]] = {}
        self.folder = folder / re.sub(r"\W+", "_", name)
        self.folder.mkdir()
        (self.folder / "side.py").write_text(peer.program)
        python = os.environ.get(peer.python, "") if peer.python else sys.executable
        environment = {
            **os.environ,
            **peer.environment,
            "PORT": str(self.port),
            "MODELS": str(models),
            "MODEL": model,
            "PATH": f"{Path(python).parent}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
        }
        if not peer.python:
            environment["PYTHONPATH"] = str(ROOT)
        self.log = (self.folder / "log.txt").open("wb")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [python, "side.py"],
            cwd=self.folder,
            env=environment,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )

    def url(self, body: str) -> str:
        path = self.peer.raw_path if body == "raw" else self.peer.path
        return f"http://127.0.0.1:{self.port}{path.format(model=self.model)}"

    def wait(self, body: str, data: bytes, kind: str, seconds: float = 90) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: it does not.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            url = self.url(body)
            request = urllib.request.Request(url, data, {"Content-Type": kind})  # noqa: S310
            with contextlib.suppress(OSError, urllib.error.HTTPError):
                with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
                    self.answer = answer.read()
                self.ready_s = time.monotonic() - self.started
                return
            time.sleep(0.1)
        tail = (self.folder / "log.txt").read_text(errors="replace")[-800:]
        raise RuntimeError(f"{self.name} does not answer:\n{tail}")

    def stop(self) -> None:
        """End it and its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.log.close()


def free_port() -> int:
    """The first of three free ports in a row, away from those that the system hands out."""
    while True:
        port = random.randrange(20_000, 30_000)  # noqa: S311
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            for number in (port, port + 1, port + 2):
                probe = stack.enter_context(socket.socket())
                probe.bind(("127.0.0.1", number))
            return port


def tree(pid: int) -> list[int]:
    """A process and all that come from it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            with contextlib.suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def cpu_s(pid: int) -> float:
    """On-CPU time of all threads of a process and its children."""
    total = 0
    for each in tree(pid):
        for file in Path(f"/proc/{each}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                total += int(file.read_text().split()[0])
    return total / 1e9


def rss_mb(pid: int) -> float:
    """Resident memory of a process and its children, shared pages counted once each."""
    total = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
    return total / 1024


def load(  # noqa: PLR0917
    url: str, connections: int, seconds: int, body: Path, kind: str, script: Path
) -> dict:
    """Run wrk; returns requests, seconds, p50 and p99 in ms, and failures."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url]
    environment = {**os.environ, "BODY": str(body), "CONTENT_TYPE": kind}
    out = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    requests, took, p50, p99, bad = map(
        int, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", out.stdout).groups()
    )
    return {
        "requests": requests,
        "seconds": took / 1e6,
        "p50_ms": p50 / 1e3,
        "p99_ms": p99 / 1e3,
        "failed": bad,
    }


def make_models(folder: Path, python: str | None) -> None:
    """Write the models that all servers load."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run
    # Functions are read from a file.
    program = folder / "models.py"
    program.write_text(MODELS)
    run([sys.executable, str(program), str(folder)], env=environment, check=True)
    if python:
        run([python, "-c", ONNX, str(folder)], check=True)


def make_bodies(folder: Path, model: str) -> dict[str, tuple[Path, str]]:
    """Write a request of one row in each form; returns files and content types."""
    numbers = [round((i * 7919 % 10000) / 10000, 4) for i in range(784)]
    rows = [numbers]
    if model == "cnn":
        rows = [[[[numbers[28 * i + j]] for j in range(28)] for i in range(28)]]
    shape = [1, 784] if model == "mlp" else [1, 28, 28, 1]
    tensor = {"name": "x", "shape": shape, "datatype": "FP32", "data": numbers}
    texts = {"json": {"instances": rows}, "v2": {"inputs": [tensor]}}
    files = {}
    for name, document in texts.items():
        (folder / name).write_text(json.dumps(document))
        files[name] = (folder / name, "application/json")
    (folder / "raw").write_bytes(array.array("f", numbers).tobytes())
    files["raw"] = (folder / "raw", "application/octet-stream")
    return files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--model", choices=("mlp", "cnn"), default="mlp")
    parser.add_argument("--body", choices=("json", "raw"), default="json")
    parser.add_argument("--connections", default="1,8,32,64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--peers", default=",".join(PEERS))
    args = parser.parse_args()
    if shutil.which("wrk") is None:
        parser.error("wrk must be installed")
    wanted = {name.strip() for name in args.peers.split(",")} | {OURS}
    connections = [int(each) for each in args.connections.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = folder / "models"
        models.mkdir()
        make_models(models, os.environ.get("PENSTOCK_SERVERS_PYTHON"))
        bodies = make_bodies(folder, args.model)
        script = folder / "load.lua"
        script.write_text(_WRK)
        servers = []
        try:
            for key, peer in PEERS.items():
                if key not in wanted or (args.body == "raw" and not peer.raw_path):
                    continue
                if peer.python and not os.environ.get(peer.python):
                    print(f"{key} is left out: {peer.python} is not set", file=sys.stderr)
                    continue
                servers.append(Running(key, peer, folder, models, args.model))
                body = "v2" if key == "MLServer" else args.body
                try:
                    file, kind = bodies[body]
                    servers[-1].wait(args.body, file.read_bytes(), kind)
                except RuntimeError as error:
                    print(error, file=sys.stderr)
                    servers.pop().stop()
            for _ in range(args.rounds):
                for count in connections:
                    for server in servers:
                        body = "v2" if server.name == "MLServer" else args.body
                        measure(server, count, args, *bodies[body], script)
            report(servers, connections, args)
        finally:
            for server in servers:
                server.stop()
    return 0


def measure(  # noqa: PLR0917
    server: Running, count: int, args, body: Path, kind: str, script: Path
) -> None:
    url = server.url(args.body)
    load(url, count, 1, body, kind, script)
    before = cpu_s(server.process.pid)
    got = load(url, count, args.seconds, body, kind, script)
    spent = cpu_s(server.process.pid) - before
    if not got["requests"]:
        return
    now = {
        "cpu_us": spent / got["requests"] * 1e6,
        "p50_ms": got["p50_ms"],
        "p99_ms": got["p99_ms"],
        "rps": got["requests"] / got["seconds"],
        "failed": got["failed"],
    }
    best = server.best.setdefault(count, now)
    for key in ("cpu_us", "p50_ms", "p99_ms"):
        best[key] = min(best[key], now[key])
    best["rps"] = max(best["rps"], now["rps"])
    best["failed"] += 0 if best is now else now["failed"]


def report(servers: list[Running], connections: list[int], args) -> None:
    ours = next(server for server in servers if server.name == OURS)
    for count in connections:
        base = ours.best[count]
        for server in servers:
            found = server.best.get(count)
            if found is None:
                continue
            line = {
                "server": server.name,
                "model": args.model,
                "body": args.body,
                "connections": count,
                **{key: round(value, 2) for key, value in found.items()},
                "ours_to_it": {
                    key: round(base[key] / found[key], 3) for key in ("cpu_us", "p50_ms")
                },
                "rss_mb": round(rss_mb(server.process.pid)),
                "ready_s": round(server.ready_s, 1),
                "load": round(os.getloadavg()[0], 1),
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
