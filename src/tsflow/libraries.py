"""How what is large is loaded: what TensorFlow reads from the environment, unless somebody has set it, and what it says then."""

import gc
import os
import sys
from importlib import import_module

ONEDNN = "TF_ENABLE_ONEDNN_OPTS"
TENSORFLOW = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # below an error it speaks to its makers
    ONEDNN: "1",  # by itself it takes oneDNN only on processors with AVX512-VNNI or AMX
}
_STDERR = 2  # the process's own, whatever stands in `sys.stderr`


def collect_seldom() -> None:
    """Let Python look for reference cycles after each 10,000 new objects, not 700, for good.

    Loading makes a million objects that stay: a quarter of its time goes into looking at them. Memory grows by 1 %.
    """
    gc.set_threshold(10_000)


def keep_loaded() -> None:
    """Let Python never again look for reference cycles among what there is by now: what was loaded lives as long as the process.

    After Great Expectations one such look takes as long as a third of a validation of 8 years of rows.
    """
    collect_seldom()
    gc.freeze()


def tell_tensorflow() -> None:
    """Set what TensorFlow is to read; call it before the first import of it, also where only children import it."""
    for name, value in TENSORFLOW.items():
        os.environ.setdefault(name, value)


def load_tensorflow() -> None:
    """Load TensorFlow, once, without its words: twice it says that oneDNN is on, whatever level of messages is asked for."""
    tell_tensorflow()
    if "tensorflow" in sys.modules:
        return
    collect_seldom()
    kept, nowhere = os.dup(_STDERR), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    try:
        import_module("tensorflow")  # what goes wrong is raised
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
        os.close(nowhere)
