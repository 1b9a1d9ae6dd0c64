"""Folders of mail that are named after the person, from the search to the certificate: decided about, renamed, and known again."""

import mailbox
import random
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dsr_engine.domain.case import Case, Stage
from dsr_engine.domain.clock import FixedClock
from dsr_engine.domain.correspondence import FOLDER
from dsr_engine.domain.errors import Conflict
from dsr_engine.domain.plan import Plan, ResultState
from dsr_engine.workflow.decide import MENTIONED, NOT_THEIRS, STAYS, THEIRS, decide_findings, possible_findings
from dsr_engine.workflow.discover import FOUND
from dsr_engine.workflow.engine import run_case
from dsr_engine.workflow.house import House
from dsr_engine.workflow.previewing import PreviewState, previews
from tests.drivers.mailstore_boxes import DovecotBox, letter
from tests.servers.dovecot import DovecotServer, running
from tests.thoroughness import ALL_TESTS
from tests.workflow.canaries import assert_forgotten, leaks_in
from tests.workflow.company import BOB, EMAIL, NAME, POLICY, Company, founded, of_any_case
from tests.workflow.journeys import (
    NOON,
    WORKER,
    approved,
    carried_through,
    ledger_of,
    opened_for,
    plan_of,
    results_of,
    statement_of,
    waits_for,
    working,
)
from tests.workflow.killing import borders_of, killed_at
from tests.workflow.meddling import Once, meddled

CLAIMS = (("email", EMAIL), ("name", NAME))
#: Places at which a rename is killed, beside the one that matters most.
_SAMPLE = 2
MARK = re.compile(r"\[redacted [0-9a-f]{8}\]")
#: Her folder with one below it, and those of others; each has a mail that names her and one that does not.
HERS, BELOW, OTHERS = f".Clients.{NAME}", f".Clients.{NAME}.Old", (".Clients.Ida Lind", ".Clients.Bob Marsh")


@pytest.fixture
def company(empty_home: Path, tmp_path: Path) -> Company:
    made = founded(empty_home, tmp_path / "company", ("mail",))
    fill(made, (HERS, BELOW, *OTHERS))
    (made.mail / "subscriptions").write_bytes(f"Sent\nClients.{NAME}.Old\nClients.{NAME}\nClients.Bob Marsh\n".encode())
    return made


def fill(company: Company, folders: tuple[str, ...]) -> None:
    for folder in folders:
        box = mailbox.Maildir(company.mail / folder, create=True)
        box.close()
        names = ((BOB, EMAIL), (EMAIL, "shop@example.com"), (BOB, "the tea"))
        for number, (sender, named) in enumerate(names):
            text = f"From: {sender}\nTo: shop@example.com, {BOB}, all@example.com\nSubject: hi\n\nAsk {named}.\n"
            (company.mail / folder / "cur" / f"{number}.of.{len(folder)}:2,S").write_bytes(text.encode())


def lying(company: Company) -> dict[str, bytes]:
    """All files of the mail store but the list of subscriptions; a rewritten mail without what is of one case."""
    found = {path.relative_to(company.mail).as_posix(): path.read_bytes() for path in company.mail.rglob("*") if path.is_file()}
    return {MARK.sub("[redacted]", name): of_any_case(data) for name, data in found.items() if name != "subscriptions"}


def folders(company: Company) -> set[str]:
    return {path.name for path in company.mail.iterdir() if path.is_dir()}


def the_folder(house: House, case: Case) -> str:
    with house.store.snapshot() as tx:
        waiting = possible_findings(tx, tx.cases.get(case.id), FOUND)
    (id_,) = [id_ for id_, finding in waiting if FOLDER in finding.roles]
    return id_


def decided(house: House, verdict: str) -> Case:
    """A case in which somebody has said this of the folder, which bears a name that others may have."""
    case = run_case(house, opened_for(house, *CLAIMS).id, WORKER)
    assert waits_for(case) == "finding.undecided"
    decide_findings(house, case.id, [(the_folder(house, case), verdict)], "officer")
    return run_case(house, case.id, WORKER)


def test_a_name_that_others_may_have_too_waits_for_a_person_and_nothing_is_changed_meanwhile(company: Company) -> None:
    before = lying(company)
    with working(company) as house:
        case = run_case(house, opened_for(house, *CLAIMS).id, WORKER)
        assert waits_for(case) == "finding.undecided"
        with pytest.raises(Conflict):
            approved(house, case)
        (shown,) = previews(house, case.id, [the_folder(house, case)], "officer")
        assert (shown.state, shown.place, shown.reason) == (PreviewState.THERE, "the name of this folder", "")
        assert leaks_in(shown.place.encode()) == []
    assert lying(company) == before
    assert HERS in folders(company)


