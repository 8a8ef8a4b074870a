"""Searching better settings of one recipe: plan, work, result, page."""
