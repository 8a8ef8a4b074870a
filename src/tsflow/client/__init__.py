"""What a program imports that reads the champion; installed with the extra `client`, without TensorFlow and Airflow.

>>> from tsflow.client import load_champion
>>> champion = load_champion("jena")        # verifies every hash before it loads anything
>>> champion.forecast(frame)                # 120 hourly rows in raw units -> degC 24 hours later
>>> champion.refresh()                      # takes a newer champion, keeps the last good one while the store is away
>>> forecast_latest("jena")                 # what the workflow itself forecast last
"""

from tsflow.client.champion import Champion
from tsflow.client.loading import forecast_latest, load_champion
from tsflow.errors import DataError, IntegrityError, NoChampion, NoForecast, StorageDenied, StorageUnavailable, TsflowError

__all__ = [
    "Champion",
    "DataError",
    "IntegrityError",
    "NoChampion",
    "NoForecast",
    "StorageDenied",
    "StorageUnavailable",
    "TsflowError",
    "forecast_latest",
    "load_champion",
]
