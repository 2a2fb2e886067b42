"""Whether this processor adds up 8-bit products exactly, as engines in integers need it.

Without VNNI, ONNX Runtime's product of unsigned and signed 8-bit numbers keeps sums of two in 16
bits, and cuts off what is larger ("When and why do I need to try U8U8" in its documentation of
quantization). A model then serves by its engine in floating point.
"""

from __future__ import annotations

import base64
from functools import cache

import numpy as np
import onnxruntime

# A graph of one MatMulInteger, uint8 [1, 64] x int8 [64, 16]: written down because the package that
# writes graphs is not where models are served (tests/inference/test_exact_int8.py builds it).
GRAPH = base64.b64decode(
    "CAgSADpcChgKAWEKAWISAWMiDU1hdE11bEludGVnZXISAWdaEwoBYRIOCgwIAhIICgIIAQoCCEBaEwoBYhIOCgwIAxIICgII"
    "QAoCCBBiEwoBYxIOCgwIBhIICgIIAQoCCBBCBAoAEA0="
)
LENGTH, COLUMNS = 64, 16
LARGEST_UINT8, LARGEST_INT8 = 255, 127


@cache
def int8_is_exact() -> bool:
    """Multiply the largest numbers once, and see whether the sum is whole."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(GRAPH, options, providers=["CPUExecutionProvider"])
    row = np.full((1, LENGTH), LARGEST_UINT8, np.uint8)
    table = np.full((LENGTH, COLUMNS), LARGEST_INT8, np.int8)
    (sums,) = session.run(None, {"a": row, "b": table})
    return bool((sums == LENGTH * LARGEST_UINT8 * LARGEST_INT8).all())
