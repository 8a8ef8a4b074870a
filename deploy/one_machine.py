"""Airflow's hostname callable where many services share one machine (cluster_without_containers.py)."""

import os


def hostname() -> str:
    """Return what a container would be called: the name of its service."""
    return os.environ["HOSTNAME"]
