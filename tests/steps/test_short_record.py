"""Records that are too short for what is usual: the daily profile does with them what can be done, and says what cannot."""

from tsflow.client import load_champion
from tsflow.records.store import Records
from workflow import ingest, pointer_of, publish, rank, retrain


def test_two_hundred_days_are_trained_ranked_and_published_and_the_board_claims_no_certainty(records: Records):
    ingest(records, history_days=200)
    retrain(records, architectures=["naive", "ridge", "lightgbm", "mlp", "mean_of_tables"], profile="quick")
    board = rank(records)
    days = {part: facts.windows / 24 for part, facts in board.parts}
    assert days["validation"] + days["test"] < 0.45 * sum(days.values()), "a fifth each, not 180 and 90 days"
    assert {line.status for line in board.entrants} == {"ok"}
    assert board.lacks_data
    assert {line.verdict for line in board.entrants if line.verdict != "challenger"} == {"unknown"}
    assert [line for line in board.warnings if line.startswith("mlp, ridge, lightgbm: ") and "max_wv" in line]
    published = publish(records)
    assert published.outcome == "promoted"
    assert load_champion("demo", records.objects).manifest.architecture == board_leader(published.reason)


def board_leader(reason: str) -> str:
    """Return whom a publication's reason names first."""
    return reason.split(maxsplit=1)[0]


def test_a_validation_part_of_less_than_a_week_publishes_nothing_and_says_how_much_is_needed(records: Records):
    ingest(records, history_days=40)
    retrain(records, architectures=["naive", "autoregression_direct"], profile="quick")
    rank(records)
    published = publish(records)
    assert published.outcome == "refused"
    assert "7 and 28 are needed" in published.reason
    assert pointer_of(records) is None
