"""A weather station's 24-hour temperature forecast, kept good every day by an Airflow workflow."""

DISTRIBUTION = "tsflow-weather"  # what it is installed as: `tsflow` on the public index is another project
__version__ = "0.1.0"
