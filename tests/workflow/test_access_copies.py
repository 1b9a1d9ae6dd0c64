"""Requests for a copy: searched like an erasure, looked over by an officer, made from the systems when fetched. Never anybody else's record."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest

from dsr_engine.domain.case import Case, Outcome, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.request import Right
from dsr_engine.domain.request_log import Decision
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.access.beginning import begin_copy, search_again
from dsr_engine.workflow.access.bounds import LASTS
from dsr_engine.workflow.access.choosing import BLACKEN, EXCLUDE
from dsr_engine.workflow.access.copying import copy_of, is_copy_ready
from dsr_engine.workflow.access.reviewing import READY, REVIEW, release, review_of, take_back, treat_record
from dsr_engine.workflow.decide import MENTIONED, NOT_THEIRS, THEIRS, decide_findings
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Claim, Request, open_case
from dsr_engine.workflow.records.replying import Reply, replied
from dsr_engine.workflow.verify_identity import confirm_identity
from tests.workflow.company import BOB, EMAIL, NAME, SHOP, Company, founded
from tests.workflow.journeys import NOON, WORKER, waits_for, working

_TICKETS = f"""\
INSERT INTO tickets VALUES (3, '{NAME} called.');
INSERT INTO tickets VALUES (4, 'Bob Marsh ({BOB}, +49 30 555666) asked whether {EMAIL} was here, said Maria Petersen.');
"""


def asked(house: House, right: Right = Right.ACCESS, *claims: tuple[str, str], vouched: bool = True) -> Case:
    given = tuple(Claim(kind, Secret(value)) for kind, value in claims or (("email", EMAIL),))
    return open_case(house, Request(given, house.policies["ours"], "officer", vouched=vouched, right=right))


def searched(house: House, right: Right = Right.ACCESS, *claims: tuple[str, str]) -> Case:
    case = asked(house, right, *claims)
    begin_copy(house, case.id, "officer")
    return run_case(house, case.id, WORKER)


def released(house: House, right: Right = Right.ACCESS, *claims: tuple[str, str]) -> Case:
    return release(house, searched(house, right, *claims).id, "officer")


def fetched(house: House, case: Case, language: str = "en") -> dict[str, bytes]:
    return unpacked(copy_of(house, case.id, language))


def unpacked(pieces: Iterable[bytes]) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def records_of(files: dict[str, bytes], collection: str) -> list[dict[str, Any]]:
    parts = (json.loads(data) for name, data in sorted(files.items()) if name.startswith("data/") and name.endswith(".json"))
    return [record for part in parts if part["collection"] == collection for record in part["records"]]


def values_of(record: dict[str, Any]) -> dict[str, str]:
    return {field["name"]: field["value"] for field in record["fields"]}


def possible_of(house: House, case: Case) -> list[str]:
    with house.store.snapshot() as tx:
        return [entry.id for entry in tx.reviews.page(case.id, case.round, "found", most=100)]


@pytest.fixture
def gossip(empty_home: Path, tmp_path: Path) -> Company:
    company = founded(empty_home, tmp_path / "company", ())
    company.add_shop(SHOP + _TICKETS)
    return company


@pytest.fixture
def house(gossip: Company) -> Iterator[House]:
    with working(gossip) as house:
        yield house


def test_a_request_stands_at_the_door_until_somebody_lets_the_engine_search(house: House) -> None:
    case = run_case(house, asked(house).id, WORKER)
    assert (case.stage, waits_for(case)) == (Stage.INTAKE, "answer_by_hand")
    begin_copy(house, case.id, "officer")
    case = run_case(house, case.id, WORKER)
    assert (case.stage, waits_for(case)) == (Stage.DISCOVER, REVIEW)
    with pytest.raises(Conflict, match="on its way already"):
        begin_copy(house, case.id, "officer")
    with pytest.raises(InputWrong, match="no such system"):
        begin_copy(house, asked(house).id, "officer", ["nowhere"])


@pytest.mark.parametrize("right", [Right.ERASURE, Right.CORRECTION, Right.OBJECTION])
def test_other_rights_have_no_copy(house: House, right: Right) -> None:
    with pytest.raises(InputWrong, match="copy answers access"):
        begin_copy(house, asked(house, right).id, "officer")


def test_a_company_that_answers_by_hand_still_can(house: House) -> None:
    case = asked(house)
    today = house.calendar.day_of(house.clock.now())
    replied(house, case.id, Reply(Decision.FULFILLED, today), "officer")
    with house.store.snapshot() as tx:
        assert tx.cases.get(case.id).outcome is Outcome.FULFILLED


def test_the_copy_holds_what_is_the_persons_and_nobody_elses(house: House) -> None:
    files = fetched(house, released(house))
    customers, orders, tickets = (records_of(files, name) for name in ("customers", "orders", "tickets"))
    assert [values_of(record) for record in customers] == [{"id": "17", "email": EMAIL, "full_name": NAME}]
    assert [field["category"] for field in customers[0]["fields"]] == ["user.unique_id", "user.contact.email", "user.name"]
    assert [values_of(record)["note"] for record in orders] == ["leave it at the door"]
    assert {record["kind"] for record in tickets} == {"passages"}
    everything = b"\n".join(files.values()).decode()
    for strange in (BOB, "Bob", "Marsh", "555666", "Maria", "Petersen", "ring twice", "lamp"):
        assert strange not in everything


def test_passages_stand_in_the_copy_without_other_people(house: House) -> None:
    texts = [values_of(record)["body"] for record in records_of(fetched(house, released(house)), "tickets")]
    assert f"Please call {EMAIL} about tea." in texts
    assert f"[somebody else] ([somebody else], [somebody else]) asked whether {EMAIL} was here, said [somebody else]." in texts


def test_the_copy_says_what_it_is_what_the_law_wants_and_how_far_was_looked(house: House) -> None:
    files = fetched(house, released(house))
    assert {"README.txt", "index.html", "about.json"} <= set(files)
    about = json.loads(files["about.json"])
    assert about["purposes"] == ["The tests' policy."]
    assert "your name" in about["categories"]
    assert about["periods"]
    assert about["rights"]
    assert about["complaint"]
    assert about["source"]
    assert about["decisions"]
    assert (about["gaps"], about["left_out"]) == ([], [])
    assert sum(entry["records"] for entry in about["files"]) == sum(len(records_of(files, name)) for name in ("customers", "orders", "tickets"))
    assert all(f"{entry['name']}.html" in files for entry in about["files"])


@pytest.mark.parametrize("language", ["de", "en", "es", "fr", "zh"])
def test_it_speaks_the_requesters_language(house: House, language: str) -> None:
    files = fetched(house, released(house), language)
    assert f'<html lang="{language}">' in files["index.html"].decode()
    assert "{" not in files["README.txt"].decode()


def test_undecided_findings_keep_the_copy_back_and_verdicts_say_what_goes_in(house: House) -> None:
    case = searched(house, Right.ACCESS, ("email", EMAIL), ("name", NAME))
    (doubtful,) = possible_of(house, case)
    with pytest.raises(Conflict, match="undecided"):
        release(house, case.id, "officer")
    decide_findings(house, case.id, [(doubtful, NOT_THEIRS)], "officer")
    release(house, case.id, "officer")
    assert "called" not in fetched(house, case)["index.html"].decode() + str(records_of(fetched(house, case), "tickets"))
    with pytest.raises(Conflict, match="released"):
        decide_findings(house, case.id, [(doubtful, THEIRS)], "officer")
    take_back(house, case.id, "officer")
    decide_findings(house, case.id, [(doubtful, THEIRS)], "officer")
    release(house, case.id, "officer")
    assert {"id": "3", "body": f"{NAME} called."} in [values_of(record) for record in records_of(fetched(house, case), "tickets")]
    take_back(house, case.id, "officer")
    decide_findings(house, case.id, [(doubtful, MENTIONED)], "officer")
    release(house, case.id, "officer")
    assert {"body": f"{NAME} called."} in [values_of(record) for record in records_of(fetched(house, case), "tickets")]


def test_a_record_that_became_somebody_elses_since_is_not_in_the_copy(house: House, gossip: Company) -> None:
    case = released(house)
    gossip.sql(f"DELETE FROM orders WHERE id = 171; UPDATE customers SET email = '{BOB}2', full_name = 'Carl Carlson' WHERE id = 17;")
    files = fetched(house, case)
    assert records_of(files, "orders") == []
    # The key 17 was learnt from the person's record, and leads to a row that is somebody else's now.
    assert "Carl" not in str(records_of(files, "customers"))


def test_a_record_that_a_person_decided_about_is_given_only_as_they_saw_it(house: House, gossip: Company) -> None:
    case = searched(house, Right.ACCESS, ("email", EMAIL), ("name", NAME))
    decide_findings(house, case.id, [(possible_of(house, case)[0], THEIRS)], "officer")
    release(house, case.id, "officer")
    gossip.sql(f"UPDATE tickets SET body = '{NAME} of another town bought a boat.' WHERE id = 3;")
    files = fetched(house, case)
    assert "boat" not in b"".join(files.values()).decode()
    assert [entry["because"] for entry in json.loads(files["about.json"])["left_out"]] == ["changed"]


def test_searching_again_asks_about_everything_anew(house: House) -> None:
    case = searched(house, Right.ACCESS, ("email", EMAIL), ("name", NAME))
    decide_findings(house, case.id, [(possible_of(house, case)[0], THEIRS)], "officer")
    release(house, case.id, "officer")
    search_again(house, case.id, "officer")
    with pytest.raises(Conflict, match="released"):
        copy_of(house, case.id)
    case = run_case(house, case.id, WORKER)
    assert waits_for(case) == REVIEW
    assert len(possible_of(house, case)) == 1


def test_an_officer_leaves_a_record_out_or_blackens_others_with_a_reason(house: House, gossip: Company) -> None:
    gossip.sql(f"UPDATE orders SET note = 'Give it to Bob Marsh or {BOB} please' WHERE id = 171;")
    case = searched(house)
    review = review_of(house, case.id)
    assert (review.naming, review.looked) == (1, 0)
    with house.store.snapshot() as tx:
        (order,) = tx.copies.naming_others(case.id)
    with pytest.raises(InputWrong, match="no such reason"):
        treat_record(house, case.id, order, EXCLUDE, "because I say so", "officer")
    treat_record(house, case.id, order, BLACKEN, "others_rights", "officer")
    release(house, case.id, "officer")
    assert values_of(records_of(fetched(house, case), "orders")[0])["note"] == "Give it to [somebody else] or [somebody else] please"
    with pytest.raises(Conflict, match="released"):
        treat_record(house, case.id, order, EXCLUDE, "others_rights", "officer")
    take_back(house, case.id, "officer")
    treat_record(house, case.id, order, EXCLUDE, "others_rights", "officer")
    release(house, case.id, "officer")
    files = fetched(house, case)
    assert records_of(files, "orders") == []
    assert [(entry["because"], entry["records"]) for entry in json.loads(files["about.json"])["left_out"]] == [("others_rights", 1)]


def test_portability_gives_only_what_the_person_provided(house: House) -> None:
    files = fetched(house, released(house, Right.PORTABILITY))
    assert [values_of(record) for record in records_of(files, "customers")] == [{"email": EMAIL, "full_name": NAME}]
    assert (records_of(files, "orders"), records_of(files, "tickets")) == ([], [])
    csv = next(data for name, data in files.items() if name.endswith(".csv")).decode()
    assert csv.splitlines()[0] == "record,field,category,value"


def test_nobody_gets_a_copy_who_was_not_verified_well_enough(house: House) -> None:
    case = asked(house, vouched=False)
    begin_copy(house, case.id, "officer")
    assert waits_for(run_case(house, case.id, WORKER)) == "identity_unverified"
    with pytest.raises(Conflict, match="may not be fetched"):
        copy_of(house, case.id)
    confirm_identity(house, case.id, "reauthenticated_account", "officer")
    case = run_case(house, case.id, WORKER)
    assert waits_for(case) == REVIEW
    release(house, case.id, "officer")
    assert records_of(fetched(house, case), "customers")


def test_a_case_about_a_copy_can_never_reach_a_plan_or_an_effect(house: House, gossip: Company) -> None:
    before = gossip.everything()
    case = released(house)
    fetched(house, case)
    for stage in (Stage.PLAN, Stage.APPROVE, Stage.EXECUTE, Stage.VERIFY_ABSENCE, Stage.NOTIFY, Stage.CERTIFY, Stage.PUBLISH):
        with house.store.transaction() as tx:
            current = tx.cases.get(case.id)
            tx.cases.save(_at(current, stage))
        stuck = run_case(house, case.id, WORKER)
        assert (stuck.stage, waits_for(stuck)) == (stage, "right.no_erasure")
    with house.store.snapshot() as tx:
        assert tx.plans.latest(case.id) is None
    assert gossip.everything() == before


def test_running_the_case_again_neither_searches_nor_loses_the_release(house: House) -> None:
    case = released(house)
    assert waits_for(run_case(house, case.id, WORKER)) == READY
    with house.store.snapshot() as tx:
        assert is_copy_ready(tx, house, tx.cases.get(case.id))
    take_back(house, case.id, "officer")
    assert waits_for(run_case(house, case.id, WORKER)) == REVIEW


def test_the_recorded_answer_closes_the_case_and_ends_the_copy(house: House) -> None:
    case = released(house)
    fetched(house, case)
    replied(house, case.id, Reply(Decision.FULFILLED, house.calendar.day_of(house.clock.now())), "officer")
    with house.store.snapshot() as tx:
        assert not is_copy_ready(tx, house, tx.cases.get(case.id))
    with pytest.raises(Conflict, match="may not be fetched"):
        copy_of(house, case.id)


def test_a_copy_that_is_taken_back_while_it_is_fetched_breaks_off(house: House) -> None:
    case = released(house)
    pieces = copy_of(house, case.id)
    next(pieces)
    take_back(house, case.id, "officer")
    with pytest.raises(Conflict, match="may not be fetched"):
        list(pieces)


def test_each_copy_stands_in_the_ledger_by_numbers_only(house: House) -> None:
    case = released(house)
    fetched(house, case)
    unpacked(copy_of(house, case.id, by="officer"))
    with house.store.snapshot() as tx:
        fetches = [data for _, data in tx.ledger.find("copy.fetched")]
        made = [data for _, data in tx.ledger.find("copy.made")]
        person = tx.people.id_of("officer")
    assert [(data["by"], data["number"]) for data in fetches] == [("requester", 1), (person, 2)]
    assert [(data["records"], data["left_out"]) for data in made] == [(4, {}), (4, {})]


def test_nothing_of_a_copy_stays_in_the_home(gossip: Company) -> None:
    with working(gossip) as house:
        fetched(house, released(house))
    kept = b"".join(path.read_bytes() for path in gossip.home.rglob("*") if path.is_file())
    for value in (NAME, "leave it at the door", "about tea"):
        assert value.encode() not in kept


def test_values_cannot_break_out_of_the_readable_pages(house: House, gossip: Company) -> None:
    gossip.sql("UPDATE orders SET note = '</td><script>alert(1)</script><img src=x onerror=alert(1)>' WHERE id = 171;")
    pages = b"".join(data for name, data in fetched(house, released(house)).items() if name.endswith(".html")).decode()
    assert "<script" not in pages
    assert "<img" not in pages
    assert "&lt;script&gt;" in pages


def _at(case: Case, stage: Stage) -> Case:
    return replace(case, stage=stage, wait=None)


def test_a_copy_that_nobody_fetched_in_thirty_days_has_to_be_released_again(gossip: Company) -> None:
    clock = FixedClock(NOON)
    with working(gossip, clock) as house:
        case = released(house)
        assert case.wait is not None
        assert case.wait.wake_at == NOON + LASTS
        clock.at += LASTS
        with pytest.raises(Conflict, match="may not be fetched"):
            copy_of(house, case.id)
        assert waits_for(run_case(house, case.id, WORKER)) == REVIEW
        release(house, case.id, "officer")
        assert records_of(fetched(house, case), "customers")


def test_two_who_fetch_at_once_get_the_same_and_are_counted_apart(house: House) -> None:
    case = released(house)
    together = list(zip_longest(copy_of(house, case.id, by="officer"), copy_of(house, case.id), fillvalue=b""))
    first, second = (unpacked(piece[number] for piece in together) for number in (0, 1))
    assert first == second
    with house.store.snapshot() as tx:
        assert [data["number"] for _, data in tx.ledger.find("copy.fetched")] == [1, 2]


def test_no_more_copies_are_made_at_once_than_leave_the_server_free(house: House) -> None:
    case = released(house)
    first, second = copy_of(house, case.id), copy_of(house, case.id)
    next(first)
    with pytest.raises(Conflict, match="other copies"):
        copy_of(house, case.id)
    first.close()
    assert unpacked(copy_of(house, case.id))
    del second
    copy_of(house, case.id).close()
