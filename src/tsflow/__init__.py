"""A weather station's 24-hour temperature forecast, kept good every day by an Airflow workflow."""

__version__ = "0.1.0"
