"""Builds the sample company and its DSR_HOME, and looks at all of its data without the engine's help: the demo's own proof."""

import gzip
import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from dsr_engine.bootstrap import create_home
from dsr_engine.cli.sample.lake import BUCKET, KEY, REGION, SECRET, build_lake, versions_of_lake
from dsr_engine.cli.sample.mail import build_mail, mails_of
from dsr_engine.cli.sample.people import HOUSEHOLD, NAMESAKE, SUBJECT, everybody
from dsr_engine.cli.sample.shop import build_shop, rows_of_shop
from dsr_engine.domain.errors import InputWrong

OTHERS = 300
CONTROLLER = "Teahouse Lindenblüte GmbH"

_SYSTEMS = """\
systems:
  shop: {{connector: shop, url: "sqlite:///{shop}", owner: shop-team@example.com}}
  mail: {{connector: maildir, url: "maildir:{mail}", owner: office@example.com}}
  lake:
    connector: lake
    bucket: {bucket}
    endpoint_url: "{endpoint}"
    region: {region}
    access_key: "${{SAMPLE_KEY}}"
    secret_key: "${{SAMPLE_SECRET}}"
    owner: data-team@example.com
"""

_LAKE = """\
connector: lake
driver: objectstore
about: The data team's bucket.
collections:
  events/*.jsonl:
    fields:
      email: {category: user.contact.email, selects: email}
discover: rest
residuals:
  - {what: access logs of the bucket keep the names of objects, gone_after: 90 days}
"""

_POLICY = """\
policy: customer-data
about: Customers of the teahouse, their orders and their mail.
owner: privacy@example.com
regimes: [gdpr]
rules:
  - name: invoices are kept for tax
    when: {collection: shop.invoices}
    keep: {for: 8 years, from: issued_on, to_year_end: true, because: legal_obligation, law: "§ 147 AO"}
    then: delete
  - name: other people's records that mention the person
    when: {category: user, match: mentions}
    then: redact
  - name: everything that belongs to the person
    when: {category: user}
    then: delete
request: {approval: one_person, max_affected: 500, first_batch: 10, max_drift: 5%, superseded: delete}
sweep: {schedule: "0 3 * * *", approval: one_person, max_affected: 500, max_share: 10%, first_runs_dry: 3}
"""


@dataclass(frozen=True, slots=True)
class Company:
    """Where the sample company lies. `endpoint` is its embedded S3, which ends with the process."""

    folder: Path
    endpoint: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def shop(self) -> Path:
        return self.folder / "shop.db"

    @property
    def mail(self) -> Path:
        return self.folder / "mail"


