"""Judging entrants: metrics, the leaderboard, its report."""
