"""The command line: `tsflow --help`."""

from tsflow.cli.main import main

__all__ = ["main"]
