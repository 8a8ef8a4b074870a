"""Guessing how a logger writes: from some of its files to a draft of a station file, with the reason for each guess."""

from tsflow.stations.guessing.draft import Draft, drafted
from tsflow.stations.guessing.writing import as_yaml

__all__ = ["Draft", "as_yaml", "drafted"]
