"""Train steps and inference of whole nets beside the peers, in one run; writes their table.

Real TensorFlow is found through PENSTOCK_PEER_PYTHON, and torch, onnxruntime and OpenVINO
through PENSTOCK_NETS_PYTHON: peers that are missing are left out. Each net is measured on all
sides in turn, many times, and the least is kept; a side that is four times slower than another
after two rounds is not asked again. `--rounds=N` says how often, `--sides=A,B` which sides,
`--write` puts the table into docs/reference/nets.md, and other words choose the nets that have
them in their names.
"""

import os
import platform
import sys
from pathlib import Path

from sides import Side, measure_cases, peer_python

HERE = Path(__file__).resolve().parent
TABLE = HERE.parent / "docs" / "reference" / "nets.md"
STEPS = 8

TRAINED = ("MLP", "CNN", "LSTM", "Transformer")
INFERRED = tuple(
    f"{name}, batch {rows}"
    for name in ("MobileNetV2-like 96", "ResNet-18-like 64", "BERT-mini-like")
    for rows in (1, 32)
)
# Net -> what our time may be: so many times the best of these peers' times.
_OWN_KIND = ("TensorFlow", "TensorFlow jit_compile", "JAX", "torch")
_ENGINES = ("onnxruntime", "OpenVINO")
# Keras is the same above all backends that are judged; this one has no Keras above it.
OWN_LOOP = "torch without Keras"
LIMITS = {
    "MLP": ((0.6, _OWN_KIND),),
    "CNN": ((1.2, ("TensorFlow",)),),
    "LSTM": ((1.0, _OWN_KIND),),
    "Transformer": ((1.0, ("torch",)),),
    **dict.fromkeys(INFERRED, ((1.0, _OWN_KIND), (1.2, _ENGINES))),
}

_KERAS = """
import os, sys
os.environ["KERAS_BACKEND"] = "WHICH"
PREPARE
sys.path.insert(0, "FOLDER")
import nets_keras
CASES = nets_keras.cases("KIND")
"""
_TORCH = """
import sys
sys.path.insert(0, "FOLDER")
import nets_torch
CASES = nets_torch.cases("KIND", "ENGINE")
"""
_INSTALL = "import penstock; penstock.install_as_tensorflow()"
_ALLOW = "from penstock.runtime.allocator import allow_keeping_memory as a; a()"


def sides(kind):
    def keras(name, backend, prepare="", python=sys.executable, **environment):
        source = _KERAS.replace("WHICH", backend).replace("PREPARE", prepare)
        source = source.replace("FOLDER", str(HERE)).replace("KIND", kind)
        return Side(name, source, python, environment)

    # A server keeps freed memory; so does a program that trains, by itself.
    install = _INSTALL if kind == "train" else f"{_INSTALL}\n{_ALLOW}"
    found = [keras("penstock", "tensorflow", install), keras("JAX", "jax")]
    if peer_python():
        found.append(keras("TensorFlow", "tensorflow", python=peer_python()))
        name = "TensorFlow jit_compile"
        found.append(keras(name, "tensorflow", python=peer_python(), NETS_JIT_COMPILE="1"))
    other = os.environ.get("PENSTOCK_NETS_PYTHON")
    if other:
        names = {"torch": "torch"} | {engine: engine.lower() for engine in _ENGINES}
        if kind == "train":
            found.append(keras("torch", "torch", python=other))
            names = {OWN_LOOP: "torch"}
        for name, engine in names.items():
            source = _TORCH.replace("FOLDER", str(HERE)).replace("KIND", kind)
            found.append(Side(name, source.replace("ENGINE", engine), other))
    return found


def measured(kind, nets, rounds, microseconds, chosen=()):
    """Least seconds of a step or a call, by net and side."""
    wanted = [side for side in sides(kind) if not chosen or side.name in chosen]
    best = measure_cases(wanted, nets, rounds, microseconds, hopeless=4)
    if kind == "train":
        for times in best.values():
            for side, seconds in times.items():
                times[side] = type(seconds)(seconds / STEPS, seconds.cpu / STEPS)
    return best


def verdicts(net, times):
    """For each limit of a net: our time by the best of the peers', the limit, and whose."""
    for limit, peers in LIMITS[net]:
        present = [peer for peer in peers if peer in times]
        if present:
            best = min(present, key=times.get)
            yield times["penstock"] / times[best], limit, best


def table(best):
    """Markdown of milliseconds by net and side, those that processors worked in brackets."""
    names = list(dict.fromkeys(name for times in best.values() for name in times))
    lines = ["| net | " + " | ".join(names) + " | by the best peer |"]
    lines.append("|---" * (len(names) + 2) + "|")
    for net, times in best.items():
        cells = [
            f"{times[name] * 1e3:.2f} ({times[name].cpu * 1e3:.2f})" if name in times else "-"
            for name in names
        ]
        ratios = ", ".join(
            f"{ratio:.2f}x {peer} (limit {limit})"
            for ratio, limit, peer in verdicts(net, times)
        )
        lines.append(f"| {net} | {' | '.join(cells)} | {ratios} |")
    return "\n".join(lines)


def page(trained, inferred):
    cores = os.cpu_count()
    return f"""# Whole nets beside the peers

Written by `python benchmarks/nets.py --write`; do not edit.

Least milliseconds of a clock over interleaved repeats, and in brackets the least milliseconds
that processors worked, on all threads together. Machine: {platform.machine()}, {cores} cores,
load {os.getloadavg()[0]:.1f} at the end. Read the figures as ratios.

## Train step

Batch 64, Adam, through `model.fit` of {STEPS} steps on each backend of Keras; beside them torch
in a loop written by hand with its fused Adam, which has no data pipeline, metrics or callbacks.

{table(trained)}

## Inference

A call with an array already in memory, until its answer can be read.

{table(inferred)}
"""


def main(arguments):
    small = "--small" in arguments
    options = dict(word[2:].partition("=")[::2] for word in arguments if word.startswith("--"))
    rounds, microseconds = (1, 1) if small else (int(options.get("rounds", "8")), 100_000)
    chosen_sides = [name for name in options.get("sides", "").split(",") if name]
    chosen = [word for word in arguments if not word.startswith("--")]

    def wanted(nets):
        return [net for net in nets if not chosen or any(word in net for word in chosen)]

    trained, inferred = (
        measured(kind, wanted(nets), rounds, microseconds, chosen_sides) if wanted(nets) else {}
        for kind, nets in (("train", TRAINED), ("infer", INFERRED))
    )
    text = page(trained, inferred)
    print(text)
    if "--write" in arguments:
        TABLE.write_text(text, encoding="utf-8")
    within = [
        ratio <= limit
        for net, times in {**trained, **inferred}.items()
        for ratio, limit, _ in verdicts(net, times)
    ]
    return 0 if all(within) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