def test_a_folder_gets_another_name_after_all_mails_were_treated(company: Company) -> None:
    before = lying(company)
    with working(company) as house:
        case = carried_through(house, decided(house, MENTIONED))
        assert (case.stage, case.round) == (Stage.CLOSED, 1), case.wait
        assert [item.collection for item in plan_of(house, case).items][-1] == HERS[1:]
        assert {result.state for result in results_of(house, case)} == {ResultState.DONE}
        statement = statement_of(house, case)
        assert (statement.verdict, statement.exceptions) == ("fulfilled", ())
    (fresh,) = {name for name in folders(company) if MARK.search(name) and not name.endswith(".Old")}
    assert MARK.fullmatch(fresh.removeprefix(".Clients."))
    assert {HERS, BELOW} & folders(company) == set()
    assert {*OTHERS, f"{fresh}.Old"} <= folders(company)
    lines = (company.mail / "subscriptions").read_text().splitlines()
    assert lines == ["Sent", f"{fresh[1:]}.Old", fresh[1:], "Clients.Bob Marsh"]
    after = lying(company)
    assert not any(EMAIL.encode() in data for data in after.values())
    still = {name.replace(NAME, "[redacted]"): data for name, data in before.items() if EMAIL.encode() not in data}
    assert {name: after.get(name) for name in still} == still


def test_what_is_kept_of_the_mails_in_a_renamed_folder_is_expected_where_it_lies_now(company: Company) -> None:
    company.policy(POLICY.replace("rules:\n", "rules:\n  - {name: her letters stay, when: {category: mail}, then: retain}\n"))
    before = lying(company)
    with working(company) as house:
        case = carried_through(house, decided(house, MENTIONED))
        assert (case.stage, case.round) == (Stage.CLOSED, 1), case.wait
        with house.store.snapshot() as tx:
            assert not tx.incidents.of(case.id)
    assert HERS not in folders(company)
    hers = {name.replace(NAME, "[redacted]"): data for name, data in before.items() if f"From: {EMAIL}".encode() in data}
    assert len(hers) == 5
    assert {name: lying(company).get(name) for name in hers} == hers


def test_a_mail_of_which_somebody_said_that_it_stays_is_known_in_the_renamed_folder(company: Company) -> None:
    letter = company.mail / HERS / "cur" / "9.of.another:2,S"
    letter.write_bytes(f"From: {BOB}\nTo: all@example.com\nSubject: hi\n\nDinner with {NAME} of Uppsala.\n".encode())
    with working(company) as house:
        case = run_case(house, opened_for(house, *CLAIMS).id, WORKER)
        folder = the_folder(house, case)
        with house.store.snapshot() as tx:
            others = [id_ for id_, _ in possible_findings(tx, case, FOUND) if id_ != folder]
        assert len(others) == 1
        decide_findings(house, case.id, [(folder, MENTIONED), (others[0], NOT_THEIRS)], "officer")
        case = carried_through(house, run_case(house, case.id, WORKER))
        assert (case.stage, case.round) == (Stage.CLOSED, 1), case.wait
    (name,) = [name for name, data in lying(company).items() if b"Uppsala" in data]
    assert name == ".Clients.[redacted]/cur/9.of.another:2,S"


@pytest.mark.parametrize("verdict", [NOT_THEIRS, STAYS])
def test_a_folder_that_is_somebody_elses_or_stays_keeps_its_name(company: Company, verdict: str) -> None:
    with working(company) as house:
        case = carried_through(house, decided(house, verdict))
        assert (case.stage, case.round) == (Stage.CLOSED, 1), case.wait
    assert {HERS, BELOW} <= folders(company)


def test_a_folder_is_never_deleted_and_the_plan_says_so_before_anybody_approves(company: Company) -> None:
    before = lying(company)
    with working(company) as house:
        case = decided(house, THEIRS)
        assert "mail.folder_deleted" in {entry.code for entry in plan_of(house, case).obstacles}
        with pytest.raises(Conflict):
            approved(house, case)
        assert lying(company) == before
        decide_findings(house, case.id, [(folder_of(house, case), MENTIONED)], "officer")
        assert carried_through(house, run_case(house, case.id, WORKER)).stage is Stage.CLOSED
    assert HERS not in folders(company)


def folder_of(house: House, case: Case) -> str:
    with house.store.snapshot() as tx:
        (id_,) = [id_ for id_, finding in tx.findings.of(case.id, case.round, FOUND) if FOLDER in finding.roles]
    return id_


