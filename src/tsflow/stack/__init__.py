"""The embedded stack: object store and Airflow under one supervisor."""

from tsflow.stack.api import Airflow, DagRun, TaskInstance
from tsflow.stack.control import down, status, stay, up
from tsflow.stack.objects import object_store
from tsflow.stack.status import StackStatus

__all__ = ["Airflow", "DagRun", "StackStatus", "TaskInstance", "down", "object_store", "status", "stay", "up"]
