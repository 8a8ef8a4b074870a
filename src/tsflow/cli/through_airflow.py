"""Placeholder until the stack lands."""
