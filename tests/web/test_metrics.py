"""Probes, figures and the log of calls: what whoever runs the server needs, and nothing of anybody."""

import json
import logging
import sys

import pytest
from sqlalchemy import create_engine, text

from dsr_engine.domain.user import Permission, Role
from dsr_engine.web.guard import public
from dsr_engine.web.logs import CALLS, HEADER, JsonLines
from tests.web.api.calling import program
from tests.web.conftest import Doors
from tests.workflow.journeys import opened_for, planned


def _figures(doors: Doors) -> str:
    return program(doors, permissions=[Permission.METRICS_READ]).client.get("/metrics", headers=_headers(doors)).get_data(as_text=True)


def _headers(doors: Doors) -> dict[str, str]:
    return {"Authorization": f"Bearer {program(doors, permissions=[Permission.METRICS_READ]).token}"}


def test_figures_need_a_token_that_may_read_them(doors: Doors) -> None:
    client = doors.visitor().client
    assert client.get("/metrics").status_code == 401
    assert doors.signed_in(Role.OFFICER).client.get("/metrics").status_code == 401
    poor = program(doors, permissions=[Permission.CASE_READ]).token
    assert client.get("/metrics", headers={"Authorization": f"Bearer {poor}"}).status_code == 403


def test_figures_count_cases_limits_and_calls_without_anybody_s_id(doors: Doors) -> None:
    case = planned(doors.house)
    opened_for(doors.house, ("email", "other@example.org"))
    program(doors).get(f"/cases/{case.id}")
    found = _figures(doors)
    lines = {name: float(value) for name, _, value in (line.rpartition(" ") for line in found.splitlines() if not line.startswith("#"))}
    assert lines['dsr_cases{stage="approve"}'] == 1
    assert lines['dsr_cases_waiting{code="approval.missing"}'] == 1
    assert lines["dsr_cases_open"] == 2
    assert sum(value for name, value in lines.items() if name.startswith("dsr_limits")) > 0
    assert lines['dsr_call_seconds_count{method="GET",route="/api/v1/cases/<case_id>",status="200"}'] == 1
    assert case.id not in found


def test_a_server_whose_store_is_of_another_version_is_alive_but_not_ready(doors: Doors) -> None:
    client = doors.visitor().client
    assert client.get("/readyz").status_code == 200
    engine = create_engine(f"sqlite:///{doors.company.home}/dsr.db")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


def test_a_server_without_its_keys_is_not_ready(doors: Doors) -> None:
    for path in (doors.company.home / "keys").glob("web.key"):
        path.write_bytes(b"")
        path.unlink()
    (doors.company.home / "keys" / "web.key").mkdir()
    assert doors.visitor().client.get("/readyz").status_code == 503


def test_a_call_leaves_one_line_with_its_route_and_nothing_else(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=CALLS):
        answer = doors.signed_in(Role.OFFICER).client.get("/desk?secret=canary", headers={"User-Agent": "canary", "X-Request-Id": "canary"})
    (entry,) = [record for record in caplog.records if record.name == CALLS]
    line = json.loads(JsonLines().format(entry))
    assert (line["route"], line["method"], line["status"], line["request"]) == ("/desk", "GET", 200, answer.headers[HEADER])
    assert line["user"] == doors.user(Role.OFFICER).id
    assert set(line) == {"at", "level", "logger", "message", "method", "route", "status", "ms", "request", "user"}
    assert "canary" not in json.dumps(line)


def test_an_error_in_the_log_is_told_by_its_kind_only() -> None:
    try:
        raise ValueError("ada@example.org")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "it broke", None, exc_info=sys.exc_info())
    line = json.loads(JsonLines().format(record))
    assert line["error"] == "ValueError"
    assert "ada" not in json.dumps(line)


def test_a_mistake_of_the_engine_is_logged_by_kind_and_place_only(doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise ValueError("ada@example.org")

    doors.app.view_functions["health.alive"] = public(broken)
    answer = doors.visitor().client.get("/healthz")
    assert answer.status_code == 500
    assert "ada@" not in caplog.text + answer.get_data(as_text=True)
    assert "ValueError at" in caplog.text
