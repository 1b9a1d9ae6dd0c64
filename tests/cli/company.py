"""A small company with one Jane Roe in it, a namesake, and others who must not be touched; looked at without the engine."""

import base64
import gzip
import json
import sqlite3
import zipfile
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

EMAIL, PHONE, NAME = "jane.roe@example.com", "+49 30 1234567", "Jane Roe"
#: What must never be printed about her, in any spelling that the sample uses.
TRACES = ("jane.roe", "jane roe", "1234567", "roe, jane")

_MAIL = "From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}@x>\r\n\r\n{body}\r\n"


@dataclass(frozen=True, slots=True)
class Company:
    """Where the systems lie."""

    folder: Path

    @property
    def shop(self) -> Path:
        return self.folder / "shop.db"

    @property
    def mail(self) -> Path:
        return self.folder / "mail"

    @property
    def files(self) -> Path:
        return self.folder / "files"

    def urls(self) -> list[str]:
        """`--in` for each system."""
        return ["--in", f"sqlite:///{self.shop}", "--in", f"maildir:{self.mail}", "--in", str(self.files)]


def build_company(folder: Path) -> Company:
    company = Company(folder)
    folder.mkdir()
    with closing(sqlite3.connect(company.shop)) as shop, shop:
        shop.executescript("CREATE TABLE customers (id INTEGER PRIMARY KEY, email TEXT, full_name TEXT, phone TEXT);")
        shop.executescript("CREATE TABLE tickets (id INTEGER PRIMARY KEY, body TEXT);")
        for number in range(1, 30):
            row = (number, f"p{number}@example.org", f"Person Number{number}", f"+49 40 77000{number:02}")
            shop.execute("INSERT INTO customers VALUES (?, ?, ?, ?)", row)
        shop.execute("INSERT INTO customers VALUES (77, ?, ?, ?)", (EMAIL, NAME, PHONE))
        shop.execute("INSERT INTO tickets VALUES (1, ?), (2, 'The tea was cold.')", (f"Please call {EMAIL.upper()} about the tea.",))
    _build_mail(company.mail)
    _build_files(company.files)
    return company


def _build_mail(box: Path) -> None:
    for name in ("", f".{EMAIL.replace('.', '-')}"):
        for part in ("cur", "new", "tmp"):
            (box / name / part).mkdir(parents=True)
    body = base64.b64encode(f"Please delete me.\n{NAME}\n".encode()).decode()
    hers = _MAIL.format(sender=f"{NAME} <{EMAIL}>", to="a@example.org", subject="Request", number=1, body=body)
    _put(box / "cur" / "1.a:2,S", hers.replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1))
    _put(box / "cur" / "2.a:2,S", _MAIL.format(sender="b@example.org", to="a@example.org", subject="About tea", number=2, body=f"Ask {EMAIL}."))
    _put(box / "cur" / "3.a:2,S", _MAIL.format(sender="b@example.org", to="a@example.org", subject="Hello", number=3, body="Nothing of hers."))


def _put(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def _build_files(folder: Path) -> None:
    folder.mkdir()
    rows = "number,name,email\n" + "".join(f"{number},Person Number{number},p{number}@example.org\n" for number in range(20))
    table = (rows + f"21,{NAME},{EMAIL}\n" + "22,Zoe Last,zoe@example.org\n").encode()
    (folder / "customers.csv").write_bytes(table)
    (folder / "customers.csv.gz").write_bytes(gzip.compress(table, mtime=0))
    with zipfile.ZipFile(folder / "quarter.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo("customers.csv"), table)
        archive.writestr(zipfile.ZipInfo("readme.txt"), b"Numbers of the quarter.\n")
    (folder / "people.json").write_text(json.dumps({"people": [{"email": "q@example.org"}, {"email": EMAIL}]}), encoding="utf-8")
    (folder / "tea.txt").write_bytes("Grüner Tee, schwarzer Tee.\n".encode("latin-1"))


def snapshot(company: Company) -> dict[str, object]:
    """Everything in the systems: each row, each mail, each file, each line and member of a shared file."""
    with closing(sqlite3.connect(f"file:{company.shop}?mode=ro", uri=True)) as shop:
        seen: dict[str, object] = {
            f"{table} {row[0]}": row for table in ("customers", "tickets") for row in shop.execute(f"SELECT * FROM {table}").fetchall()
        }
    seen |= {
        f"mail {path.relative_to(company.mail).as_posix().partition(':')[0]}": path.read_bytes() for path in company.mail.rglob("*") if path.is_file()
    }
    seen |= {f"file {path.name}": path.read_bytes() for path in company.files.iterdir()}
    return seen


#: The places that hold nothing of hers; they come out byte for byte as they went in.
OTHERS = (
    *(f"customers {number}" for number in range(1, 30)),
    *("tickets 2", "mail cur/3.a", "file tea.txt"),
)


def others(seen: Mapping[str, object]) -> dict[str, object]:
    """The controls out of a snapshot; a missing one is an error, also before the test."""
    return {place: seen[place] for place in OTHERS}


def other_lines(company: Company) -> list[list[bytes]]:
    """The lines of everybody else in the files that are shared with her."""
    with zipfile.ZipFile(company.files / "quarter.zip") as archive:
        texts = [archive.read("customers.csv"), archive.read("readme.txt")]
    texts += [(company.files / "customers.csv").read_bytes(), gzip.decompress((company.files / "customers.csv.gz").read_bytes())]
    return [[line for line in text.splitlines() if not line.startswith(b"21,")] for text in texts]


def traces_in(text: str) -> list[str]:
    """What of hers stands in a text."""
    return [trace for trace in TRACES if trace in text.casefold()]


def holds_her(company: Company) -> list[str]:
    """The places in which her address, her name or her number can still be read, with archives unpacked."""
    seen = snapshot(company)
    with zipfile.ZipFile(company.files / "quarter.zip") as archive:
        seen |= {f"file quarter.zip {name}": archive.read(name) for name in archive.namelist()}
    seen["file customers.csv.gz"] = gzip.decompress((company.files / "customers.csv.gz").read_bytes())
    return sorted(place for place, data in seen.items() if traces_in(data.decode("latin-1") if isinstance(data, bytes) else str(data)))
