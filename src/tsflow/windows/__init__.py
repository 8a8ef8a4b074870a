"""From the hourly frame to what a model trains on: split, scaler, window index, lags, the dataset."""
