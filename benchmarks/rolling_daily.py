"""Retrain as of past days as the daily schedule does, and score each published model on the days that followed.

    python benchmarks/rolling_daily.py data/jena_hourly_2009_2014.csv.gz --first 2012-01-01 --dates 17 --output rolling.json

The file is ingested once; then each date is a run of the profile: entrants train side by side in `training.pool_slots` processes,
are ranked, brought before the gate, fitted once more and published, in one history. The model that the pointer means then, fitted
up to the date, forecasts every hour of the following days, which nobody saw. Settings come by TSFLOW_*, the store is the settings'
own, or an embedded one that goes with the program. Written: JSON and, beside it, a table in Markdown.
"""

import argparse
import json
import multiprocessing
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tsflow import steps
from tsflow.backtesting.grouped import SEASONS, seasons
from tsflow.bundle.session import open_model
from tsflow.champion.history import History
from tsflow.client import load_champion
from tsflow.evaluation.boards import board_of
from tsflow.observations.hourly import hourly_frame
from tsflow.observations.store import ObservationStore
from tsflow.records.candidate import StoredCandidate
from tsflow.records.decision import Decision
from tsflow.records.files import REFITS
from tsflow.records.record import Reference
from tsflow.records.store import Records
from tsflow.requests import IngestRequest, RetrainRequest, resolve
from tsflow.settings import ObjectStoreSettings, settings
from tsflow.splits import FixedSplit
from tsflow.stack import object_store
from tsflow.windows.building import dataset_of
from tsflow.windows.dataset import Dataset


def train(opened: ObjectStoreSettings, run: str, name: str, decision: Reference | None) -> str:
    """Train an entrant of a run in this process, or fit it once more for a decision; return why that failed, if it did."""
    records = Records(opened.open())
    try:
        if decision is None:
            steps.train_entrant(records, settings(), run, name)
        else:
            steps.refit_entrant(records, settings(), decision, name)
    except Exception as error:  # noqa: BLE001  # recorded by the step, and shown on the board
        return f"{type(error).__name__}: {error}"
    return ""


class Days:
    """Runs as of past days in one store, and what the models that they published did on the days that followed."""

    def __init__(self, opened: ObjectStoreSettings, pool: ProcessPoolExecutor, arguments: argparse.Namespace) -> None:
        self.records, self._opened, self._pool, self._asked = Records(opened.open()), opened, pool, arguments
        self._frames: dict[str, Dataset] = {}

    def ingest(self) -> None:
        """Store the files' rows."""
        last = self._asked.first + timedelta(days=self._asked.every * self._asked.dates + self._asked.days)
        request = IngestRequest.of({"station": self._asked.station, "as_of": last.isoformat()})
        steps.fetch_batch(self.records, settings(), request, "rows", files=self._asked.files)
        steps.validate_batch(self.records, settings(), "rows", self._asked.station)
        steps.store_batch(self.records, "rows")

    def retrain(self, day: datetime) -> dict[str, Any]:
        """Do what a day's run does; return what went out and how long it took."""
        run, began = f"r{day:%Y%m%d}", time.monotonic()
        asked = {"station": self._asked.station, "profile": self._asked.profile, "as_of": day.isoformat()}
        if self._asked.architectures:
            asked["architectures"] = self._asked.architectures.split(",")
        planned = steps.build_dataset(self.records, settings(), RetrainRequest.of(asked), run)
        failed = self._side_by_side(run, steps.singles_of(planned), None)
        failed |= {name: said for name in steps.ensembles_of(planned) if (said := train(self._opened, run, name, None))}
        decision = steps.decide(self.records, settings(), steps.rank_entrants(self.records, run))
        refits = steps.plan_refit(self.records, settings(), decision)
        failed |= self._side_by_side(run, refits, decision)
        told = steps.publish(self.records, settings(), decision)
        board, decided = board_of(self.records, run), self.records.fetch(Decision, decision)
        return {
            "date": f"{day:%Y-%m-%d}",
            "seconds": round(time.monotonic() - began, 1),
            "outcome": told.outcome,
            "reason": told.reason,
            "leads": board.challenger,
            "challenger": decided.challenger,
            "failed": failed,
            "refits": refits,
            "validation": {each.architecture: each.val_mae for each in board.entrants},
        }

    def _side_by_side(self, run: str, names: list[str], decision: Reference | None) -> dict[str, str]:
        said = {name: self._pool.submit(train, self._opened, run, name, decision) for name in names}
        return {name: future.result() for name, future in said.items() if future.result()}

    def score(self, day: datetime, refits: list[str]) -> dict[str, Any]:
        """Return the error of the model that the pointer means, of the fits that it is made of, and of naive, on the days after."""
        unseen = self._after(day)
        contexts, truth = unseen.contexts(unseen.starts("test")), unseen.targets("test")
        now = unseen.values[unseen.origins("test"), unseen.target_index]
        champion = load_champion(self._asked.station, self.records.objects)
        errors = {"naive": np.abs(now - truth), "published": np.abs(champion.forecast_many(contexts) - truth)}
        for name in refits if len(refits) > 1 else []:
            place = {"folder": REFITS.key(run=f"r{day:%Y%m%d}"), "architecture": name}
            session = open_model(self.records.opened(self.records.read(StoredCandidate, **place).files["model.onnx"]))
            errors[name] = np.abs(session.run(["forecast"], {session.get_inputs()[0].name: contexts})[0][:, 0] - truth)
        season = seasons(unseen.times[unseen.origins("test") + unseen.task.horizon_hours])
        return {
            "published": champion.manifest.architecture,
            "windows": len(truth),
            "mae": {name: float(found.mean()) for name, found in errors.items()},
            "by_season": {
                name: {who: [int((season == name).sum()), float(found[season == name].sum())] for who, found in errors.items()}
                for name in SEASONS
            },
        }

    def _after(self, day: datetime) -> Dataset:
        end = day + timedelta(days=self._asked.days)
        order = resolve(
            RetrainRequest.of({"station": self._asked.station, "as_of": end.isoformat(), "profile": "full"}), settings()
        )
        rows = ObservationStore(self.records, self._asked.station).read(order.period)
        hourly = hourly_frame(rows, order.station, settings().hourly, target=order.task.target)
        split = FixedSplit(train_end=day, validation_end=day, test_end=end)
        return dataset_of(order.station, order.task, hourly, split, "after")


