import jax
import jax.numpy as jnp
import numpy as np

from penstock.core.dtypes import float32, int32
from tests.ops.sample import Sample

rows, columns = jax.export.symbolic_shape("a, b")


@jax.jit
def summed(x, y):
    total, _ = jax.lax.scan(lambda c, row: (c + row, None), jnp.zeros_like(x[0]), x)
    return total * y, x.shape[0] + 0 * y.astype(jnp.int32)


def program(platforms=("cpu",)):
    shapes = [
        jax.ShapeDtypeStruct((rows, columns), np.float32),
        jax.ShapeDtypeStruct((), np.float32),
    ]
    return jax.export.export(summed, platforms=platforms)(*shapes).mlir_module_serialized


def attrs(module, platforms):
    return {
        "version": 10,
        "module": module,
        "Sout": ((None,), ()),
        "Tout": (float32, int32),
        "platforms": platforms,
    }


x = np.arange(12, dtype=np.float32).reshape(4, 3)

SAMPLES = [
    Sample(
        "XlaCallModule",
        ((x, np.float32(2)),),
        (x.sum(0) * 2, np.int32(4)),
        attrs(program(), ("CPU",)),
        differentiable=False,
    ),
    Sample(
        "XlaCallModule",
        ((x[:1], np.float32(3)),),
        (x[0] * 3, np.int32(1)),
        attrs(program(("cpu", "cuda")), ("CPU", "CUDA")),
        differentiable=False,
    ),
]
