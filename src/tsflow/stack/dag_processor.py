"""Airflow's DAG processor, with what the DAG files import already loaded.

It forks a process for each reading of each DAG file; what is loaded before the fork is not loaded again in each of them, every
45 seconds, for as long as the stack stands idle. Airflow does so for its own modules that a file names in full, not for others.
"""

import runpy
import sys
from importlib import import_module

# By name, as the stack stands apart from both: it starts them and uses neither.
LOADED = ("airflow.sdk.definitions.decorators", "tsflow.requests.form", "tsflow.settings")

if __name__ == "__main__":
    for module in LOADED:
        import_module(module)
    sys.argv = ["airflow", "dag-processor"]
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
