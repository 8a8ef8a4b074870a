"""Every write of a pipeline loses its answer once: it ends as if nothing had happened."""

from line import reached_by
from lossy import first_of_each_key, lossy
from tsflow import steps
from tsflow.champion.audit import audit
from tsflow.champion.history import History
from tsflow.client import load_champion
from tsflow.records.store import Records
from tsflow.settings import override, settings
from workflow import ingest, publish, rank, retrain


def test_a_pipeline_whose_every_write_loses_its_answer_ends_well(records: Records):
    override(["gate.probability=0.6", "profiles.quick.history_days=150"])
    with lossy(records.objects) as (proxy, reached):
        proxy.loses = first_of_each_key()
        stored = ingest(Records(reached), history_days=160)
        # A client of its own, as each task of Airflow's has: boto tries nothing again after a hundred lost answers in one.
        here = Records(reached_by(str(reached.endpoint_url), records.objects))
        run = retrain(here, "r1", profile="quick", architectures=["naive", "climatology", "autoregression_direct"])
        board = rank(here, "r1")
        here = Records(reached_by(str(reached.endpoint_url), records.objects))
        published = publish(here, "r1")
        latest = steps.make_forecast(here, settings(), "demo", "main")
        steps.monitor(here, settings(), "demo", "main")
    assert len(proxy.lost) >= 30, "each object of ingest, training, ranking, decision, publishing, forecast and monitor"
    assert {f"/{records.objects.bucket}/{key}" for key in records.objects.keys("")} <= {*proxy.lost}
    assert stored.new_rows > 20_000
    assert [entrant.status for entrant in board.entrants] == ["ok"] * len(run.entrants)
    assert published.outcome == "promoted"
    assert load_champion("demo", records.objects).manifest.version == published.version
    assert latest.problem == "stale data", "the simulator's rows of the test are of another year"
    found = audit(History(records, "demo"))
    assert (found.damage, found.orphans, found.entries) == ([], [], 1)
