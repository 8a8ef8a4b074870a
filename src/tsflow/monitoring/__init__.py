"""The champion at work: forecasts that were made, how they did, what drifts, and who should look."""
