"""The nets of `nets_keras.py` in torch, as torch's users write them; and as ONNX files."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn

STEPS = 8
BATCH = 64
MOBILE_BLOCKS = (
    (16, 1, 1, 1),
    (24, 2, 2, 6),
    (32, 2, 3, 6),
    (64, 2, 4, 6),
    (96, 1, 3, 6),
    (160, 2, 3, 6),
    (320, 1, 1, 6),
)


def _conv(depth, filters, size, stride=1, groups=1):
    return nn.Conv2d(depth, filters, size, stride, size // 2, groups=groups, bias=False)


class Residue(nn.Module):
    def __init__(self, way, short, last):
        super().__init__()
        self.way, self.short, self.last = way, short, last

    def forward(self, x):
        return self.last(self.way(x) + self.short(x))


class Encoder(nn.Module):
    def __init__(self, width, heads, inner, dropout):
        super().__init__()
        self.heads, self.rate = heads, dropout
        self.project, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.first, self.second = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        rows, length, width = x.shape
        split = self.project(x).view(rows, length, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        rate = self.rate if self.training else 0.0
        y = nn.functional.scaled_dot_product_attention(q, k, v, dropout_p=rate)
        y = self.out(y.transpose(1, 2).reshape(rows, length, width))
        x = self.first(x + self.drop(y))
        return self.second(x + self.drop(self.down(nn.functional.gelu(self.up(x)))))


class Last(nn.Module):
    def __init__(self, *shape):
        super().__init__()
        self.cell, self.out = nn.LSTM(*shape, batch_first=True), nn.Linear(shape[1], 10)

    def forward(self, x):
        return self.out(self.cell(x)[0][:, -1])


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


class First(nn.Module):
    def forward(self, x):
        return x[:, 0]


def _numbers(*shape):
    return torch.from_numpy(np.random.default_rng(0).random(shape, np.float32))


def _tokens(rows, length):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 8000, (rows, length)))


def mlp():
    net = [nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)]
    return nn.Sequential(*net), _numbers(STEPS * BATCH, 784)


def cnn():
    def conv(depth, filters):
        return nn.Conv2d(depth, filters, 3, padding=1), nn.ReLU()

    net = [*conv(3, 32), *conv(32, 32), nn.MaxPool2d(2), *conv(32, 64), nn.MaxPool2d(2)]
    net += [nn.Flatten(), nn.Linear(64 * 64, 128), nn.ReLU(), nn.Linear(128, 10)]
    return nn.Sequential(*net), _numbers(STEPS * BATCH, 3, 32, 32)


def lstm():
    return Last(64, 128), _numbers(STEPS * BATCH, 64, 64)


def transformer():
    net = [nn.Embedding(8000, 128), *(Encoder(128, 4, 512, 0.1) for _ in range(2))]
    return nn.Sequential(*net, Mean(), nn.Linear(128, 10)), _tokens(STEPS * BATCH, 64)


def mobilenet(rows):
    net = [_conv(3, 32, 3, 2), nn.BatchNorm2d(32), nn.ReLU6()]
    depth = 32
    for filters, first, count, expand in MOBILE_BLOCKS:
        for i in range(count):
            stride, wide = first if i == 0 else 1, depth * expand
            way = []
            if expand != 1:
                way = [_conv(depth, wide, 1), nn.BatchNorm2d(wide), nn.ReLU6()]
            way += [_conv(wide, wide, 3, stride, wide), nn.BatchNorm2d(wide), nn.ReLU6()]
            way = nn.Sequential(*way, _conv(wide, filters, 1), nn.BatchNorm2d(filters))
            plain = stride == 1 and depth == filters
            net.append(Residue(way, nn.Identity(), nn.Identity()) if plain else way)
            depth = filters
    net += [_conv(depth, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6(), nn.AdaptiveAvgPool2d(1)]
    net = nn.Sequential(*net, nn.Flatten(), nn.Linear(1280, 1000))
    return net, _numbers(rows, 3, 96, 96)


def resnet(rows):
    net = [_conv(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    depth = 64
    for filters in (64, 128, 256, 512):
        for stride in (1 if filters == 64 else 2, 1):
            way = [_conv(depth, filters, 3, stride), nn.BatchNorm2d(filters), nn.ReLU()]
            way += [_conv(filters, filters, 3), nn.BatchNorm2d(filters)]
            short = nn.Identity()
            if stride != 1 or depth != filters:
                short = nn.Sequential(_conv(depth, filters, 1, stride), nn.BatchNorm2d(filters))
            net.append(Residue(nn.Sequential(*way), short, nn.ReLU()))
            depth = filters
    net = nn.Sequential(*net, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))
    return net, _numbers(rows, 3, 64, 64)


def bert(rows):
    net = [nn.Embedding(8000, 256), nn.LayerNorm(256, 1e-6)]
    net += [Encoder(256, 4, 1024, 0.0) for _ in range(4)]
    return nn.Sequential(*net, First(), nn.Linear(256, 10)), _tokens(rows, 128)


TRAINED = {"MLP": mlp, "CNN": cnn, "LSTM": lstm, "Transformer": transformer}
INFERRED = {
    "MobileNetV2-like 96": mobilenet,
    "ResNet-18-like 64": resnet,
    "BERT-mini-like": bert,
}
ROWS = (1, 32)


def _training(build):
    torch.manual_seed(0)
    model, x = build()
    classes = np.random.default_rng(1).integers(0, 10, (STEPS * BATCH,))
    batches = list(zip(x.split(BATCH), torch.from_numpy(classes).split(BATCH), strict=True))
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=True)
    loss = nn.CrossEntropyLoss()

    def fit():
        total = 0.0
        for inputs, labels in batches:
            optimizer.zero_grad()
            value = loss(model(inputs), labels)
            value.backward()
            optimizer.step()
            total += value.item()
        return total

    return fit


def _inference(build, rows):
    model, x = build(rows)
    model.eval()
    if x.ndim == 4:
        model, x = (
            model.to(memory_format=torch.channels_last),
            x.contiguous(memory_format=torch.channels_last),
        )

    def call():
        with torch.inference_mode():
            return model(x).numpy()

    return call


def _onnx(build, rows, folder):
    torch.manual_seed(0)
    model, x = build(rows)
    path = Path(folder, "net.onnx")
    torch.onnx.export(
        model.eval(), (x,), str(path), input_names=["x"], opset_version=17, dynamo=False
    )
    return path, x.numpy()


def _onnxruntime(build, rows):
    import onnxruntime  # noqa: PLC0415  (only one side has it)

    with tempfile.TemporaryDirectory() as folder:
        path, x = _onnx(build, rows, folder)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"x": x})


def _openvino(build, rows):
    import openvino  # noqa: PLC0415  (only one side has it)

    with tempfile.TemporaryDirectory() as folder:
        path, x = _onnx(build, rows, folder)
        # Without the hint it would round to half precision where the processor can.
        exact = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        model = openvino.compile_model(openvino.Core().read_model(str(path)), "CPU", exact)
    request = model.create_infer_request()
    return lambda: request.infer({0: x})


_ENGINES = {"torch": _inference, "onnxruntime": _onnxruntime, "openvino": _openvino}


def _later(build):
    made = []

    def work():
        if not made:
            made.append(build())
        return made[0]()

    return work


def cases(kind, engine):
    """The calls of a kind, "train" or "infer", by the name of the net."""
    if kind == "train":
        return {
            name: _later(lambda build=build: _training(build))
            for name, build in TRAINED.items()
        }
    make = _ENGINES[engine]
    return {
        f"{name}, batch {rows}": _later(lambda build=build, rows=rows: make(build, rows))
        for name, build in INFERRED.items()
        for rows in ROWS
    }