def build_company(folder: Path, endpoint: str) -> Company:
    """Builds it in `folder`; an earlier demo in the same folder is replaced, anything else is refused."""
    refuse_foreign(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    company = Company(folder.resolve(), endpoint)
    people, now = everybody(OTHERS), datetime.now(UTC)
    build_shop(company.shop, people, now.date())
    build_mail(company.mail, people, now)
    build_lake(endpoint, people, now.date())
    create_home(company.home, CONTROLLER)
    systems = _SYSTEMS.format(shop=company.shop, mail=company.mail, bucket=BUCKET, endpoint=endpoint, region=REGION)
    (company.home / "systems.yaml").write_text(systems, encoding="utf-8")
    (company.home / "connectors" / "lake.yaml").write_text(_LAKE, encoding="utf-8")
    (company.home / "policies" / "customer-data.yaml").write_text(_POLICY, encoding="utf-8")
    settings = company.home / "dsr.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace('policy = "one-shot"', 'policy = "customer-data"'), encoding="utf-8")
    return company


def refuse_foreign(folder: Path) -> None:
    """Raises `InputWrong` for a folder that holds anything but an earlier demo, which would be replaced."""
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    settings = folder / "home" / "dsr.toml"
    if not settings.is_file() or CONTROLLER not in settings.read_text(encoding="utf-8", errors="replace"):
        raise InputWrong(f"{folder} is not empty and holds no demo", code="demo.folder", hint="name another folder")


def everything_in(company: Company) -> dict[str, bytes]:
    """Every row, mail and object version of the company, read without the engine."""
    return {**dict(rows_of_shop(company.shop)), **dict(mails_of(company.mail)), **dict(versions_of_lake(company.endpoint))}


def texts_in(data: bytes) -> Iterator[str]:
    """The readable texts of a row, a mail or an object: decoded and unpacked with the standard library only."""
    if data[:2] == b"\x1f\x8b":
        yield from texts_in(gzip.decompress(data))
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield from texts_in(archive.read(name))
    elif b"\nMessage-ID:" in data[:4000] or data.startswith(b"From:"):
        yield from _texts_in_mail(message_from_bytes(data))
    else:
        yield data.decode("utf-8", "replace")


def _texts_in_mail(mail: Message) -> Iterator[str]:
    """Headers and bodies. A mail of the subject's inside another is hers as a whole, the part around it included, and stands here as one line."""
    inner = mail.get_payload(0) if mail.get_content_type() == "message/rfc822" else mail
    if isinstance(inner, Message) and is_about_subject(str(inner["From"])):
        yield f"a mail from {SUBJECT.email}"
        return
    yield "\n".join(f"{name}: {value}" for name, value in mail.items())
    payload = mail.get_payload(decode=True)
    if isinstance(payload, bytes):
        yield payload.decode("utf-8", "replace")
    for part in mail.get_payload() if mail.is_multipart() else ():
        if isinstance(part, Message):
            yield from _texts_in_mail(part)


def lines_in(data: bytes) -> list[str]:
    return [line.rstrip("\r") for text in texts_in(data) for line in text.split("\n")]


def is_about_subject(line: str) -> bool:
    """True for a line that names the subject: her address in any spelling, or her name without her namesake's address beside it."""
    low = line.lower()
    return SUBJECT.email.partition("@")[0] in low or (SUBJECT.name.lower() in low and NAMESAKE.email not in low)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What happened to the company's data. `wrong` must be empty: places of other people that changed, and lines of theirs that are gone."""

    identical: int
    changed: tuple[str, ...]
    gone: tuple[str, ...]
    appeared: tuple[str, ...]
    wrong: tuple[str, ...]
    remaining: tuple[str, ...]


#: The subject's own rows, which may go or change as a whole.
HERS = frozenset(
    {
        *(f"shop.{table} {SUBJECT.number}" for table in ("customers", "addresses")),
        *(f"shop.{table} {1000 + SUBJECT.number}" for table in ("orders", "order_items")),
        *(f"shop.order_items {1000 + SUBJECT.number} {sku}" for sku in ("TEA-01", "CUP-07")),
        f"shop.invoices R-{1000 + SUBJECT.number}",
    }
)
#: Rows of her doubles (same name, same telephone), which must come out byte for byte as they went in.
DOUBLES = frozenset(
    place
    for double in (NAMESAKE, HOUSEHOLD)
    for place in (
        f"shop.customers {double.number}",
        f"shop.addresses {double.number}",
        f"shop.invoices R-{1000 + double.number}",
        "shop.leads 2",
        "shop.sessions s1",
    )
)


def compare(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Comparison:
    """Compares the company before and after. A place may only have changed if it held the subject, and only in lines that did."""
    changed = sorted(place for place in before if place in after and before[place] != after[place])
    gone = sorted(place for place in before if place not in after)
    wrong = [place for place in (*changed, *gone) if not _may_change(place, before[place])]
    wrong += [f"{place}: a line of somebody else" for place in changed if place not in HERS and _lost_lines(before[place], after[place])]
    remaining = sorted(place for place in after if place not in DOUBLES and any(map(is_about_subject, lines_in(after[place]))))
    return Comparison(
        identical=sum(1 for place in before if after.get(place) == before[place]),
        changed=tuple(changed),
        gone=tuple(gone),
        appeared=tuple(sorted(place for place in after if place not in before)),
        wrong=tuple(wrong),
        remaining=tuple(remaining),
    )


def _may_change(place: str, data: bytes) -> bool:
    return place in HERS or (place not in DOUBLES and any(map(is_about_subject, lines_in(data))))


def _lost_lines(before: bytes, after: bytes) -> Counter[str]:
    """Lines without the subject that stood there and do not any more."""
    kept = Counter(line for line in lines_in(before) if not is_about_subject(line))
    return kept - Counter(lines_in(after))


def environment() -> dict[str, str]:
    """The credentials of the embedded S3, which the sample's systems.yaml refers to."""
    return {"SAMPLE_KEY": KEY, "SAMPLE_SECRET": SECRET}