def test_a_rule_can_keep_names_of_folders(company: Company) -> None:
    rule = "  - {name: names of folders, when: {category: mail.folder, match: mentions}, then: retain}\n"
    company.policy(POLICY.replace("rules:\n", f"rules:\n{rule}"))
    with working(company) as house:
        case = carried_through(house, decided(house, MENTIONED))
        assert (case.stage, case.round) == (Stage.CLOSED, 1), case.wait
        assert "names of folders" in str(reasons(plan_of(house, case)))
    assert {HERS, BELOW} <= folders(company)


def reasons(plan: Plan) -> list[str]:
    return [reason.rule for item in plan.items for reason in item.reasons if item.effect is None]


def _renamed_back(company: Company) -> None:
    """A mail program that was offline knows better."""
    (fresh,) = [path for path in company.mail.iterdir() if MARK.fullmatch(path.name.removeprefix(".Clients."))]
    fresh.rename(company.mail / HERS)


def _made_anew(company: Company) -> None:
    """A filter goes on filing into it."""
    fill(company, (HERS,))


@pytest.mark.parametrize("meddle", [_renamed_back, _made_anew])
def test_a_folder_that_has_its_old_name_again_is_found_by_the_verification(company: Company, meddle: Callable[[Company], None]) -> None:
    with working(company) as house:
        case = decided(house, MENTIONED)
        changes = len([item for item in plan_of(house, case).items if item.effect is not None])
    once = Once("mail", "after change", lambda: meddle(company), time=changes)  # right behind the folder's, which is the last
    with working(company, drivers=meddled(once)) as house:
        case = carried_through(house, case)
        assert once.has_happened
        assert (case.stage, case.round) == (Stage.CLOSED, 2), case.wait
        assert statement_of(house, case).verdict == "fulfilled"
    assert HERS not in folders(company)
    assert not any(EMAIL.encode() in data for data in lying(company).values())


def test_nothing_of_the_name_is_certified_printed_or_kept_beside_the_names_of_collections(company: Company) -> None:
    with working(company) as house:
        case = carried_through(house, decided(house, MENTIONED))
        assert case.stage is Stage.CLOSED
        assert leaks_in(repr((case, statement_of(house, case), ledger_of(house))).encode()) == []
    assert_forgotten(company.home / "certificates")


# --- killed ----------------------------------------------------------------------------------------------------------


def resumed(company: Company) -> None:
    with working(company, FixedClock(NOON + timedelta(minutes=10))) as house:
        with house.store.snapshot() as tx:
            begun = tx.cases.list()
        case = carried_through(house, begun[0] if begun else opened_for(house), worker="next")
        assert case.stage is Stage.CLOSED, case.wait
        statement = statement_of(house, case)
        assert (statement.serial, statement.verdict, statement.exceptions) == (1, "fulfilled", ())


def near_renames(borders: list[str], needed: str, names: tuple[str, ...]) -> list[int]:
    """The borders around what renames the folder, which is the last change of the journey: the needed one, and a sample of the others."""
    first = max(number for number, name in enumerate(borders) if name == "before change in mailstore")
    last = next(number for number, name in enumerate(borders) if number > first and name == "after change in mailstore")
    found = [number for number in range(first, last + 2) if borders[number].partition(" ")[2] in names or number in (first, last, last + 1)]
    sure = next(number for number in found if borders[number] == needed)
    others = [number for number in found if number != sure]
    return found if ALL_TESTS else [sure, *random.sample(others, _SAMPLE)]


@pytest.mark.slow
def test_a_folder_on_a_disk_ends_alike_wherever_its_rename_was_killed(empty_home: Path, tmp_path: Path) -> None:
    def built(name: str) -> Company:
        made = founded(empty_home, tmp_path / name, ("mail",))
        fill(made, (f".{EMAIL}", f".{EMAIL}.Old", *OTHERS))
        (made.mail / "subscriptions").write_bytes(f"{EMAIL}.Old\n{EMAIL}\nSent\n".encode())
        return made

    undisturbed = built("undisturbed")
    borders, end = borders_of(undisturbed), lying(undisturbed)
    assert {MARK.sub("", name) for name in folders(undisturbed) if MARK.search(name)} == {".", "..Old"}
    for number in near_renames(borders, "after os.rename", ("os.rename", "os.fsync")):
        company = built(f"{number}")
        killed_at(company, number)
        resumed(company)
        assert lying(company) == end, borders[number]
        lines = (company.mail / "subscriptions").read_text()
        assert MARK.sub("", lines) == ".Old\n\nSent\n", borders[number]


