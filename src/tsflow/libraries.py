"""What TensorFlow reads from the environment while it is loaded, unless somebody has set it."""

import os

TENSORFLOW = {
    "TF_CPP_MIN_LOG_LEVEL": "2",  # below an error it speaks to its makers
    "TF_ENABLE_ONEDNN_OPTS": "1",  # by itself it takes oneDNN only on processors with AVX512-VNNI or AMX
}


def tell_tensorflow() -> None:
    """Set what TensorFlow is to read; call it before the first import of it, also where only children import it."""
    for name, value in TENSORFLOW.items():
        os.environ.setdefault(name, value)
