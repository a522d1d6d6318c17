"""The servers that `serving.py` compares: each a short program, written as its guide shows.

Every program is told a port, a folder with `mlp.onnx`, `cnn.onnx` and SavedModels, and the name
of the model; it answers `{"instances": [...]}` with predictions.
"""

from dataclasses import dataclass, field

_SESSION = """
import os, sys
import numpy as np
port, folder, model = int(os.environ["PORT"]), os.environ["MODELS"], os.environ["MODEL"]
shape = (-1, 784) if model == "mlp" else (-1, 28, 28, 1)

def session():
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(f"{folder}/{model}.onnx", options)

def make_run():
    found = session()
    return lambda rows: found.run(None, {"x": rows})[0]
"""

_GRANIAN = """
import orjson
run = make_run()

async def app(scope, proto):
    body = await proto()
    if scope.path == "/raw":
        answer = run(np.frombuffer(body, np.float32).reshape(shape)).tobytes()
        kind = "application/octet-stream"
    else:
        rows = np.asarray(orjson.loads(body)["instances"], np.float32)
        answer = orjson.dumps({"predictions": run(rows)}, option=orjson.OPT_SERIALIZE_NUMPY)
        kind = "application/json"
    proto.response_bytes(200, [("content-type", kind)], answer)

if __name__ == "__main__":
    from granian import Granian
    Granian("side:app", address="127.0.0.1", port=port, interface="rsgi", workers=1,
            log_level="error", websockets=False).serve()
"""

_FASTAPI = """
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel
run = make_run()
app = FastAPI()

class Body(BaseModel):
    instances: list

@app.post("/predict")
async def predict(body: Body):
    return {"predictions": run(np.asarray(body.instances, np.float32)).tolist()}

@app.post("/raw")
async def raw(request: Request):
    rows = np.frombuffer(await request.body(), np.float32).reshape(shape)
    return Response(run(rows).tobytes(), media_type="application/octet-stream")

uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="error")
"""

_TENSORFLOW = """
import tensorflow as tf
found = tf.saved_model.load(f"{folder}/{model}/1")
serve = found.signatures["serving_default"]
make_run = lambda: lambda rows: next(iter(serve(x=tf.constant(rows)).values())).numpy()
"""

_LITSERVE = """
import litserve as ls

class Api(ls.LitAPI):
    def setup(self, device):
        self.run = make_run()
    def decode_request(self, request):
        return np.asarray(request["instances"], np.float32)
    def predict(self, rows):
        return self.run(rows)
    def encode_response(self, output):
        return {"predictions": output.tolist()}

if __name__ == "__main__":
    server = ls.LitServer(Api(), accelerator="cpu", workers_per_device=1, fast_queue=True)
    server.run(host="127.0.0.1", port=port, log_level="error", access_log=False,
               generate_client_file=False)
"""

_BENTOML = """
import bentoml

@bentoml.service(workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})
class Service:
    def __init__(self):
        self.run = make_run()

    @bentoml.api
    async def predict(self, instances: list) -> dict:
        return {"predictions": self.run(np.asarray(instances, np.float32)).tolist()}

if __name__ == "__main__":
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", "side:Service",
             "--host", "127.0.0.1", "--port", str(port)])
"""

_MLSERVER = """
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse

class Runtime(MLModel):
    async def load(self):
        self.run = make_run()
        return True
    async def predict(self, payload):
        rows = NumpyCodec.decode_input(payload.inputs[0]).astype(np.float32).reshape(shape)
        output = NumpyCodec.encode_output("y", self.run(rows))
        return InferenceResponse(model_name=self.name, outputs=[output])

if __name__ == "__main__":
    import json, pathlib
    pathlib.Path("settings.json").write_text(json.dumps({
        "host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2,
        "parallel_workers": 0, "debug": False}))
    pathlib.Path("model-settings.json").write_text(json.dumps({
        "name": "m", "implementation": "side.Runtime", "max_batch_size": 32,
        "max_batch_time": 0.001}))
    from mlserver.cli import main
    sys.argv = ["mlserver", "start", "."]
    main()
"""

# As an operator would run it: limits, metrics, a schema of the inputs and samples of requests.
_PENSTOCK = """
import os
import pathlib, signal, sys, threading
from penstock.serving.batching_parameters import BatchingParameters
from penstock.serving.fronts.supervisor import FrontServer
from penstock.serving.fronts.workers import settle_memory
from penstock.serving.server import ModelConfig, Server, ServerConfig
from penstock.serving.watch import WatchConfig

port, folder, model = int(os.environ["PORT"]), os.environ["MODELS"], os.environ["MODEL"]
shape = "[784]" if model == "mlp" else "[28, 28, 1]"
schema = pathlib.Path("schema.toml")
schema.write_text(f"[features.x]\\nshape = {shape}\\nmin = 0.0\\nmax = 1.0\\n")
config = ServerConfig(
    (ModelConfig(model, pathlib.Path(folder, model)),),
    port=port,
    grpc_port=port + 1,
    fronts=int(os.environ.get("FRONTS", "0")),
    batching=BatchingParameters(),
    executable_cache=str(pathlib.Path("cache").absolute()),
    file_system_poll_wait_seconds=0.2,
    watch=WatchConfig(schema_files={"": schema}, request_log=pathlib.Path("log")),
)
pathlib.Path("cache").mkdir(mode=0o700, exist_ok=True)
if not config.fronts:
    from penstock.runtime.devices import compute_in_callers_thread
    compute_in_callers_thread()
server = FrontServer(config) if config.fronts else Server(config)
server.start()
if not config.fronts:
    settle_memory()
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
stop.wait()
server.stop()
"""


