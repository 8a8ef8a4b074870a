"""What a program imports that reads the champion; installed with the extra `client`, without TensorFlow and Airflow.

>>> from tsflow.client import load_champion
>>> champion = load_champion("jena")        # verifies every hash before it loads anything
>>> champion.forecast(frame)                # 120 hourly rows in raw units -> degC 24 hours later
"""

from tsflow.client.champion import Champion, load_champion
from tsflow.errors import DataError, IntegrityError, NoChampion, StorageDenied, StorageUnavailable, TsflowError

__all__ = [
    "Champion",
    "DataError",
    "IntegrityError",
    "NoChampion",
    "StorageDenied",
    "StorageUnavailable",
    "TsflowError",
    "load_champion",
]
