"""From the hourly frame to what a network trains on: split, scaler, window index, lag tables."""
