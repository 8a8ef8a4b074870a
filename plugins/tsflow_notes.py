"""A listener of Airflow's kind that makes the sentences of a run's tasks its note, when the run ends.

It runs where runs end, which is the scheduler's own loop and its transaction: it reads and writes the database through that
transaction alone, and asks nobody else.
"""

from contextlib import nullcontext
from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from tsflow.names import NOTE

_AUTHOR = "tsflow"  # of the notes that may be renewed when a run ends again; those of all others stay
_LONGEST = 1000  # characters, by Airflow's own table


class NotesOfRuns:
    """What Airflow calls when a run has ended."""

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:  # the hook's own signature
        """Note what came of it."""
        _note(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:
        """Note what came of it before it failed."""
        _note(dag_run)


def _note(dag_run: Any) -> None:
    from airflow.settings import Session
    from sqlalchemy.orm import object_session

    session = object_session(dag_run) or Session()  # the thread's own, of a run that was let go, as by `dag.test()`
    try:
        with _undone_alone(session.connection()):
            _write(session, dag_run)
        if dag_run in session:
            session.expire(dag_run, ["dag_run_note"])  # whoever reads it next through this session sees what was written
    except Exception:  # a run does not fail for its note, nor do other listeners
        dag_run.log.warning("could not note what run %s came to", dag_run.run_id, exc_info=True)


def _undone_alone(connection: Any) -> Any:
    """Return what keeps a failed statement from failing the transaction around it.

    A savepoint of the connection's: Airflow forbids its session's, which fires a commit. SQLite needs none, and one would do harm:
    it would begin to read before it writes, so that a write of any other process in between would fail this transaction.
    """
    return nullcontext() if connection.dialect.name == "sqlite" else connection.begin_nested()


def _write(session: Any, dag_run: Any) -> None:
    from airflow.models.dagrun import DagRunNote
    from sqlalchemy import insert, select, update

    if not (text := _sentences(session, dag_run)):
        return
    connection, mine = session.connection(), DagRunNote.dag_run_id == dag_run.id
    written = connection.execute(select(DagRunNote.user_id).where(mine)).first()
    if written is None:
        connection.execute(insert(DagRunNote).values(dag_run_id=dag_run.id, user_id=_AUTHOR, content=text))
    elif written.user_id == _AUTHOR:
        own = DagRunNote.user_id == _AUTHOR  # still: a person may have written since
        connection.execute(update(DagRunNote).where(mine, own).values(content=text))


def _sentences(session: Any, dag_run: Any) -> str:
    """Return what the tasks left; of a station, or of a run that has one only, what was left last."""
    from airflow.models.xcom import XComModel

    left = session.scalars(XComModel.get_many(run_id=dag_run.run_id, key=NOTE, dag_ids=dag_run.dag_id)).all()
    newest = {each.map_index: str(XComModel.deserialize_value(each)) for each in sorted(left, key=lambda each: each.timestamp)}
    return "\n\n".join(newest[index] for index in sorted(newest))[:_LONGEST]


class TsflowNotes(AirflowPlugin):
    """What makes Airflow find the listener."""

    name = "tsflow_notes"
    listeners = (NotesOfRuns(),)
