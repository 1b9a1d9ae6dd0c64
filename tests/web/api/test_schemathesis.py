"""The API keeps what its document promises, whatever is sent: schemathesis calls every operation with valid and with broken input, in process."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import integers
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ensure_resource_availability,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.web.api.calling import Program, program
from tests.web.conftest import Doors, doors_of
from tests.workflow.company import founded
from tests.workflow.journeys import carried_through, opened_for, planned

#: Well-formed input may still be wrong (an address without an @, a cursor of another list), so acceptance of all of it is not asked for.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    allow_header_conformance,
    ignored_auth,
    ensure_resource_availability,
]
EXAMPLES = 8


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Iterator[tuple[Doors, Program, dict[str, list[str]]]]:
    """A company with cases at several stages, a program that may do everything that an officer may, and ids that exist."""
    company = founded(empty_home, tmp_path_factory.mktemp("schemathesis") / "company")
    with doors_of(company) as doors:
        ids = [planned(doors.house).id, opened_for(doors.house, ("email", "somebody@example.org")).id]
        ids.append(carried_through(doors.house, opened_for(doors.house, ("email", "nobody@example.org"))).id)
        yield doors, program(doors), {"case_id": ids, "name": ["shop", "ours"], "serial": ["1"], "index": ["0"]}


def _operations(doors: Doors) -> list[APIOperation]:  # type: ignore[type-arg]  # schemathesis' own generics say nothing here
    document = doors.visitor().client.get("/api/v1/openapi.json").get_json()
    schema = schemathesis.openapi.from_dict(document)
    schema.app = doors.app
    return [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_operation_keeps_its_promises(called: tuple[Doors, Program, dict[str, list[str]]], mode: GenerationMode) -> None:
    doors, caller, known = called
    operations = _operations(doors)
    assert len(operations) > 35
    for operation in operations:

        @seed(20261122)
        @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck))
        @given(case=operation.as_strategy(generation_mode=mode), number=integers(0, 3))
        def keeps(case: Case[Any], number: int) -> None:
            for name in case.path_parameters or {}:
                if name in known and mode is GenerationMode.POSITIVE and number < len(known[name]):
                    case.path_parameters[name] = known[name][number]
            doors.clock.at += timedelta(seconds=1)
            response = case.call(headers={"Authorization": f"Bearer {caller.token}"})
            if mode is GenerationMode.POSITIVE:
                assert response.status_code not in (401, 429)
            case.validate_response(response, checks=CHECKS, headers={"Authorization": f"Bearer {caller.token}"})

        keeps()


def test_calls_that_follow_from_each_other_keep_their_promises(called: tuple[Doors, Program, dict[str, list[str]]]) -> None:
    """From a case, a hold or a sweep that was just made to whatever can be done with it, along the links of the document."""
    doors, caller, _ = called
    schema = schemathesis.openapi.from_dict(doors.visitor().client.get("/api/v1/openapi.json").get_json())
    schema.app = doors.app
    steps = []
    begins: dict[str, Any] = {  # what is made up of nothing is hardly ever taken, and nothing would follow from it
        "cases.open": {"identifiers": [{"kind": "email", "value": "walker@example.org"}], "vouched": True},
        "holds.place": {"reason": "M-17", "system": "shop"},
        "sweeps.start": {"policy": "customer-data", "dry_run": True},
    }

    class Walk(schema.as_state_machine()):  # type: ignore[misc]  # made at run time
        def before_call(self, case: Case[Any]) -> None:
            doors.clock.at += timedelta(seconds=1)
            case.headers["Authorization"] = f"Bearer {caller.token}"
            case.body = begins.get(_name(case), case.body)

        def validate_response(self, response: Response, case: Case[Any], **_: Any) -> None:
            steps.append((_name(case), response.status_code))
            case.validate_response(response, checks=CHECKS, headers={"Authorization": f"Bearer {caller.token}"})

    Walk.TestCase.settings = settings(
        max_examples=40, stateful_step_count=6, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    Walk.run(settings=Walk.TestCase.settings)
    taken = {name for name, status in steps if status < 300}
    assert {"cases.open", "holds.place"} <= taken
    assert len(taken) > 8, taken


def _name(case: Case[Any]) -> str:
    return str(case.operation.definition.raw["operationId"])
