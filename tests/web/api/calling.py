"""How tests call the API: as a program with a token."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dsr_engine.domain.user import Permission, Role
from dsr_engine.workflow.users.tokens import make_token
from tests.web.conftest import Doors


@dataclass
class Program:
    """A program with a token. Each POST gets a key of its own unless one is named."""

    client: FlaskClient
    token: str
    keys: itertools.count = field(default_factory=itertools.count)  # type: ignore[type-arg]  # count is generic in stubs only

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(f"/api/v1{path}", headers=self._headers(headers))

    def post(self, path: str, body: object = None, key: str = "", **headers: str) -> TestResponse:
        named = {"Idempotency-Key": key or f"call-number-{next(self.keys)}", **self._headers(headers)}
        return self.client.post(f"/api/v1{path}", json={} if body is None else body, headers=named)

    def _headers(self, headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}


def program(doors: Doors, role: Role = Role.OFFICER, permissions: Iterable[Permission] | None = None, name: str = "") -> Program:
    """A program of somebody in this role, with all that they may or with these permissions."""
    user = doors.user(role, name)
    token = make_token(doors.house, user, "a program", user.permissions if permissions is None else permissions, 30)
    return Program(doors.app.test_client(), token.reveal())


def code_of(answer: TestResponse) -> Any:
    """The stable code of a problem."""
    assert answer.mimetype == "application/problem+json", answer.get_data(as_text=True)
    return answer.json["code"] if answer.json else None
