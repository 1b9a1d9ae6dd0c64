"""Small homes and files for the tests of this room."""

from pathlib import Path

from dsr_engine.shipped import shipped
from dsr_engine.spec.document import Document
from dsr_engine.spec.home import load_regimes
from dsr_engine.spec.loader import parse_document

REGIMES = load_regimes(shipped("policies") / "regimes")


def document(text: str, shown: str = "policies/leads.yaml") -> Document:
    return parse_document(text.encode(), shown)


def write(home: Path, **files: str) -> Path:
    """`policies__leads` becomes `policies/leads.yaml`."""
    for name, text in files.items():
        path = home / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return home


def policy_text(rule: str = "", *, tail: str = "", head: str = "") -> str:
    """A right policy with one rule, whose lines begin at line 5 and are indented by four."""
    rule = rule or "name: everything\nwhen: {category: user}\nthen: delete"
    first, *rest = rule.split("\n")
    lines = ["policy: leads", head or "owner: privacy@example.com", "regimes: [gdpr]", "rules:", f"  - {first}", *(f"    {line}" for line in rest)]
    return "\n".join([*lines, *tail.split("\n")]) + "\n"
