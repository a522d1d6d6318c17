"""`tf.dtypes`: element types."""

from penstock.api import dtypes_experimental as experimental  # noqa: F401
from penstock.api.casting import cast as cast
from penstock.api.casting import saturate_cast as saturate_cast
from penstock.api.elementwise import complex as complex
from penstock.core.dtypes import *  # noqa: F403
from penstock.core.dtypes import DType as DType
from penstock.core.dtypes import as_dtype as as_dtype
