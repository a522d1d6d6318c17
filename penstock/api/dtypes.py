"""`tf.dtypes`: element types."""

from penstock.core.dtypes import *  # noqa: F403
from penstock.core.dtypes import DType as DType
from penstock.core.dtypes import as_dtype as as_dtype
