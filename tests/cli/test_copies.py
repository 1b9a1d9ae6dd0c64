"""A copy of the data on the command line: from the request to the file, which only its owner can read and of which nothing is kept."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.cli.company import EMAIL, Company
from tests.cli.conftest import Dsr


@pytest.fixture
def declared(home: Path, company: Company) -> Path:
    """A home that declares the company's database and mail."""
    (home / "systems.yaml").write_text(
        f'systems:\n  shop: {{connector: sqlite, url: "sqlite:///{company.shop}"}}\n  mail: {{connector: maildir, url: "maildir:{company.mail}"}}\n',
        encoding="utf-8",
    )
    return home


def test_a_request_for_access_ends_in_a_file(dsr: Dsr, declared: Path, tmp_path: Path) -> None:
    opened = dsr("--home", declared, "case", "open", "--email", EMAIL, "--right", "access", "--vouch", "--json")
    assert opened.code == 0, opened.all
    case = str(json.loads(opened.out)["case"])

    def copy(*arguments: object) -> tuple[int, str]:
        said = dsr("--home", declared, "copy", *arguments)
        return said.code, said.all

    out = tmp_path / "copy.zip"
    assert "may not be fetched" in copy("fetch", case, "--out", out)[1]
    assert not out.exists()
    assert copy("begin", case)[0] == 0
    assert copy("show", case)[0] == 3
    assert dsr("--home", declared, "case", "run", case).code == 3
    assert dsr("--home", declared, "case", "decide", case, "--all-possible", "--verdict", "theirs").code == 0
    code, said = copy("show", case)
    assert (code, "nobody released it" in said) == (3, True)
    assert EMAIL not in said + copy("naming", case)[1]
    assert copy("release", case)[0] == 0
    assert copy("fetch", case, "--out", out)[0] == 0
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
        assert EMAIL in "".join(archive.read(name).decode() for name in names if name.endswith(".json"))
        assert [name for name in names if name.endswith(".eml")], "her own mails are there with all that they enclose"
    assert out.stat().st_mode & 0o077 == 0
    assert list(tmp_path.glob("*.part")) == []
    assert "is there already" in copy("fetch", case, "--out", out)[1]
    shown = json.loads(dsr("--home", declared, "copy", "show", case, "--json").out)
    assert (shown["released"], shown["fetched"]) == (True, 1)
    assert "released" in copy("show", case)[1]
    assert copy("take-back", case)[0] == 0
    assert copy("show", case)[0] == 3
    assert copy("again", case)[0] == 0
