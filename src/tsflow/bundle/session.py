"""An ONNX model, opened to be run; the one place that loads ONNX Runtime."""

import os
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before the import: its wheels report to Microsoft else

import onnxruntime


def open_model(onnx: bytes, threads: int = 1) -> Any:
    """Return an `onnxruntime.InferenceSession` on the processor; `threads` is 1, since one window is too little work to share."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(onnx, sess_options=options, providers=["CPUExecutionProvider"])
