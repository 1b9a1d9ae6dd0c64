"""The ledger on the screen: paged, filtered, proved; and two states held against each other, whoever brings them."""

import io
import json

import pytest
from sqlalchemy import text
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from dsr_engine.domain.case import Case
from dsr_engine.domain.note import parse_proof
from dsr_engine.domain.user import Role
from dsr_engine.store.ledger import leaf_of
from tests.web.conftest import Doors
from tests.web.visiting import Visitor, forms_of
from tests.workflow.company import EMAIL
from tests.workflow.journeys import carried_through, opened_for


def _certified(doors: Doors, *claims: tuple[str, str]) -> Case:
    return carried_through(doors.house, opened_for(doors.house, *claims))


def _pdf(doors: Doors, case: Case) -> bytes:
    with doors.house.store.snapshot() as tx:
        issued = tx.certificates.of(case.id)
    assert issued is not None
    return (doors.house.paper.folder / issued.path).read_bytes()


def _filled(doors: Doors, count: int) -> None:
    with doors.house.store.transaction() as tx:
        tx.ledger.append_all([leaf_of("sweep.counted", f"entry-{number}", doors.clock.now(), number=number, case="c-1") for number in range(count)])
        tx.ledger.checkpoint()


def _indexes(visitor: Visitor) -> list[int]:
    return [int(part.partition('"')[0]) for part in visitor.text.split('href="/ledger/leaf/')[1:]]


def test_an_empty_ledger_says_what_comes_next(doors: Doors) -> None:
    with doors.house.store.transaction() as tx:
        is_empty = tx.ledger.size() == 0
    text = doors.signed_in(Role.AUDITOR).go("/ledger?kind=case.opened").text
    assert "No entry is like that" in text
    assert is_empty or "of them signed" in text


def test_leaves_are_paged_there_and_back_without_a_gap_or_a_double(doors: Doors) -> None:
    _filled(doors, 120)
    for asked in ("?kind=sweep.counted", "?case=c-1", f"?kind=sweep.counted&from={doors.clock.now():%Y-%m-%d}"):
        visitor = doors.signed_in(Role.AUDITOR).go("/ledger" + asked)
        pages = [_indexes(visitor)]
        while 'rel="next"' in visitor.text:
            visitor.go(visitor.text.split('rel="next" href="')[1].partition('"')[0].replace("&amp;", "&"))
            pages.append(_indexes(visitor))
        seen = [index for page in pages for index in page]
        assert seen == sorted(seen, reverse=True)
        assert len(set(seen)) == len(seen) == 120
        back = [pages[-1]]
        while 'rel="prev"' in visitor.text:
            visitor.go(visitor.text.split('rel="prev" href="')[1].partition('"')[0].replace("&amp;", "&"))
            back.append(_indexes(visitor))
        assert [index for page in reversed(back) for index in page] == seen


def test_a_filter_shows_only_what_it_says(doors: Doors) -> None:
    case = _certified(doors)
    visitor = doors.signed_in(Role.AUDITOR)
    text = visitor.go(f"/ledger?case={case.id}&kind=case.opened").text
    assert len(_indexes(visitor)) == 1
    assert case.id in text
    assert not _indexes(visitor.go("/ledger?from=2020-01-01&to=2020-01-02"))
    assert visitor.go("/ledger?from=yesterday").status == 400
    assert visitor.go("/ledger?before=abc").status == 400


def test_a_leaf_is_shown_with_its_proof_and_a_changed_one_fails(doors: Doors) -> None:
    _filled(doors, 20)
    visitor = doors.signed_in(Role.AUDITOR).go("/ledger/leaf/3")
    assert ">holds<" in visitor.text
    proof = visitor.client.get("/ledger/leaf/3/proof.txt").get_data(as_text=True)
    assert parse_proof(proof).index == 3
    with doors.house.store.transaction() as tx:
        data = json.loads(tx.ledger.data(3))
        tx.connection.execute(text("UPDATE leaf SET data = :data WHERE position = 3"), {"data": json.dumps({**data, "more": 1}).encode()})
    assert ">fails<" in visitor.go("/ledger/leaf/3").text


@pytest.mark.parametrize("index", ["999999", str(10**18), str(10**30)])
def test_a_leaf_that_is_not_there_is_not_found(doors: Doors, index: str) -> None:
    assert doors.signed_in(Role.AUDITOR).go(f"/ledger/leaf/{index}").status == 404


