"""What a copy makes of records as they are in life: long ones, mails with attachments, binary values, odd keys, systems that do not answer."""

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from dsr_engine.domain.case import Case
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.request import Right
from dsr_engine.domain.request_log import Decision
from dsr_engine.drivers.reading import Original
from dsr_engine.workflow.access.choosing import BLACKEN, NOT_ENCLOSED
from dsr_engine.workflow.access.copying import copy_of, file_name
from dsr_engine.workflow.access.reviewing import release, review_of, treat_record
from dsr_engine.workflow.decide import THEIRS, decide_findings
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.previewing import PreviewState, previews
from dsr_engine.workflow.records.replying import Reply, replied
from tests.workflow.company import BOB, EMAIL, NAME, SHOP, SHOP_CONNECTOR, Company, founded
from tests.workflow.journeys import WORKER, working
from tests.workflow.test_access_copies import fetched, possible_of, records_of, released, searched, values_of

_PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
_MAIL = f"""\
From: {EMAIL}
To: shop@example.com
Subject: The pot
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=x

--x
Content-Type: text/plain

It is broken.
--x
Content-Type: text/csv
Content-Disposition: attachment; filename=list.csv

item,price
teapot,17
--x
Content-Type: image/png
Content-Disposition: attachment; filename=pot.png

not really a picture
--x--
"""


@pytest.fixture
def company(empty_home: Path, tmp_path: Path) -> Company:
    return founded(empty_home, tmp_path / "company", ())


def about(files: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files["about.json"])
    return found


def test_a_mail_of_theirs_comes_with_its_attachments_and_others_mails_do_not(company: Company) -> None:
    company.add_mail()
    company.deliver(_MAIL, "9.mail.host")
    with working(company) as house:
        files = fetched(house, released(house))
    mails = [data.decode() for name, data in files.items() if name.endswith(".eml")]
    assert sorted("teapot,17" in mail for mail in mails) == [False, True]
    assert all(f"From: {EMAIL}" in mail for mail in mails)
    kinds = sorted((record["kind"], len(record.get("files", ()))) for record in records_of(files, "INBOX"))
    assert kinds == [("own", 1), ("own", 1), ("passages", 0)]
    page = next(data.decode() for name, data in files.items() if name.startswith("data/") and name.endswith(".html"))
    assert '.eml" download' in page


def test_a_mail_in_which_others_are_hidden_comes_without_its_attachments_and_says_so(company: Company) -> None:
    company.add_mail()
    company.deliver(_MAIL.replace("teapot,17", f"{BOB},17"), "9.mail.host")
    with working(company) as house:
        case = searched(house)
        with house.store.snapshot() as tx:
            flagged = tx.copies.naming_others(case.id)
        for one in flagged:
            treat_record(house, case.id, one, BLACKEN, "others_rights", "officer")
        release(house, case.id, "officer")
        files = fetched(house, case)
    assert BOB not in b"".join(data for name, data in files.items() if name.startswith("data/")).decode()
    assert [record["not_read"] for record in records_of(files, "INBOX") if NOT_ENCLOSED in record.get("not_read", ())]
    assert about(files)["not_read"] == 1


def test_composite_keys_nulls_json_and_binary_values_come_whole(company: Company) -> None:
    connector = SHOP_CONNECTOR.replace(
        "discover: rest",
        "  profiles:\n    key: [site, no]\n    fields:\n      email: {category: user.contact.email, selects: email}\ndiscover: rest\n",
    )
    company.add_shop(SHOP, connector)
    company.sql(
        "CREATE TABLE profiles (site TEXT, no INTEGER, email TEXT, extra JSON, empty TEXT, photo BLOB, paper BLOB, PRIMARY KEY (site, no));"
        f"""INSERT INTO profiles VALUES ('a/b', 1, '{EMAIL}', '{{"likes": ["tea", null], "a+b": 1.5}}', NULL, X'{_PICTURE.hex()}', X'ff00fe61');"""
        f"""INSERT INTO profiles VALUES ('a/b', 2, '{BOB}', '{{"likes": ["rum"]}}', NULL, X'00', NULL);"""
    )
    with working(company) as house:
        files = fetched(house, released(house))
    (profile,) = records_of(files, "profiles")
    values = values_of(profile)
    assert {"site": "a/b", "no": "1", "email": EMAIL}.items() <= values.items()
    assert {"tea", "1.5"} <= set(values.values()), "also from a JSON name with a plus in it"
    assert "empty" not in values
    enclosed = {name.rpartition("-")[2]: data for name, data in files.items() if "profiles" in name and not name.endswith((".json", ".html"))}
    assert enclosed == {"photo.png": _PICTURE, "paper.bin": b"\xff\x00\xfe\x61"}
    assert "rum" not in b"".join(files.values()).decode(errors="replace")


