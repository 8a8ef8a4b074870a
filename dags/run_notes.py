"""What a task leaves for its run's note; the plugin `tsflow_notes` makes it the note when the run ends."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tsflow.names import NOTE

log = logging.getLogger(__name__)


def leave(sentence: Callable[[], str]) -> None:
    """Leave a sentence; whatever goes wrong with it is logged, since a run does not fail for its note."""
    from airflow.sdk import get_current_context

    try:
        get_current_context()["ti"].xcom_push(key=NOTE, value=sentence())
    except Exception:  # of any kind: the work itself is done
        log.warning("the run's note will lack a sentence", exc_info=True)


@contextmanager
def noting_a_refusal(station: str) -> Iterator[None]:
    """Leave why observations were refused."""
    from tsflow import notes
    from tsflow.errors import DataError

    try:
        yield
    except DataError as reason:
        text = notes.refused(station, reason)
        leave(lambda: text)
        raise