def test_a_leaf_that_nothing_covers_yet_says_so(doors: Doors) -> None:
    with doors.house.store.transaction() as tx:
        (index,) = tx.ledger.append_all([leaf_of("sweep.counted", "x", doors.clock.now())])
    assert "No checkpoint covers this entry yet" in doors.signed_in(Role.AUDITOR).go(f"/ledger/leaf/{index}").text


def test_two_checkpoints_are_of_one_history(doors: Doors) -> None:
    _filled(doors, 5)
    with doors.house.store.transaction() as tx:
        old = tx.ledger.size()
        tx.ledger.append_all([leaf_of("sweep.counted", f"more-{number}", doors.clock.now()) for number in range(9)])
        tx.ledger.checkpoint()
        new = tx.ledger.size()
    visitor = doors.signed_in(Role.AUDITOR).go("/ledger/checkpoints")
    assert f"a={old}&amp;b={new}" in visitor.text
    assert "They are of one history" in visitor.go(f"/ledger/histories?a={old}&b={new}").text
    note = visitor.client.get(f"/ledger/checkpoints/{old}/checkpoint.txt").get_data(as_text=True)
    with doors.house.store.snapshot() as tx:
        kept = tx.ledger_lists.checkpoint(old)
    assert kept is not None
    assert note == kept.note
    assert visitor.go("/ledger/histories?a=1&b=999").status == 404


def _bring(visitor: Visitor, **fields: bytes | str) -> TestResponse:
    form = next(form for form in forms_of(visitor.go("/ledger/histories").text) if "Compare what was brought" in form.buttons)
    values: dict[str, object] = {**form.fields}
    values |= {name: FileStorage(io.BytesIO(value), "a.pdf") if isinstance(value, bytes) else value for name, value in fields.items()}
    boundary, body = encode_multipart(values)
    kind = f"multipart/form-data; boundary={boundary}"
    return visitor.client.post("/ledger/histories", data=body, content_type=kind, headers={"Referer": "http://localhost/ledger/histories"})


def test_two_certificates_are_of_one_history_by_number_and_by_file(doors: Doors) -> None:
    first, second = _certified(doors), _certified(doors, ("email", "bob@example.test"))
    visitor = doors.signed_in(Role.AUDITOR)
    assert "They are of one history" in visitor.go("/ledger/histories?one=1&other=2").text
    assert "They are one and the same state" in visitor.go("/ledger/histories?one=2&other=2").text or "one and the same" in visitor.text
    text = _bring(visitor, one_file=_pdf(doors, second), other_file=_pdf(doors, first)).get_data(as_text=True)
    assert "They are of one history" in text
    assert EMAIL not in text
    assert "They are of one history" in _bring(visitor, one_file=_pdf(doors, first)).get_data(as_text=True)


def test_a_rewritten_ledger_is_found_out_by_a_kept_checkpoint(doors: Doors) -> None:
    _filled(doors, 9)
    visitor = doors.signed_in(Role.AUDITOR)
    with doors.house.store.snapshot() as tx:
        (newest,) = tx.ledger_lists.checkpoints(1)
    assert "They are of one history" in _bring(visitor, one_note=newest.note.replace("\n", "\r\n")).get_data(as_text=True)
    with doors.house.store.transaction() as tx:
        tx.connection.execute(text("UPDATE node SET hash = (SELECT hash FROM node WHERE level = 0 AND position = 1) WHERE level = 3"))
        tx.ledger.append_all([leaf_of("sweep.counted", f"later-{number}", doors.clock.now()) for number in range(3)])
        tx.ledger.checkpoint()
    assert "NOT of one history" in _bring(visitor, one_note=newest.note).get_data(as_text=True)


@pytest.mark.parametrize("note", ["nonsense", "dsr\n3\nAAAA\n\n— dsr AAAA\n"])
def test_a_note_that_this_ledger_did_not_sign_is_no_proof(doors: Doors, note: str) -> None:
    _filled(doors, 3)
    assert "is not signed by this ledger" in _bring(doors.signed_in(Role.AUDITOR), one_note=note).get_data(as_text=True)


def test_a_changed_file_and_nothing_at_all_are_refused(doors: Doors) -> None:
    visitor = doors.signed_in(Role.AUDITOR)
    assert _bring(visitor, one_file=b"%PDF-1.7").status_code == 422
    assert _bring(visitor).status_code == 400
