"""What people and schedules ask for, declared once; and what it comes to (`tsflow.requests.order`, which is heavy)."""

from typing import TYPE_CHECKING

from tsflow.requests.models import (
    BacktestRequest,
    DatasetRequest,
    ForecastRequest,
    IngestRequest,
    Request,
    RetrainRequest,
    TrainingRequest,
    TuneRequest,
)

if TYPE_CHECKING:
    from tsflow.requests.order import Order
    from tsflow.settings import Settings

__all__ = [
    "BacktestRequest",
    "DatasetRequest",
    "ForecastRequest",
    "IngestRequest",
    "Request",
    "RetrainRequest",
    "TrainingRequest",
    "TuneRequest",
    "resolve",
    "watched",
]


def resolve(request: Request, settings: "Settings") -> "Order":
    """Return what a request comes to, checked; see `tsflow.requests.order`."""
    from tsflow.requests import order

    return order.resolve(request, settings)


def watched(request: ForecastRequest, settings: "Settings") -> list[tuple[str, str]]:
    """Return what is to be forecast or monitored; see `tsflow.requests.order`."""
    from tsflow.requests import order

    return order.watched(request, settings)
