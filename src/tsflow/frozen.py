"""Loaded last by the server that tasks are forked from: what was loaded by then is no more the garbage collector's matter.

A collection in a task would go through all of it, and so make copies of its pages: a second of processor and 130 MB a task.
"""

import gc

gc.collect()
gc.freeze()
