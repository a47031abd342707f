"""`EventMetrics`: how many events nobody handled, as a metric of CloudWatch."""

from __future__ import annotations

import json
import os
import sys
import time

NAMESPACE = "cqrs_nest"
UNHANDLED = "UnhandledEvents"


class EventMetrics:
    """Counts the events that nobody handled.

    In Lambda each is one line on standard output in CloudWatch's embedded metric format: the metric
    `UnhandledEvents` of the namespace `cqrs_nest`, by function and by kind of event. Elsewhere the error
    itself is all there is. To count in another way, let a global module provide a class of your own
    under this name.
    """

    def unhandled(self, event: str, source: str | None = None) -> None:
        """Count an event; `event` is its class and `source` what sent it, nothing of its content."""
        function = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        if function is None:
            return
        metric = {
            "Namespace": NAMESPACE,
            "Dimensions": [["FunctionName"], ["FunctionName", "Event"]],
            "Metrics": [{"Name": UNHANDLED, "Unit": "Count"}],
        }
        line = {
            "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [metric]},
            "FunctionName": function,
            "Event": event,
            "Source": source,
            UNHANDLED: 1,
        }
        sys.stdout.write(f"{json.dumps(line)}\n")
        sys.stdout.flush()
