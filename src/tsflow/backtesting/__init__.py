"""Rolling-origin backtests: folds, errors by group, summary, page."""
