"""The one written form of an identifier that keyed digests are made of: two ways of writing that the search takes for the same value give the same.

A digest finds nothing but equal texts. So everything that `forms` calls the identifier itself, only written differently, has to end here as one text:
case, width, an international domain in either spelling, digits in groups. What merely looks alike (another diacritic) stays different.
"""

import re

from dsr_engine.content.fold import exact
from dsr_engine.content.forms import compacted, written
from dsr_engine.domain.selector import Secret, Selector

#: Longer texts are no identifiers.
LONGEST = 512
_GMAIL = frozenset({"gmail.com", "googlemail.com"})


def canonical(kind: str, value: str) -> str:
    """The written form of an identifier of this kind; empty for what is none. Never raises."""
    text = " ".join(value[: LONGEST + 1].split())
    if not text or len(text) > LONGEST:
        return ""
    if kind == "email":
        return _email(text)
    forms = written(Selector("", kind, Secret(text)))
    if any(form.name == "grouped" for form in forms):
        return compacted(exact(text))
    return " ".join(exact(text).split()) if forms else ""


def key_text(value: str) -> str:
    """The written form of a key that a system knows somebody by: equal as the search compares it, a whole value and nothing else."""
    return exact(value.strip()) if len(value) <= LONGEST else ""


def mailbox(address: str) -> str:
    """The mailbox behind a canonical address: without `+tag`, for Gmail also without dots and under one domain. Empty for what is no address."""
    local, at, domain = address.rpartition("@")
    if not at:
        return ""
    stem = local.partition("+")[0] or local
    if domain in _GMAIL:
        return f"{stem.replace('.', '') or stem}@gmail.com"
    return f"{stem}@{domain}"


def bare_address(text: str) -> str:
    """The address in `Jane <jane@example.org>` and `mailto:jane@example.org`; any other text as it is."""
    text = text.strip()
    if text.endswith(">") and "<" in text:
        text = text[text.rindex("<") + 1 : -1].strip()
    return text[7:] if text[:7].lower() == "mailto:" else text


def addresses_of(text: str) -> tuple[str, ...]:
    """The addresses that a value holds when it holds nothing else: one, or several with commas or semicolons between them.

    A tab separates cells: in a list that was read as one column it stands where a line has a further one.
    """
    if text.count("@") < 2 and "\t" not in text:
        return (bare_address(text),)
    return tuple(bare_address(part) for part in re.split(r"[,;\t]", text) if part.strip())


def _email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    if text.isascii() and "xn--" not in text.lower():
        return text.lower() if at and local and domain and " " not in text else ""
    forms = [form.strict for form in written(Selector("", "email", Secret(text))) if form.name == "plain"]
    addresses = [form for form in forms if "@" in form.strip("@") and " " not in form]
    return min(addresses, default="")
