"""Judging candidates by their forecasts: metrics, scores, the leaderboard, its page."""
