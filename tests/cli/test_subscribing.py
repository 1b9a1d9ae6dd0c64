"""`dsr webhooks` as an administrator uses it: who is told, what did not arrive, and sending it again."""

import json
from pathlib import Path

from dsr_engine.delivery.signing import verify_signature
from tests.cli.conftest import Dsr
from tests.servers.recipient_server import RecipientServer, Reply

_SECRET = "0123456789abcdef0123456789abcdef"


def _declare(home: Path, server: RecipientServer, *, secret: str = "") -> None:
    (home / "secret").write_text(_SECRET)
    (home / "partners.yaml").write_text(
        f'webhooks:\n  tickets: {{url: "{server.url}/x", secret: {secret or f"file:{home}/secret"}, events: [case],'
        f' ca_file: "{server.ca_file}", internal: true}}\n'
    )


def test_a_home_without_subscribers_says_what_to_do(dsr: Dsr, home: Path) -> None:
    said = dsr("--home", home, "webhooks", "list")
    assert said.code == 0
    assert "partners.yaml names no subscriber" in said.out
    assert dsr("--home", home, "webhooks", "retry", "tickets").code == 2


def test_what_does_not_arrive_is_listed_until_it_does(dsr: Dsr, home: Path, recipient_server: RecipientServer) -> None:
    _declare(home, recipient_server)
    assert dsr("--home", home, "worker", "--once").code == 0
    recipient_server.answering = lambda _: Reply(500)
    opened = dsr("--home", home, "case", "open", "--email", "ada@example.org", "--right", "access", "--by", "officer")
    assert opened.code == 0, opened.all
    assert dsr("--home", home, "worker", "--once").code == 0
    listed = json.loads(dsr("--home", home, "webhooks", "list", "--json").out)
    assert [(row["subscriber"], row["dead"]) for row in listed["subscribers"]] == [("tickets", 0)]
    assert listed["events"][0]["code"] == "web.busy"
    assert "ada@" not in json.dumps(listed)


def test_a_new_subscriber_is_tried_out_with_an_event_about_nothing(dsr: Dsr, home: Path, recipient_server: RecipientServer) -> None:
    _declare(home, recipient_server)
    said = dsr("--home", home, "webhooks", "ping", "tickets")
    assert (said.code, "tickets has it (http_202)" in said.out) == (0, True)
    (asked,) = recipient_server.asked
    assert json.loads(asked.body)["kind"] == "ping"
    stamp = asked.headers["x-dsr-timestamp"]
    assert verify_signature(_SECRET.encode(), stamp, asked.body, asked.headers["x-dsr-signature"], int(stamp))
    recipient_server.answering = lambda _: Reply(401)
    assert dsr("--home", home, "webhooks", "ping", "tickets").code != 0
    assert dsr("--home", home, "webhooks", "ping", "nobody").code == 2


def test_a_secret_that_is_written_out_is_refused_by_place_and_not_repeated(dsr: Dsr, home: Path, recipient_server: RecipientServer) -> None:
    _declare(home, recipient_server, secret=_SECRET)
    said = dsr("--home", home, "check")
    assert said.code == 2
    assert "partners.yaml:2" in said.all
    assert "webhooks.tickets.secret: a secret is written out" in said.all
    assert _SECRET not in said.all
