"""One structured logger and one EMF metrics line an invocation; X-Ray needs no code, its tracing is active."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

SERVICE = "api-segments"

logger = Logger(service=SERVICE, utc=True)
metrics = Metrics(service=SERVICE, namespace="ApiSegments")


def count(**figures: int) -> None:
    """Add counts to the invocation's metrics line, named as the arguments are."""
    for name, value in figures.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure_seconds(name: str, value: float) -> None:
    """Add a duration to the invocation's metrics line."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=value)
