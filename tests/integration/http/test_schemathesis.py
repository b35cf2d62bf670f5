"""Every operation of the OpenAPI document, with input nobody thought of: never a 5xx, always what the document says."""

from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from support.process import TOKEN, Process

DOCUMENT = Path(__file__).parents[3] / "docs/openapi.json"
schema = schemathesis.openapi.from_path(DOCUMENT)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    process = Process(tmp_path_factory.mktemp("schemathesis") / "data").start()
    yield process
    process.stop()


@schema.exclude(path_regex=r"/(containers/events|logs/stream)$").parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_input_makes_a_server_error(server: Process, case):
    case.call_and_validate(base_url=server.base, headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS)
