"""`tf.dtypes`: element types."""

from penstock.api import dtypes_experimental as experimental  # noqa: F401
from penstock.api.casting import cast as cast
from penstock.api.casting import saturate_cast as saturate_cast
from penstock.api.elementwise import complex as complex
from penstock.core.dtypes import *  # noqa: F403
from penstock.core.dtypes import DType as DType
from penstock.core.dtypes import as_dtype as as_dtype
from penstock.core.dtypes import qint8, qint16, qint32, quint8, quint16

QUANTIZED_DTYPES = frozenset(
    as_dtype(f"{plain.name}{kind}")
    for plain in (qint8, qint16, qint32, quint8, quint16)
    for kind in ("", "_ref")
)
