"""One structured logger and one EMF metrics line an invocation; X-Ray needs no code, its tracing is active."""

import logging
import os

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.utils import copy_config_to_registered_loggers
from aws_lambda_powertools.metrics import MetricUnit

SERVICE = "api-segments"

logger = Logger(service=SERVICE, utc=True)
# What the stores log through the standard library comes out alike, with the same ids.
copy_config_to_registered_loggers(logger, include={logging.getLogger("api_segments").name})
metrics = Metrics(service=SERVICE, namespace="ApiSegments")
metrics.set_default_dimensions(function=os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "none"))


def count(**figures: int) -> None:
    """Add counts to the invocation's metrics line, named as the arguments are."""
    for name, value in figures.items():
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure_seconds(name: str, value: float) -> None:
    """Add a duration to the invocation's metrics line."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=value)