@pytest.mark.slow
def test_a_folder_on_a_server_ends_alike_wherever_its_rename_was_killed(empty_home: Path, tmp_path: Path) -> None:
    """Dots are letters of names where the server keeps folders within folders."""
    with running(("mail_location = maildir:~/Maildir", "mail_location = maildir:~/Maildir:LAYOUT=fs")) as server:

        def built(name: str) -> tuple[Company, DovecotBox]:
            return on_server(empty_home, tmp_path / name, server)

        company, box = built("undisturbed")
        borders, end = borders_of(company), seen(box)
        assert {MARK.sub("[]", name) for name in end[0] if MARK.search(name)} == {"Clients/[]", "Clients/[]/Old"}
        for number in near_renames(borders, "after IMAP rename", ("IMAP rename", "IMAP subscribe", "IMAP unsubscribe")):
            company, box = built(f"{number}")
            killed_at(company, number)
            resumed(company)
            assert masked(seen(box)) == masked(end), borders[number]


Standing = tuple[frozenset[str], frozenset[str], frozenset[tuple[str, bytes]]]


def masked(standing: Standing) -> object:
    """What is the same for all cases: the code in a folder's name is made with the key of each."""
    names, subscribed, mails = standing
    return ({MARK.sub("[]", name) for name in names}, {MARK.sub("[]", name) for name in subscribed}, {(MARK.sub("[]", f), raw) for f, raw in mails})


def on_server(home: Path, folder: Path, server: DovecotServer) -> tuple[Company, DovecotBox]:
    company, box = founded(home, folder, ()), DovecotBox(server)
    secret = folder / "password"
    secret.write_text(box.password)
    given = {"url": f"imap://127.0.0.1:{server.port}", "user": box.user, "password": f"file:{secret}", "ca_file": str(server.certificate)}
    company.declare("mail", "connector: imap, owner: office@example.com, " + ", ".join(f'{name}: "{value}"' for name, value in given.items()))
    for name in (f"Clients/{EMAIL}", f"Clients/{EMAIL}/Old", f"Clients/{BOB}"):
        box.deliver(f'"{name}"', letter(BOB, "shop@example.com", "hello", f"Ask {EMAIL}.", eol=b"\r\n"), is_seen=True)
        box.deliver(f'"{name}"', letter(BOB, "shop@example.com", "hello", "Ask Bob.", eol=b"\r\n"), is_seen=True)
    with box.client() as client:
        for name in (f"Clients/{EMAIL}", f"Clients/{EMAIL}/Old", f"Clients/{BOB}"):
            client.subscribe(f'"{name}"')
    return company, box


def seen(box: DovecotBox) -> Standing:
    with box.client() as client:

        def names(lines: list[bytes]) -> frozenset[str]:
            return frozenset(found[1].decode() for line in lines if line and (found := re.search(rb' "/" "?(.*?)"?$', line)))

        listed, subscribed = names(client.list()[1]), names(client.lsub()[1])  # type: ignore[arg-type]  # bytes, as this server answers
        mails = set()
        for name in listed:
            if client.select(f'"{name}"', readonly=True)[0] != "OK":
                continue  # it is there for those below it
            for uid in client.uid("SEARCH", "ALL")[1][0].split():
                raw = client.uid("FETCH", uid.decode(), "(FLAGS INTERNALDATE BODY.PEEK[])")[1]
                mails.add((name, of_any_case(re.sub(rb"UID \d+ ", b"", raw[0][0].partition(b"(")[2]) + raw[0][1])))
    return listed, subscribed, frozenset(mails)


def test_a_folder_on_a_server_gets_another_name_and_its_subscriptions_with_it(empty_home: Path, tmp_path: Path, dovecot: DovecotServer) -> None:
    company, box = founded(empty_home, tmp_path / "company", ()), DovecotBox(dovecot)
    (tmp_path / "company" / "password").write_text(box.password)
    given = {"url": f"imap://127.0.0.1:{dovecot.port}", "user": box.user, "ca_file": str(dovecot.certificate)}
    given["password"] = f"file:{tmp_path / 'company' / 'password'}"
    company.declare("mail", "connector: imap, owner: office@example.com, " + ", ".join(f'{name}: "{value}"' for name, value in given.items()))
    for name in (f"Clients/{NAME}/Old", "Clients/Bob Marsh"):  # her folder itself has no mail: it is there for those below it
        box.deliver(f'"{name}"', letter(BOB, "shop@example.com", "hello", f"Ask {EMAIL}.", eol=b"\r\n"), is_seen=True)
        with box.client() as client:
            client.subscribe(f'"{name}"')
    with working(company) as house:
        case = carried_through(house, decided(house, MENTIONED))
        assert (case.stage, case.round) == (Stage.CLOSED, 1), case.wait
    names, subscribed, mails = seen(box)
    assert not any(NAME in name for name in names | subscribed)
    assert {MARK.sub("[]", name) for name in subscribed} == {"Clients/[]/Old", "Clients/Bob Marsh"}
    assert {MARK.sub("[]", name) for name, _ in mails} == {"Clients/[]/Old", "Clients/Bob Marsh"}
