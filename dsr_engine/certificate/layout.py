"""Layout 3: which blocks a statement gives, in their order. The page shows every part of the statement, and nothing that is not in it
but the marks of its proof (fingerprints and the place in the ledger), which a verifier knows from the proof itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dsr_engine.certificate import wording
from dsr_engine.certificate.blocks import Block, Facts, Heading, Paragraph, Points, Summary, Table, Title
from dsr_engine.domain.certificate import Statement, SystemStatement

LAYOUT = 3
_MOST_COLUMNS = 6
_MOST_NAMES = 12
#: A cell with more characters than this would make a row too tall to be read; its row is told as facts instead.
_LONGEST_CELL = 280


@dataclass(frozen=True, slots=True)
class Marks:
    """What the page says of its own proof: fingerprints to compare, and where the ledger holds it."""

    authority: str
    signer: str
    log: str
    index: int
    size: int


def blocks(statement: Statement, marks: Marks) -> tuple[Block, ...]:
    """The page of a statement."""
    return (
        *_opening(statement),
        *_case(statement),
        *_systems(statement),
        *_recipients(statement),
        *_limits(statement),
        *_verifying(statement, marks),
    )


def footer(statement: Statement, page: int, pages: int) -> str:
    return f"Certificate {statement.id} · No. {statement.serial} · page {page} of {pages}"


def has_exceptions(statement: Statement) -> bool:
    return bool(statement.exceptions) or "exception" in statement.verdict


def _opening(statement: Statement) -> Iterator[Block]:
    title = "Certificate of erasure with exceptions" if has_exceptions(statement) else "Certificate of erasure"
    edition = wording.EDITIONS.get(statement.edition, statement.edition)
    yield Title(title, f"No. {statement.serial} · {wording.day(statement.issued_at)} · {edition}")
    yield _summary(statement)
    if statement.claims:
        yield Heading("What this certificate states")
        yield Points(statement.claims)
    yield Heading("Exceptions")
    yield Points(statement.exceptions) if statement.exceptions else Paragraph("None.")


def _summary(statement: Statement) -> Summary:
    names = [system.name for system in statement.systems]
    scope = ", ".join(names) if len(names) <= _MOST_NAMES else f"{len(names)}, each named below"
    sentences = [f"Systems in scope: {scope or 'none'}.", wording.level(statement.level)]
    if statement.exceptions:
        sentences.append(f"{len(statement.exceptions)} exception{'s' * (len(statement.exceptions) != 1)}, listed below.")
    verdict = wording.VERDICTS.get(statement.verdict, statement.verdict or "No verdict")
    return Summary(verdict, tuple(sentences), is_clean=statement.verdict in ("fulfilled", "pass") and not statement.exceptions)


def _case(statement: Statement) -> Iterator[Block]:
    yield Heading("The case")
    yield Facts(
        (
            ("Person", f"{statement.subject_ref} (a random reference, derived from nothing)"),
            *_facts(statement.case, "Case", {"kind": wording.KINDS}),
            ("Identity", wording.IDENTITIES.get(statement.identity, statement.identity)),
            *((wording.label(key), wording.value(at)) for key, at in sorted(statement.dates.items(), key=lambda entry: (entry[1], entry[0]))),
            ("Issued", wording.value(statement.issued_at)),
        )
    )
    yield Heading("Rules and approval")
    yield Facts(
        (
            *(fact for regime in statement.regimes for fact in _facts(regime, "Regime")),
            *_facts(statement.policy, "Policy"),
            ("Plan, SHA-256", statement.plan_digest or "–"),
            *_facts(statement.holds, "Legal holds"),
            *((("Commitment to the request", statement.commitment),) if statement.commitment else ()),
            *((("Supersedes certificate", statement.supersedes),) if statement.supersedes else ()),
        )
    )
    yield from _table("Why it was due", statement.grounds)
    if statement.approvals:
        yield from _table("Approved by", statement.approvals)
    else:
        yield Paragraph("No approval by a person is recorded.")


def _systems(statement: Statement) -> Iterator[Block]:
    yield Heading("System by system")
    if not statement.systems:
        yield Paragraph("No system was in scope.")
    for system in statement.systems:
        yield from _system(system)


def _system(system: SystemStatement) -> Iterator[Block]:
    yield Heading(system.name, 2, system.kind)
    yield Facts(
        (
            *((("Owner", system.owner),) if system.owner else ()),
            ("Claim", wording.level(system.level) if _is_searched(system) else "No claim is made: nothing in it was searched."),
            *((("Asked for", f"level {system.level_asked}, which was not reached"),) if system.level_asked != system.level else ()),
            ("Fresh look", wording.VERIFICATIONS.get(system.verification, system.verification)),
            *_facts(system.server, ""),
        )
    )
    parts: tuple[tuple[str, Sequence[Mapping[str, str | int]], str], ...] = (
        ("What was looked at", system.coverage, "Nothing was looked at."),
        ("What was done, and under which rule", system.done, "Nothing was changed."),
        ("What was kept, and until when", system.kept, "Nothing was kept by a rule."),
        ("What an erasure does not reach, and until when", system.residuals, "No residual is declared for this system."),
    )
    for title, rows, _ in parts:
        yield from _table(title, rows)
    yield from _channels(system)
    empty = [sentence for _, rows, sentence in parts if not any(map(_is_filled, rows))]
    if empty:
        yield Paragraph(" ".join(empty))


def _channels(system: SystemStatement) -> Iterator[Block]:
    """What bytes may outlive in, worst first, so that what is clean does not bury what is not."""
    ranked = sorted(system.channels, key=lambda row: wording.STATES.index(row["state"]) if row.get("state") in wording.STATES else -1)
    yield from _table("Copies that outlive an erasure in the storage of this system", ranked)


def _recipients(statement: Statement) -> Iterator[Block]:
    if statement.recipients:
        yield Heading("Recipients")
        yield from _table("Those who had received the data", statement.recipients)


def _limits(statement: Statement) -> Iterator[Block]:
    if statement.disclaimers:
        yield Heading("What this certificate does not state")
        yield Points(statement.disclaimers)
    if statement.extra:
        yield Heading("Further particulars")
        yield Facts(tuple(_facts(statement.extra, "")))


def _verifying(statement: Statement, marks: Marks) -> Iterator[Block]:
    yield Heading("Issuer and proof", room=60)
    yield Facts(
        (
            *_facts(statement.controller, "Controller"),
            ("Software", statement.software),
            ("Signer", f"SHA-256 {marks.signer}"),
            ("Authority", f"SHA-256 {marks.authority}"),
            ("Ledger", f"{marks.log}, entry {marks.index} of {marks.size}"),
            ("Checks", ", ".join(statement.steps) or "–"),
            ("Language", statement.language),
        )
    )
    yield Paragraph(
        "To verify, offline and at any time: dsr verify CERTIFICATE.pdf --trust BUNDLE.json — "
        "get the trust bundle from the controller by another way than this document, and compare the fingerprints above with it. "
        "The signed statement, the ledger proof and the instructions are attached to this document. "
        "Its structure follows PDF/A-3b and has not been validated by an independent tool.",
        is_quiet=True,
    )


def _facts(mapping: Mapping[str, str], subject: str, codes: Mapping[str, Mapping[str, str]] | None = None) -> Iterator[tuple[str, str]]:
    """One row for each entry, the name first. `subject` goes before each label, so that two digests can be told apart."""
    for key in sorted(mapping, key=lambda entry: (entry != "name", entry)):
        words = (codes or {}).get(key, {})
        name = wording.label(key)
        shown = f"{subject}, {name if name.isupper() or '-' in name else name[:1].lower() + name[1:]}" if subject else name
        yield (subject if subject and key == "name" else shown), words.get(mapping[key], wording.value(mapping[key]))


def _is_searched(system: SystemStatement) -> bool:
    return any(row.get("extent") != "none" for row in system.coverage)


def _is_filled(row: Mapping[str, str | int]) -> bool:
    return any(entry != "" for entry in row.values())


def _table(title: str, rows: Sequence[Mapping[str, str | int]]) -> Iterator[Block]:
    """Rows of mappings as a table, nothing for none: the columns that any row fills; the ones past the sixth go together into the last."""
    present = {key for row in rows for key, entry in row.items() if entry != ""}
    if not present:
        return
    columns = sorted(present, key=lambda key: (wording.COLUMNS.index(key) if key in wording.COLUMNS else len(wording.COLUMNS), key))
    yield Heading(title, 3)
    own = columns if len(columns) <= _MOST_COLUMNS else columns[: _MOST_COLUMNS - 1]
    rest = columns[len(own) :]
    short = [row for row in rows if all(len(text) <= _LONGEST_CELL for text in _cells(row, own, rest))]
    if short:
        head = (*(wording.label(key) for key in own), *(("Further",) if rest else ()))
        yield Table(head, tuple(_cells(row, own, rest) for row in short))
    for row in rows:
        if row not in short:
            yield Facts(tuple((wording.label(key), wording.value(row[key])) for key in columns if key in row))


def _cells(row: Mapping[str, str | int], own: Sequence[str], rest: Sequence[str]) -> tuple[str, ...]:
    cells = tuple(wording.value(row.get(key, "")) for key in own)
    further = "; ".join(f"{wording.label(key)}: {wording.value(row[key])}" for key in rest if row.get(key, "") != "")
    return (*cells, further or "–") if rest else cells