def skill(days: list[dict[str, Any]], who: str = "published", season: str | None = None) -> float | None:
    """Return the skill over naive of all windows together, or of those of a season; None where there are none."""
    if season is None:
        pairs = [(day["mae"][who] * day["windows"], day["mae"]["naive"] * day["windows"]) for day in days if who in day["mae"]]
    else:
        pairs = [(day["by_season"][season][who][1], day["by_season"][season]["naive"][1]) for day in days]
    mine, naive = (sum(column) for column in zip(*pairs, strict=True)) if pairs else (0.0, 0.0)
    return 1 - mine / naive if naive else None


def summary(days: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the dates come to."""
    members = sorted({name for day in days for name in day["mae"]} - {"naive", "published"})
    champions = [day["published"] for day in days]
    return {
        "dates": len(days),
        "skill": skill(days),
        "skill_of_members": {name: skill(days, name) for name in members},
        "skill_by_season": {season: skill(days, season=season) for season in SEASONS},
        "changes_of_recipe": sum(one != other for one, other in pairwise(champions)),
        "steps": len(champions) - 1,
        "seconds": {"median": float(np.median([day["seconds"] for day in days])), "most": max(day["seconds"] for day in days)},
    }


def markdown(days: list[dict[str, Any]], found: dict[str, Any]) -> str:
    """Return the dates and what they come to as tables."""

    def percent(share: float | None) -> str:
        return "–" if share is None else f"{100 * share:.1f} %"

    members = list(found["skill_of_members"])
    titles = ["date", "published", "naive MAE", "its MAE", "skill", *members, "seconds"]
    rows = [
        [
            day["date"],
            day["published"],
            f"{day['mae']['naive']:.3f}",
            f"{day['mae']['published']:.3f}",
            percent(1 - day["mae"]["published"] / day["mae"]["naive"]),
            *(percent(1 - day["mae"][name] / day["mae"]["naive"]) if name in day["mae"] else "–" for name in members),
            f"{day['seconds']:.0f}",
        ]
        for day in days
    ]
    total = [percent(found["skill_of_members"][name]) for name in members]
    rows.append(["all", f"{found['changes_of_recipe']} changes", "", "", percent(found["skill"]), *total, ""])
    lines = [titles, ["---"] * len(titles), *rows, [], ["season", "skill"], ["---", "---"]]
    lines += [[season, percent(share)] for season, share in found["skill_by_season"].items()]
    return "".join(f"| {' | '.join(line)} |\n" if line else "\n" for line in lines)


def main() -> None:
    """Read the arguments, roll, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--station", default="jena_hourly")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--architectures", default="", help="train these in place of the profile's, separated by commas")
    parser.add_argument("--first", type=datetime.fromisoformat, default=datetime(2012, 1, 1), help="the first date")
    parser.add_argument("--dates", type=int, default=17)
    parser.add_argument("--every", type=int, default=61, help="days from date to date")
    parser.add_argument("--days", type=int, default=61, help="days after each date on which its model is scored")
    parser.add_argument("--output", type=Path, default=None)
    arguments = parser.parse_args()
    days: list[dict[str, Any]] = []
    fresh = multiprocessing.get_context("spawn")
    state = tempfile.TemporaryDirectory()
    os.environ["TSFLOW_STATE"] = state.name  # a champion that is there would be taken for that of the first date
    with state, object_store(settings()) as opened, ProcessPoolExecutor(settings().training.pool_slots, fresh) as pool:
        rolling = Days(opened, pool, arguments)
        rolling.ingest()
        for number in range(arguments.dates):
            day = arguments.first + timedelta(days=arguments.every * number)
            done = rolling.retrain(day)
            days.append(done | rolling.score(day, done["refits"]))
            found = summary(days)
            print(json.dumps({"day": days[-1], "so far": found}), flush=True)
            if arguments.output:
                arguments.output.write_text(json.dumps({**found, "days": days}, indent=1) + "\n", encoding="utf-8")
                arguments.output.with_suffix(".md").write_text(markdown(days, found), encoding="utf-8")
        entries = list(History(rolling.records, arguments.station, "main").entries())
    print(markdown(days, found))
    print(f"{len(entries)} entries in the history; {json.dumps(found)}")


if __name__ == "__main__":
    main()