@dataclass(frozen=True)
class Peer:
    """One server.

    Args:
        program: what runs.
        python: variable that names the interpreter, or "" for ours.
        path: of JSON requests.
        raw_path: of bodies that are plain float32; "" if there is none.
        environment: more variables.
    """

    program: str
    python: str
    path: str = "/predict"
    raw_path: str = "/raw"
    environment: dict = field(default_factory=dict)


_SERVERS = "PENSTOCK_SERVERS_PYTHON"
_OURS = "/v1/models/{model}:predict"

PEERS = {
    "penstock": Peer(_PENSTOCK, "", _OURS, _OURS),
    "penstock with 2 fronts": Peer(_PENSTOCK, "", _OURS, _OURS, {"FRONTS": "2"}),
    "granian + onnxruntime": Peer(_SESSION + _GRANIAN, _SERVERS),
    "FastAPI + onnxruntime": Peer(_SESSION + _FASTAPI, _SERVERS),
    "LitServe": Peer(_SESSION + _LITSERVE, _SERVERS, raw_path=""),
    "BentoML": Peer(_SESSION + _BENTOML, _SERVERS, raw_path=""),
    "MLServer": Peer(
        _SESSION + _MLSERVER, "PENSTOCK_MLSERVER_PYTHON", "/v2/models/m/infer", raw_path=""
    ),
    "TensorFlow + FastAPI": Peer(_SESSION + _TENSORFLOW + _FASTAPI, "PENSTOCK_TFSERVE_PYTHON"),
}

# Writes both models: SavedModels by us, ONNX by the servers' interpreter.
MODELS = """
import sys
import numpy as np
import penstock as tf

folder = sys.argv[1]
random = np.random.default_rng(0)

def weights(*shape):
    return tf.Variable((random.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype("f4"))

class Mlp(tf.Module):
    def __init__(self):
        super().__init__()
        self.w0, self.w1, self.w2 = weights(784, 512), weights(512, 512), weights(512, 10)

    @tf.function(input_signature=[tf.TensorSpec([None, 784], tf.float32, name="x")])
    def run(self, x):
        return {"y": tf.nn.softmax(tf.nn.relu(tf.nn.relu(x @ self.w0) @ self.w1) @ self.w2)}

class Cnn(tf.Module):
    def __init__(self):
        super().__init__()
        self.w0, self.w1 = weights(3, 3, 1, 32), weights(3, 3, 32, 64)
        self.w2 = weights(3136, 10)

    @tf.function(input_signature=[tf.TensorSpec([None, 28, 28, 1], tf.float32, name="x")])
    def run(self, x):
        for w in (self.w0, self.w1):
            x = tf.nn.max_pool2d(tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME")), 2, 2, "SAME")
        return {"y": tf.nn.softmax(tf.reshape(x, [-1, 3136]) @ self.w2)}

for name, model in (("mlp", Mlp()), ("cnn", Cnn())):
    tf.saved_model.save(model, f"{folder}/{name}/1", signatures=model.run)
    kept = {key: getattr(model, key).numpy() for key in ("w0", "w1", "w2")}
    np.savez(f"{folder}/{name}.npz", **kept)
"""

ONNX = """
import sys
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

folder = sys.argv[1]
for name in ("mlp", "cnn"):
    w = np.load(f"{folder}/{name}.npz")
    w0, w1, w2 = w["w0"], w["w1"], w["w2"]
    node = helper.make_node
    if name == "mlp":
        shape = [None, 784]
        nodes = [node("MatMul", ["x", "w0"], ["a"]), node("Relu", ["a"], ["b"]),
                 node("MatMul", ["b", "w1"], ["c"]), node("Relu", ["c"], ["d"])]
    else:
        shape = [None, 28, 28, 1]
        w0, w1 = w0.transpose(3, 2, 0, 1), w1.transpose(3, 2, 0, 1)
        # The last weights are laid out for channels that come last.
        w2 = w2.reshape(7, 7, 64, 10).transpose(2, 0, 1, 3).reshape(3136, 10)
        pads = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        pool = dict(kernel_shape=[2, 2], strides=[2, 2])
        nodes = [node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]),
                 node("Conv", ["t", "w0"], ["a"], **pads), node("Relu", ["a"], ["b"]),
                 node("MaxPool", ["b"], ["c"], **pool),
                 node("Conv", ["c", "w1"], ["e"], **pads), node("Relu", ["e"], ["f"]),
                 node("MaxPool", ["f"], ["g"], **pool), node("Flatten", ["g"], ["d"])]
    nodes += [node("MatMul", ["d", "w2"], ["z"]), node("Softmax", ["z"], ["y"], axis=-1)]
    values = [numpy_helper.from_array(np.ascontiguousarray(v), k)
              for k, v in (("w0", w0), ("w1", w1), ("w2", w2))]
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 10])], values)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9),
         f"{folder}/{name}.onnx")
"""
