"""What a program imports that reads the champion; installed with the extra `client`, without TensorFlow and Airflow.

>>> from tsflow.client import load_champion
>>> champion = load_champion("jena")        # verifies every hash before it loads anything
>>> champion.forecast(frame)                # 120 hourly rows in raw units -> degC 24 hours later
>>> champion.refresh()                      # True if another one was published since; the last good one stays in trouble
"""

from tsflow.client.cache import default_cache
from tsflow.client.champion import Champion, load_champion
from tsflow.client.latest import forecast_latest
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
    "default_cache",
    "forecast_latest",
    "load_champion",
]
