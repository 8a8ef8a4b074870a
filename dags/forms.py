"""Forms made from requests, and what is asked by them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from airflow.sdk import Param

from tsflow.requests import Request
from tsflow.requests.form import form

R = TypeVar("R", bound=Request)


def params_of(request: type[Request]) -> dict[str, Param]:
    """Return a DAG's form: a field for each of the request's, with its words, default and bounds."""
    return {
        name: Param(**schema) if default is None and not _may_be_empty(schema) else Param(default, **schema)
        for name, (default, schema) in form(request).items()
    }


def _may_be_empty(schema: Mapping[str, object]) -> bool:
    kind = schema["type"]
    return isinstance(kind, list) and "null" in kind


def asked(request: type[R], params: Mapping[str, Any], **instead: Any) -> R:
    """Return what a form or a conf asks for; `instead` wins over it."""
    return request.of({**params, **instead})
