"""The OpenAPI document holds: whatever is sent, no answer is a 5xx or other than the document says."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
BOUNDED = settings(
    max_examples=15, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value
)
def test_answers_are_those_of_the_document(service: Any, mode: GenerationMode) -> None:
    headers = {"authorization": f"Bearer {service.token}"}
    operations = list(schemathesis.openapi.from_url(f"{service.url}/openapi.json").get_all_operations())
    assert len(operations) >= 8

    statuses: set[int] = set()
    for operation in operations:

        @BOUNDED
        @given(case=operation.ok().as_strategy(generation_mode=mode))
        def answers_conform(case: Any) -> None:
            response = case.call(headers=headers)
            statuses.add(response.status_code)
            case.validate_response(response, checks=CHECKS)

        answers_conform()

    assert statuses >= ({200, 201} if mode is GenerationMode.POSITIVE else {400})
