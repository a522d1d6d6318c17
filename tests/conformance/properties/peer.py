"""TensorFlow in a process of its own that answers calls, one line of JSON each.

Run with the peer's Python, it serves; imported, it starts such a process and asks it.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

PYTHON = os.environ.get("PENSTOCK_PEER_PYTHON")


def _messages():
    path = Path(__file__).with_name("messages.py")
    spec = importlib.util.spec_from_file_location("properties_messages", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Peer:
    """A running TensorFlow."""

    def __init__(self, python):
        environment = {
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            # Kernels of TensorFlow's own, whose results follow the documentation for empty
            # arrays and for what is not a number; those of oneDNN do not.
            "TF_ENABLE_ONEDNN_OPTS": "0",
        }
        self._process = subprocess.Popen(
            [python, __file__],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def call(self, name, arguments, attrs):
        """Give the result of one call; None when TensorFlow did not survive it."""
        messages = _messages()
        packed = [messages.pack(argument) for argument in arguments]
        request = {"name": name, "arguments": packed, "attrs": attrs}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        return json.loads(answer) if answer else None

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()


def serve():
    """Answer calls until the input ends."""
    # What TensorFlow prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import tensorflow as tf

    messages = _messages()
    for line in sys.stdin:
        request = json.loads(line)
        arguments = [messages.unpack(argument) for argument in request["arguments"]]
        result = messages.call(tf, request["name"], arguments, request["attrs"])
        answers.write(json.dumps(result) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
