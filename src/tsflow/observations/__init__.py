"""The store of observations, their validation with Great Expectations, and the hourly frame."""
