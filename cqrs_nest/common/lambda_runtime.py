"""Whether the process is a function of AWS Lambda."""

from __future__ import annotations

import os


def in_lambda() -> bool:
    """Whether AWS Lambda runs the process: what can wait for its first use then does, as a cold start is
    what a caller waits for.
    """
    return "AWS_LAMBDA_FUNCTION_NAME" in os.environ
