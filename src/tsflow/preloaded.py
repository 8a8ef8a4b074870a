"""Loaded last by the server that tasks are forked from: what takes seconds to import, and is then kept from the garbage collector.

A collection in a task would go through all of it, and so make copies of its pages: a second of processor and 130 MB a task. It
stands outside the stack's room, whose `__init__` would bring the rest of tsflow: a change of that counts with the next task.
"""

import gc
import logging
import os
from importlib import import_module

os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # tasks inherit it, too
logging.getLogger("great_expectations").setLevel(logging.WARNING)  # it tells of two hundred functions else
gc.set_threshold(10_000)  # as `libraries.collect_seldom` does; tasks inherit it, too
_LIBRARIES = (
    "tensorflow",
    "great_expectations",
    "onnxruntime",
    "lightgbm",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "pydantic_settings",
    "tf2onnx.tfonnx",
)
for name in _LIBRARIES:
    import_module(name)
gc.collect()
gc.freeze()
