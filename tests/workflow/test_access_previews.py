"""Masked looks: enough to decide whose a record is, never the record itself, and nothing of it anywhere afterwards."""

from pathlib import Path

import pytest

from dsr_engine.content.veiling import Piece, around, matched, shape
from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import InputWrong
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.previewing import Preview, PreviewState, previews, previews_of_item
from tests.workflow.company import BOB, EMAIL, NAME, SHOP, Company, founded
from tests.workflow.journeys import WORKER, opened_for, plan_of, working

_TICKETS = f"""\
INSERT INTO tickets VALUES (3, 'Today {NAME} called about a blue teapot, and Bob Marsh ({BOB}, +49 30 555666) was cross.');
INSERT INTO tickets VALUES (4, '{NAME} wants her money back.');
"""


@pytest.fixture
def gossip(empty_home: Path, tmp_path: Path) -> Company:
    """A company whose tickets name the person beside somebody else."""
    company = founded(empty_home, tmp_path / "company", ())
    company.add_shop(SHOP + _TICKETS)
    return company


def _searched(house: House) -> Case:
    return run_case(house, opened_for(house, ("email", EMAIL), ("name", NAME)).id, WORKER)


def _possible(house: House, case: Case) -> list[str]:
    with house.store.snapshot() as tx:
        return [entry.id for entry in tx.reviews.page(case.id, case.round, "found")]


def _said(shown: Preview) -> str:
    return repr(shown)


def test_a_preview_shows_what_was_matched_and_hides_everybody(gossip: Company) -> None:
    with working(gossip) as house:
        case = _searched(house)
        shown = previews(house, case.id, _possible(house, case), "officer")
        assert len(shown) == 2
        for preview in shown:
            assert preview.state is PreviewState.THERE
            assert preview.why == ("matched by a name, which several people may bear",)
            assert any(field.is_hit for field in preview.fields)
        text = "\n".join(map(_said, shown))
        assert "I•• L••••••••" in text
        assert "teapot" in text, "a few words around the hit tell whose it is"
        for secret in (NAME, "Lindqvist", "Marsh", BOB, "555666", EMAIL):
            assert secret not in text


def test_a_look_is_noted_without_saying_where(gossip: Company) -> None:
    with working(gossip) as house:
        case = _searched(house)
        previews(house, case.id, _possible(house, case), "officer")
        with house.store.snapshot() as tx:
            leaves = [data for _, data in tx.ledger.find("case.previewed")]
            person = tx.people.id_of("officer")
        assert [(data["case"], data["by"], data["records"]) for data in leaves] == [(case.id, person, 2)]
        assert set(leaves[0]) <= {"case", "by", "records", "key", "kind", "at"}


def test_a_record_that_is_gone_or_says_something_else_says_so(gossip: Company) -> None:
    with working(gossip) as house:
        case = _searched(house)
        gossip.sql("DELETE FROM tickets WHERE id = 3; UPDATE tickets SET body = 'Somebody else wrote this.' WHERE id = 4;")
        shown = previews(house, case.id, _possible(house, case), "officer")
        assert sorted(preview.state for preview in shown) == [PreviewState.CHANGED, PreviewState.GONE]
        assert all(preview.fields == () for preview in shown)


def test_a_finding_of_another_case_is_unknown(gossip: Company) -> None:
    with working(gossip) as house:
        first, other = _searched(house), opened_for(house)
        with pytest.raises(InputWrong, match="no finding"):
            previews(house, other.id, _possible(house, first), "officer")


def test_a_system_that_does_not_answer_is_said_and_no_error(gossip: Company) -> None:
    with working(gossip) as house:
        case = _searched(house)
        gossip.shop.rename(gossip.shop.with_suffix(".away"))
        shown = previews(house, case.id, _possible(house, case), "officer")
        assert {preview.state for preview in shown} == {PreviewState.UNREADABLE}
        assert all(preview.reason for preview in shown)


def test_records_of_a_plan_are_shown_as_samples(gossip: Company) -> None:
    with working(gossip) as house:
        case = run_case(house, opened_for(house).id, WORKER)
        item = next(item for item in plan_of(house, case).items if item.collection == "customers")
        shown = previews_of_item(house, case.id, item.id, "approver")
        assert [preview.state for preview in shown] == [PreviewState.THERE]
        assert "i••" in _said(shown[0])
        assert EMAIL not in _said(shown[0])
        with pytest.raises(InputWrong, match="no such item"):
            previews_of_item(house, case.id, "nothing", "approver")


def test_nothing_of_a_look_stays_in_the_store_or_the_log(gossip: Company, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"), working(gossip) as house:
        case = _searched(house)
        previews(house, case.id, _possible(house, case), "officer")
    kept = b"".join(path.read_bytes() for path in gossip.home.rglob("*") if path.is_file())
    for secret in ("teapot", "Lindqvist", BOB):
        assert secret.encode() not in kept
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("jane@example.com", "j•••@e••••••.com"),
        ("+49 30 901820", "+•• •• ••••20"),
        ("Ida Lindqvist", "I•• L••••••••"),
        ("17", "••"),
        ("4711042", "•••••42"),
    ],
)
def test_what_was_matched_keeps_its_shape_only(text: str, shown: str) -> None:
    assert matched(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bob Marsh", "B•• M••••"),
        ("bob@example.net", "•••@•••"),
        ("1985-02-03", "••••-••-••"),
        ("leave it at the door please", "a text of 6 words"),
        ("DE89370400440532013000", "•" * 22),
        ("", ""),
    ],
)
def test_what_was_not_matched_is_told_by_its_shape(text: str, shown: str) -> None:
    assert shape(text) == shown


def test_the_words_around_a_hit_hide_names_numbers_and_addresses() -> None:
    text = "Hello Maria, jane@example.com owes DE89 3704 to bob@example.net since 12.03.2024, said maria"
    start = text.index("jane")
    pieces = around(text, [(start, start + len("jane@example.com"))])
    assert [piece for piece in pieces if piece.is_hit] == [Piece("j•••@e••••••.com", is_hit=True)]
    whole = "".join(piece.text for piece in pieces)
    assert whole == "Hello M••••, j•••@e••••••.com owes •••• •••• to •••@••• since …"
    for secret in ("Maria", "maria", "bob", "3704", "2024", "example"):
        assert secret not in whole
