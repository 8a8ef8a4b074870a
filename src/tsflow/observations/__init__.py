"""The store of observations, their validation, and the hourly frame."""
