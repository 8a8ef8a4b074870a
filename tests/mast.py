"""A mast unlike the station in Jena: other names, other units, half-hourly, no dew point, no wind direction, years ago.

Its weather is the simulator's, so that it can be held against a station that says the same in Jena's way.
"""

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import yaml

from tsflow.stations.parse import parse
from tsflow.stations.station import load_station

AS_OF = "2017-07-01"
MAST = {
    "station": "mast",
    "title": "A mast on a hill",
    "location": {"latitude": 50.91, "longitude": 11.56, "altitude_m": 220},
    "cadence": "30min",
    "timestamp": {"column": "TIMESTAMP", "format": "%Y-%m-%dT%H:%M", "utc_offset_hours": 1},
    "form": {"delimiter": ";", "decimal": ","},
    "missing": [-9999],
    "target": "air_2m",
    "variables": {
        "air_2m": {
            "column": "AirT_Avg [degF]",
            "quantity": "air_temperature",
            "unit": "degC",
            "column_unit": "degF",
            "range": [-40, 45],
        },
        "baro": {"column": "BP_Pa", "quantity": "air_pressure", "unit": "hPa", "column_unit": "Pa", "range": [850, 1080]},
        "humid": {"column": "RH", "quantity": "relative_humidity", "unit": "%", "range": [0, 103]},
        "cup": {"column": "WS (kt)", "quantity": "wind_speed", "unit": "m/s", "column_unit": "kt", "range": [0, 60]},
    },
    "sources": {"files": {"kind": "files", "paths": ["*.csv"]}},
}


def simulated(days: int, *, end: str = AS_OF) -> pd.DataFrame:
    """Return the simulator's rows at the mast's cadence, by Jena's names and units."""
    demo = load_station("demo")
    moment = datetime.fromisoformat(end)
    files = demo.source("simulator").fetch(demo, start=moment - timedelta(days=days), end=moment)
    frame, _ = parse(files, demo, now=moment)
    return frame[frame["time"].dt.minute % 30 == 0].reset_index(drop=True)


def mast_csv(rows: pd.DataFrame) -> bytes:
    """Return rows as the mast's logger writes them."""
    cells = {
        "TIMESTAMP": rows["time"].dt.strftime("%Y-%m-%dT%H:%M"),
        "AirT_Avg [degF]": (rows["T"] * 9 / 5 + 32).round(4),
        "BP_Pa": (rows["p"] * 100).round(1),
        "RH": rows["rh"],
        "WS (kt)": (rows["wv"] / 0.514444444).round(5),
    }
    return pd.DataFrame(cells).to_csv(index=False, sep=";", decimal=",", na_rep="-9999").encode()


def write_mast(home: Path, **changes: object) -> None:
    """Put the mast's station file into a home."""
    path = home / "include" / "stations" / "mast.yaml"
    path.write_text(yaml.safe_dump({**MAST, **changes}, sort_keys=False), encoding="utf-8")
