"""A certificate can be linked to its person by the person and by the request log, and by nobody else; when the record ends, by the person alone."""

import hashlib
import itertools
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case, CaseKind, Stage
from dsr_engine.domain.certificate import Statement
from dsr_engine.domain.commitment import matches, salt_of
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.letter import LetterKind
from dsr_engine.domain.selector import Secret
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import open_case
from dsr_engine.workflow.letters.writing import compose
from dsr_engine.workflow.records.matching import code_for, committed_to, is_about, salt_from_log
from tests.workflow.company import BOB, EMAIL, NAME, Company
from tests.workflow.journeys import carried_through, opened_for, request_of, statement_of, working


def _erased(house: House, *claims: tuple[str, str]) -> tuple[Case, Statement]:
    case = carried_through(house, opened_for(house, *claims))
    assert case.stage is Stage.CLOSED, case.wait
    return case, statement_of(house, case)


def _code(house: House, case: Case) -> str:
    with house.store.snapshot() as tx:
        return code_for(tx, case)


def _about(statement: Statement, salt: bytes, kind: str, value: str) -> bool:
    return is_about(statement, salt, [(kind, Secret(value))])


def test_the_persons_code_says_yes_to_their_identifier_and_no_to_any_other(shop: Company) -> None:
    with working(shop) as house:
        case, statement = _erased(house, ("email", EMAIL), ("customer_id", "17"))
        salt = salt_of(_code(house, case))
    assert _about(statement, salt, "email", f" {EMAIL.upper()}")
    assert _about(statement, salt, "customer_id", "17")
    assert not _about(statement, salt, "email", BOB)
    assert not _about(statement, salt, "email", "17")
    assert not _about(statement, bytes(16), "email", EMAIL)


def test_the_request_log_answers_too_and_the_ledger_says_who_asked(shop: Company) -> None:
    with working(shop) as house:
        case, statement = _erased(house)
        assert _about(statement, salt_from_log(house, statement, "officer"), "email", EMAIL)
        assert not _about(statement, salt_from_log(house, statement, "officer"), "email", BOB)
        with house.store.snapshot() as tx:
            asked = [data for _, data in tx.ledger.find("certificate.matched")]
    assert [data["case"] for data in asked] == [case.id, case.id]
    assert all(EMAIL not in repr(data) and BOB not in repr(data) for data in asked)


def test_when_the_record_ends_only_the_person_can_link_the_certificate(shop: Company) -> None:
    with working(shop) as house:
        case, statement = _erased(house)
        salt = salt_of(_code(house, case))
        with house.store.transaction() as tx:
            tx.request_log.end([case.id])
        house.store.scrub()
        with pytest.raises(Conflict) as ended:
            salt_from_log(house, statement, "officer")
        assert _code(house, case) == ""
    assert ended.value.code == "match.ended"
    assert _about(statement, salt, "email", EMAIL)


def test_the_key_of_the_record_dies_with_its_epoch_so_that_a_backup_of_the_store_links_nothing(shop: Company) -> None:
    keys = shop.home / "keys" / "epochs"
    with working(shop) as house:
        case, _ = _erased(house)
        before = {path.name for path in keys.glob("log-*")}
        assert len(before) == 1
        with house.store.transaction() as tx:
            tx.request_log.end([case.id])
        house.store.scrub()
    assert not list(keys.glob("log-*"))


def _guesses(value: str) -> set[str]:
    """What somebody without the salt would try for a known address: plain, prefixed and named digests of its usual spellings."""
    spellings = {value, value.upper(), value.strip(), f"email:{value}", f"email\0{value}", f"email={value}"}
    prefixes = (b"", b"\x00", b"\x01", b"\x02", b"\x02" + bytes(16))
    found = set()
    for name, prefix, text in itertools.product(("md5", "sha1", "sha256", "sha512"), prefixes, spellings):
        found.add(hashlib.new(name, prefix + text.encode()).hexdigest())
    return found


def test_who_knows_the_address_but_not_the_salt_can_confirm_nothing(shop: Company) -> None:
    with working(shop) as house:
        case, statement = _erased(house)
        public = [statement.id, statement.subject_ref, case.id, case.subject_ref, statement.plan_digest]
    assert len(statement.commitment) == 64
    assert statement.commitment not in _guesses(EMAIL)
    for text in public:  # nothing that the certificate shows is the salt
        for salt in {text.encode()[:16], hashlib.sha256(text.encode()).digest()[:16], bytes.fromhex(text)[:16] if len(text) % 2 == 0 else b""}:
            assert not matches(statement.commitment, salt, "email", EMAIL)


def test_the_code_stands_in_the_letter_and_nowhere_in_the_home(shop: Company, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="dsr_engine")
    with working(shop) as house:
        case, _ = _erased(house)
        code = _code(house, case)
        letter = compose(house, case.id, LetterKind.COMPLETION, {"recipients": "Nobody else had your data."})
        german = compose(house, case.id, LetterKind.COMPLETION, {"recipients": "Niemand sonst hatte Ihre Daten."}, "de")
    for each in (letter, german):
        section = next(section for section in each.sections if section.element == "match_code")
        assert code in section.paragraphs
    salt = salt_of(code)
    forms = [code.encode(), code.replace("-", "").encode(), salt, salt.hex().encode()]
    looked = [path for path in shop.home.rglob("*") if path.is_file()]
    assert any(path.name == "dsr.db" for path in looked)
    assert [path.name for path in looked for form in forms if form in path.read_bytes()] == []
    assert not any(form.decode("latin-1") in caplog.text for form in forms)


def test_a_name_alone_is_committed_to_only_where_nothing_better_was_given(shop: Company) -> None:
    with working(shop) as house:
        case, statement = _erased(house, ("email", EMAIL), ("name", NAME))
        salt = salt_of(_code(house, case))
    assert len(statement.commitment.split()) == 1
    assert not _about(statement, salt, "name", NAME)


def test_killed_before_the_statement_the_code_is_made_anew_and_afterwards_it_stays(shop: Company) -> None:
    with working(shop) as house:
        case, statement = _erased(house)
        code = _code(house, case)
        with house.store.transaction() as tx:  # a second certificate of the case
            assert committed_to(tx, case) == statement.commitment
        assert _code(house, case) == code


def test_a_case_without_a_record_has_no_commitment_and_says_so(shop: Company) -> None:
    with working(shop) as house:
        case = carried_through(house, open_case(house, replace(request_of(house), kind=CaseKind.REPLAY)))
        assert case.stage is Stage.CLOSED, case.wait
        statement = statement_of(house, case)
    assert statement.commitment == ""
    with pytest.raises(InputWrong) as none:
        _about(statement, bytes(16), "email", EMAIL)
    assert none.value.code == "match.none"


def test_two_certificates_of_one_person_have_nothing_in_common(shop: Company) -> None:
    with working(shop) as house:
        _, first = _erased(house)
        shop.sql(f"INSERT INTO customers VALUES (17, '{EMAIL}', '{NAME}')")
        _, second = _erased(house)
    assert not set(first.commitment.split()) & set(second.commitment.split())
    assert first.subject_ref != second.subject_ref


def test_the_folder_of_keys_is_no_place_for_codes(shop: Company) -> None:
    with working(shop) as house:
        case, _ = _erased(house)
        salt = salt_of(_code(house, case))
    assert not [path for path in Path(shop.home / "keys").rglob("*") if path.is_file() and salt in path.read_bytes()]
