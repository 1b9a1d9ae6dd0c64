"""An evidence bundle is checked by a script that knows nothing of the engine, in an interpreter of its own; and no part of it can be changed."""

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dsr_engine.bootstrap import BUNDLE, create_home
from dsr_engine.certificate import offline
from dsr_engine.certificate.check import check
from dsr_engine.domain.errors import Conflict, InputWrong
from dsr_engine.domain.incident import IncidentKind
from dsr_engine.workflow.house import House
from dsr_engine.workflow.incidents import open_incident
from dsr_engine.workflow.proving.bundling import evidence_of
from tests.workflow.company import EMAIL, Company, founded
from tests.workflow.journeys import carried_through, opened_for, working


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, empty_home: Path) -> Company:
    return founded(empty_home, tmp_path_factory.mktemp("evidence") / "company")


@pytest.fixture(scope="module")
def house(shop: Company) -> Iterator[House]:
    with working(shop) as house:
        yield house


@pytest.fixture(scope="module")
def case_id(house: House) -> str:
    return carried_through(house, opened_for(house)).id


@pytest.fixture(scope="module")
def bundle(house: House, case_id: str) -> bytes:
    return evidence_of(house, case_id).data


def _unpacked(data: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder)
    return folder


def _run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The script in a fresh interpreter that knows nothing of this folder or of the environment."""
    return subprocess.run([sys.executable, "-I", "verify.py", *arguments], cwd=folder, capture_output=True, text=True, env={}, check=False)


def _verified(house: House, folder: Path) -> "subprocess.CompletedProcess[str]":
    return _run(folder, "--trust", str(house.paper.folder.parent / BUNDLE))


def test_a_bundle_is_verified_by_its_own_script_alone(house: House, bundle: bytes, tmp_path: Path) -> None:
    folder = _unpacked(bundle, tmp_path)
    script = (folder / "verify.py").read_text()
    assert "dsr_engine" not in "".join(line for line in script.splitlines() if "import" in line)
    done = _verified(house, folder)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.count("  holds  ") == len(offline.CHECKS)
    assert "everything holds" in done.stdout


def test_without_a_trust_bundle_of_ones_own_nobody_is_called_the_issuer(bundle: bytes, tmp_path: Path) -> None:
    done = _run(_unpacked(bundle, tmp_path))
    assert done.returncode == 1
    assert "WHO issued it is not established" in done.stdout


def test_another_controllers_trust_bundle_refuses_it(bundle: bytes, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "home"
    create_home(other, "Another Ltd")
    done = _run(_unpacked(bundle, tmp_path), "--trust", str(other / BUNDLE))
    assert done.returncode == 1
    assert "not one that the trust bundle names" in done.stdout


def test_a_bundle_names_nobody(bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        for name in archive.namelist():
            assert EMAIL.encode() not in archive.read(name)


def test_the_bundle_holds_what_the_case_went_by(house: House, case_id: str, bundle: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        index = json.loads(archive.read("index.json"))
        pdf = archive.read(index["certificates"][0]["pdf"])
    assert {text["what"].partition(" ")[0] for text in index["texts"]} == {"policy", "regime", "connector"}
    assert all(text["file"] for text in index["texts"])
    assert check(pdf, house.paper.bundle).is_genuine
    with house.store.snapshot() as tx:
        assert index["leaves"] == len(tx.ledger_lists.of_case(case_id, 10_000)) > 5


def test_no_part_can_be_changed_left_out_or_added(house: House, bundle: bytes, tmp_path: Path) -> None:
    folder = _unpacked(bundle, tmp_path)
    trust = json.loads((house.paper.folder.parent / BUNDLE).read_text())
    said: list[str] = []
    assert offline.verify(folder, trust, said.append), said
    parts = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(parts) > 10
    for path in parts:
        whole = path.read_bytes()
        for changed in (whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:], whole[: len(whole) // 2], whole[:-1], whole + b"\n", b""):
            path.write_bytes(changed)
            assert not offline.verify(folder, trust, said.append), path
        path.unlink()
        assert not offline.verify(folder, trust, said.append), path
        path.write_bytes(whole)
    (folder / "more.txt").write_text("x")
    assert not offline.verify(folder, trust, said.append)


def _resealed(house: House, folder: Path) -> None:
    """What an operator could do who wants to deceive: the index is made anew and signed by the real signer."""
    index = json.loads((folder / "index.json").read_bytes())
    index["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in index["files"] if (folder / name).is_file()}
    index["leaves"] = len((folder / offline.LEAVES).read_text().splitlines())
    data = json.dumps(index).encode()
    (folder / "index.json").write_bytes(data)
    (folder / "index.sig").write_bytes(base64.b64encode(house.paper.signer.sign(data)) + b"\n")


def _change_leaf(folder: Path) -> None:
    lines = (folder / offline.LEAVES).read_text().splitlines()
    entry = json.loads(lines[3])
    entry["data"] = entry["data"].replace('"at":"2', '"at":"3')
    lines[3] = json.dumps(entry)
    (folder / offline.LEAVES).write_text("\n".join(lines) + "\n")


def _change_place(folder: Path) -> None:
    lines = (folder / offline.LEAVES).read_text().splitlines()
    entry = json.loads(lines[0])
    entry["index"] += 1
    lines[0] = json.dumps(entry)
    (folder / offline.LEAVES).write_text("\n".join(lines) + "\n")


def _drop_the_issued_leaf(folder: Path) -> None:
    lines = [line for line in (folder / offline.LEAVES).read_text().splitlines() if "certificate.issued" not in line]
    (folder / offline.LEAVES).write_text("\n".join(lines) + "\n")


def _change_checkpoint(folder: Path) -> None:
    notes = json.loads((folder / offline.CHECKPOINTS).read_text())
    body = notes[-1]["note"].split("\n")
    body[1] = str(int(body[1]) + 1)
    notes[-1]["note"] = "\n".join(body)
    (folder / offline.CHECKPOINTS).write_text(json.dumps(notes))


def _change_consistency(folder: Path) -> None:
    notes = json.loads((folder / offline.CHECKPOINTS).read_text())
    notes[0]["to_newest"] = notes[0]["to_newest"][:-1]
    (folder / offline.CHECKPOINTS).write_text(json.dumps(notes))


def _change_statement(folder: Path) -> None:
    (path,) = (folder / "certificates").glob("*.dsse.json")
    envelope = json.loads(path.read_text())
    payload = base64.b64decode(envelope["payload"]).replace(b"fulfilled", b"fulfillex")
    path.write_text(json.dumps({**envelope, "payload": base64.b64encode(payload).decode()}))


def _drop_a_text(folder: Path) -> None:
    next((folder / "texts").iterdir()).unlink()


def _change_a_text(folder: Path) -> None:
    path = next((folder / "texts").iterdir())
    path.write_bytes(path.read_bytes() + b"# another rule\n")


@pytest.mark.parametrize(
    "forge",
    [
        *(_change_leaf, _change_place, _drop_the_issued_leaf, _change_checkpoint, _change_consistency),
        *(_change_statement, _drop_a_text, _change_a_text),
    ],
)
def test_not_even_the_signer_of_the_index_can_change_what_the_ledger_holds(
    house: House, bundle: bytes, tmp_path: Path, forge: Callable[[Path], None]
) -> None:
    folder = _unpacked(bundle, tmp_path)
    forge(folder)
    _resealed(house, folder)
    done = _verified(house, folder)
    assert done.returncode == 1, done.stdout
    assert "  holds  index" in done.stdout or forge is _drop_a_text, done.stdout
    assert "NOT hold" in done.stdout


def test_a_certificate_that_was_withdrawn_says_so(house: House, tmp_path: Path) -> None:
    case = carried_through(house, opened_for(house, ("email", "bob@example.test")))
    open_incident(house, IncidentKind.WRONG_PERSON, case.id, house.clock.now(), "officer")
    done = _verified(house, _unpacked(evidence_of(house, case.id).data, tmp_path))
    assert done.returncode == 0, done.stdout
    assert "was withdrawn later" in done.stdout


def test_a_bundle_is_found_by_case_by_certificate_and_by_number(house: House, case_id: str) -> None:
    with house.store.snapshot() as tx:
        issued = tx.certificates.of(case_id)
    assert issued is not None
    names = {evidence_of(house, wanted).name for wanted in (case_id, issued.id, str(issued.serial), f"{issued.serial:06d}")}
    assert names == {f"evidence-{issued.serial:06d}.zip"}
    for unknown in ("", "0", "999", "nobody", "../../etc"):
        with pytest.raises(InputWrong) as refused:
            evidence_of(house, unknown)
        assert refused.value.code == "evidence.unknown"


def test_a_certificate_without_its_pdf_is_no_evidence(house: House, case_id: str) -> None:
    with house.store.snapshot() as tx:
        issued = tx.certificates.of(case_id)
    assert issued is not None
    path = house.paper.folder / issued.path
    kept = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(Conflict) as refused:
            evidence_of(house, case_id)
    finally:
        path.write_bytes(kept)
    assert refused.value.code == "evidence.no_pdf"


def test_a_script_that_says_yes_to_everything_is_found_by_the_programs_own(house: House, bundle: bytes, tmp_path: Path) -> None:
    folder = _unpacked(bundle, tmp_path)
    (folder / "verify.py").write_text('print("everything holds")\n')
    trust = str(house.paper.folder.parent / BUNDLE)
    command = [sys.executable, "-m", "dsr_engine.certificate.offline", "--folder", str(folder), "--trust", trust]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "verify.py is not the file that the index lists" in done.stdout


def test_the_trust_bundle_may_lie_beside_the_script(house: House, bundle: bytes, tmp_path: Path) -> None:
    folder = _unpacked(bundle, tmp_path)
    (folder / "from-the-controller.json").write_bytes((house.paper.folder.parent / BUNDLE).read_bytes())
    assert _run(folder, "--trust", "from-the-controller.json").returncode == 0
    (folder / "another.json").write_text("{}")
    assert _run(folder, "--trust", "from-the-controller.json").returncode == 1


def test_a_certificate_that_is_listed_twice_does_not_hide_another(house: House, bundle: bytes, tmp_path: Path) -> None:
    folder = _unpacked(bundle, tmp_path)
    index = json.loads((folder / "index.json").read_bytes())
    index["certificates"] *= 2
    (folder / "index.json").write_text(json.dumps(index))
    _resealed(house, folder)
    assert "other certificates than the index" in _verified(house, folder).stdout
