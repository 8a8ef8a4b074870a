"""Forecasts over HTTP, read with keys that cannot write: `tsflow serve`, extra `serve`."""