def test_what_protects_the_account_is_not_shown_and_the_copy_says_so(company: Company) -> None:
    connector = SHOP_CONNECTOR.replace("full_name: {category: user.name}", "full_name: {category: user.authorization.credentials}")
    company.add_shop(SHOP, connector)
    with working(company) as house:
        files = fetched(house, released(house))
    assert NAME not in b"".join(files.values()).decode()
    assert about(files)["hidden"] == [{"because": "security", "in_words": "it would endanger the security of our systems", "records": 1}]


def test_a_long_text_does_not_take_the_other_fields_with_it(company: Company) -> None:
    company.add_shop(SHOP)
    company.sql("UPDATE orders SET note = (SELECT replace(hex(zeroblob(4500000)), '00', 'ab')) WHERE id = 171;")
    with working(company) as house:
        files = fetched(house, released(house))
    (order,) = records_of(files, "orders")
    assert values_of(order) == {"id": "171", "customer_id": "17"}
    assert order["not_read"] == ["reading.cut"]
    assert about(files)["not_read"] == 1


def test_a_possible_finding_in_a_text_that_is_too_long_is_not_called_changed(company: Company) -> None:
    company.add_shop(SHOP)
    company.sql(f"INSERT INTO tickets VALUES (9, (SELECT replace(hex(zeroblob(1500000)), '00', 'ab ')) || '{NAME}');")
    with working(company) as house:
        case = searched(house, Right.ACCESS, ("email", EMAIL), ("name", NAME))
        (doubtful,) = possible_of(house, case)
        (shown,) = previews(house, case.id, [doubtful], "officer")
        assert shown.state is PreviewState.UNREADABLE
        assert "longer than what is read" in shown.reason


def test_a_system_that_does_not_answer_is_told_in_the_copy_and_the_rest_is_there(company: Company) -> None:
    company.add_shop(SHOP)
    company.add_mail()
    with working(company) as house:
        case = released(house)
        company.shop.rename(company.shop.with_suffix(".away"))
        files = fetched(house, case)
    assert records_of(files, "customers") == []
    assert records_of(files, "INBOX")
    assert [entry["because"] for entry in about(files)["left_out"]] == ["unreadable"]


def test_what_could_not_be_read_for_the_review_is_never_given_as_decided(company: Company) -> None:
    company.add_shop(SHOP + f"INSERT INTO tickets VALUES (3, '{NAME} was cross.');")
    with working(company) as house:
        case = searched(house, Right.ACCESS, ("email", EMAIL), ("name", NAME))
        (doubtful,) = possible_of(house, case)
        with house.store.transaction() as tx:
            tx.copies.forget_records(case.id)
        decide_findings(house, case.id, [(doubtful, THEIRS)], "officer")
        release(house, case.id, "officer")
        files = fetched(house, case)
    assert "was cross" not in b"".join(files.values()).decode()
    assert [entry["because"] for entry in about(files)["left_out"]] == ["unreadable"]


def test_a_forgotten_case_has_neither_copy_nor_review(company: Company) -> None:
    company.add_shop(SHOP)
    with working(company) as house:
        case = released(house)
        replied(house, case.id, Reply(Decision.FULFILLED, house.calendar.day_of(house.clock.now())), "officer")
        assert review_of(house, case.id).groups == {}
        with pytest.raises(Conflict, match="may not be fetched"):
            copy_of(house, case.id)


def test_a_copy_that_breaks_off_is_no_readable_archive_and_leaves_nothing_behind(company: Company) -> None:
    company.add_shop(SHOP)
    with working(company) as house:
        case = released(house)
        pieces = copy_of(house, case.id)
        begun = next(pieces)
        del pieces
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(BytesIO(begun))
        assert fetched(house, case)["index.html"], "whoever was cut off begins anew"


def test_many_records_are_split_into_files_and_none_is_lost(company: Company) -> None:
    company.add_shop(SHOP + "".join(f"INSERT INTO orders VALUES ({1000 + number}, 17, '{'tea ' * 2000}{number}');\n" for number in range(700)))
    with working(company) as house:
        case: Case = searched(house)
        release(house, run_case(house, case.id, WORKER).id, "officer")
        files = fetched(house, case)
    assert len([name for name in files if "orders" in name and name.endswith(".json")]) > 1
    ids = [values_of(record)["id"] for record in records_of(files, "orders")]
    assert ids == ["171", *(str(1000 + number) for number in range(700))]


@pytest.mark.parametrize(
    ("name", "data", "called"),
    [
        ("mail.eml", b"From: x", "mail.eml"),
        ("photo", b"\xff\xd8\xff\xe0", "photo.jpg"),
        ("../../run.exe", b"MZ", "run_exe.bin"),
        ("page.html", b"<html>", "page_html.bin"),
        ("ü", b"%PDF-1.7", "_.pdf"),
    ],
)
def test_an_enclosed_file_has_a_name_that_runs_nothing(name: str, data: bytes, called: str) -> None:
    assert file_name(Original(name, data)) == called
