"""Programs that read SavedModels without TensorFlow's loader. Usage: tools.py TOOL FOLDER NAME.

TOOL is openvino or tf2onnx; FOLDER is what `run.py save` wrote. Prints the largest difference
from what the model gave when it was saved.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def openvino(model, inputs):
    import openvino

    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(openvino.convert_model(model), "CPU", settings)
    return [np.asarray(value) for value in compiled(inputs).values()]


def tf2onnx(model, inputs):
    import subprocess

    import onnxruntime

    target = f"{model}.onnx"
    command = [sys.executable, "-m", "tf2onnx.convert", "--saved-model", model]
    subprocess.run([*command, "--output", target], check=True, capture_output=True)
    session = onnxruntime.InferenceSession(target, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))


def main(tool, folder, name):
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    from tests.conformance.exchange import keras_models  # noqa: F401
    from tests.conformance.exchange.program import PROGRAMS

    expected = json.loads((folder / name / "answers.json").read_text())
    call = PROGRAMS[name].calls()[0]
    inputs = [np.asarray(value) for value in call.args]
    results = globals()[tool](str(folder / name / "model"), inputs)
    worst = 0.0
    for want, got in zip(expected[0], results, strict=True):
        assert list(got.shape) == want["shape"]
        worst = max(worst, float(np.max(np.abs(got.ravel() - want["values"]))))
    return worst


if __name__ == "__main__":
    print(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
