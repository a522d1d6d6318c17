"""What does batching add to a request that comes alone?

`penstock serve` has an MLP 784-512-512-10, once with batching and once without. One connection
to each is asked in turns, so that a busy moment of the machine meets both. Prints the times of
both and the difference, of the median and of the quickest tenth.
"""

import argparse
import contextlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.cold_start import save

LIMIT_MS = 0.3

_ROOT = Path(__file__).resolve().parent.parent
_BODY = json.dumps({"instances": [[0.5] * 784]}).encode()
_PATH = "/v1/models/mlp:predict"
_SIDES = {"batching": "--enable_batching=true", "alone": "--enable_batching=false"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3000)
    count = parser.parse_args().requests
    times = {name: [] for name in _SIDES}
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        base = Path(folder, "mlp")
        save(base / "1")
        asks = {
            name: stack.enter_context(
                serving(base, 21_000 + (os.getpid() * 2 + i) % 9_000, option)
            )
            for i, (name, option) in enumerate(_SIDES.items())
        }
        for turn in range(count + 300):
            for name, ask in asks.items():
                start = time.perf_counter()
                ask()
                if turn >= 300:
                    times[name].append((time.perf_counter() - start) * 1e3)
    line = {"question": "latency that batching adds at low load", "requests": count}
    for share in (50, 10):
        both = {name: sorted(each)[len(each) * share // 100] for name, each in times.items()}
        for name, value in both.items():
            line[f"{name}_p{share}_ms"] = round(value, 3)
        line[f"added_p{share}_ms"] = round(both["batching"] - both["alone"], 3)
    line["limit_ms"], line["load"] = LIMIT_MS, os.getloadavg()[0]
    print(json.dumps(line))
    return 0 if line["added_p50_ms"] < LIMIT_MS else 1


@contextlib.contextmanager
def serving(base, port, option):
    """A server; gives what sends one request to it."""
    command = [
        *(sys.executable, "-m", "penstock", "serve", "--model_name=mlp", option),
        *(f"--model_base_path={base}", f"--rest_api_port={port}"),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "XDG_CACHE_HOME": str(base.parent),
    }
    server = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True)
    try:
        line = server.stderr.readline()
        if "serving" not in line:
            raise SystemExit(line + server.stderr.read())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

        def ask():
            connection.request("POST", _PATH, _BODY)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, text

        yield ask
        connection.close()
    finally:
        server.terminate()
        server.communicate(timeout=60)


if __name__ == "__main__":
    sys.exit(main())
