"""CPU time of a Predict call over gRPC: the HTTP/2 lane beside grpcio, on the same model.

usage: python benchmarks/grpc_lane.py [--calls 10000] [--rounds 3]

The model is the perceptron 784-512-512-10; each call has one row. h2load asks both servers in
turns, and the least CPU time of the rounds is kept. One line of JSON for each shape of load
(connections x calls at a time on each), with the ratio of grpcio to the lane.
"""

import argparse
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import penstock as tf
from penstock.wire import protos
from penstock.wire.tensors import array_to_proto

ROOT = Path(__file__).resolve().parent.parent
LIMIT = 90.0  # microseconds of the lane: the goal
PATH = "/tensorflow.serving.PredictionService/Predict"
LOADS = ((1, 1), (8, 1), (8, 8), (64, 1), (1, 64))
PROGRAM = """
import signal, sys
from pathlib import Path
from penstock.serving.batcher import BatchingParameters
from penstock.serving.server import ModelConfig, Server, ServerConfig
config = ServerConfig(
    (ModelConfig("mlp", Path(sys.argv[1])),),
    port=0,
    grpc_port=0,
    grpc_implementation=sys.argv[2],
    batching=BatchingParameters(),
)
with Server(config) as server:
    print(server.grpc_port, flush=True)
    signal.sigwait([signal.SIGTERM])
"""


class Perceptron(tf.Module):
    """784-512-512-10 with softmax."""

    def __init__(self):
        rng = np.random.default_rng(0)
        sizes = ((784, 512), (512, 512), (512, 10))
        self.weights = [
            tf.Variable(rng.normal(0, 0.05, size).astype(np.float32)) for size in sizes
        ]

    @tf.function(input_signature=[tf.TensorSpec([None, 784], tf.float32, name="x")])
    def call(self, x):
        for weight in self.weights[:-1]:
            x = tf.nn.relu(x @ weight)
        return {"y": tf.nn.softmax(x @ self.weights[-1])}


class Side:
    """One server."""

    def __init__(self, implementation, models):
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(models), implementation],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.port = int(self.process.stdout.readline())

    def cpu_us(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")

    def load(self, connections, streams, calls, body):
        """CPU microseconds of a call."""
        before = self.cpu_us()
        done = subprocess.run(
            [
                *("h2load", "-n", str(calls), "-c", str(connections), "-m", str(streams)),
                *("-d", str(body), "-H", "content-type: application/grpc"),
                *("-H", "te: trailers", f"http://127.0.0.1:{self.port}{PATH}"),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"{calls} succeeded" in done.stdout, done.stdout
        return (self.cpu_us() - before) / calls

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if shutil.which("h2load") is None:
        print(json.dumps({"left_out": "h2load is not installed"}))
        return
    with tempfile.TemporaryDirectory() as folder:
        models, body = Path(folder, "mlp"), Path(folder, "body")
        model = Perceptron()
        tf.saved_model.save(model, str(models / "1"), signatures=model.call)
        request = protos.PredictRequest(model_spec={"name": "mlp"})
        row = np.random.default_rng(1).random((1, 784), np.float32)
        request.inputs["x"].CopyFrom(array_to_proto(row))
        message = request.SerializeToString()
        body.write_bytes(b"\x00" + struct.pack(">L", len(message)) + message)
        sides = {name: Side(name, models) for name in ("own", "grpcio")}
        try:
            for side in sides.values():
                side.load(8, 8, 2000, body)  # compile outside the clock
            for connections, streams in LOADS:
                best = dict.fromkeys(sides, float("inf"))
                for _ in range(args.rounds):
                    for name, side in sides.items():
                        found = side.load(connections, streams, args.calls, body)
                        best[name] = min(best[name], found)
                line = {
                    "connections": connections,
                    "streams": streams,
                    "own_us": round(best["own"], 1),
                    "grpcio_us": round(best["grpcio"], 1),
                    "ratio": round(best["grpcio"] / best["own"], 2),
                    "limit_us": LIMIT,
                }
                print(json.dumps(line), flush=True)
        finally:
            for side in sides.values():
                side.stop()


if __name__ == "__main__":
    main()
