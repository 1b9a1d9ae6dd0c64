"""Tells e-mail addresses from other texts with an `@`, the way `forms` takes them apart: at the last `@`."""

_LOCAL = frozenset("!#$%&'*+-/=?^_`{|}~.")
#: What bounds an address in a text.
_BOUNDS = str.maketrans(dict.fromkeys("<>()[]{},;:\"'|\\/=&?#\t\r\n", " "))
#: Places with an `@` that are looked at in one text.
_MOST_SIGNS = 1_000


def is_email(value: str) -> bool:
    """RFC 5321 §4.5.3 lengths, RFC 5322 dot-atoms, RFC 6531 letters of any script; `Name <address>` and `mailto:` too.

    Deliverability is not asked: the address of somebody who left is theirs all the same. Quoted local parts and address literals are refused.
    """
    value = value.strip()
    if value.endswith(">") and value.count("<") == 1:
        value = value.partition("<")[2][:-1]
    value = value.removeprefix("mailto:")
    local, at, domain = value.rpartition("@")
    if not at or not 1 <= len(local.encode(errors="replace")) <= 64 or len(domain) > 253:
        return False
    is_dotted = not local.startswith(".") and not local.endswith(".") and ".." not in local
    return is_dotted and all(character.isalnum() or character in _LOCAL for character in local) and _is_domain(domain)


def _is_domain(domain: str) -> bool:
    labels = domain.split(".")
    if len(labels) < 2 or not all(_is_label(label) for label in labels):
        return False
    top = labels[-1]
    return len(top) >= 2 and (top.isalpha() or top.casefold().startswith("xn--"))


def _is_label(label: str) -> bool:
    inner = label.replace("-", "")
    return 0 < len(label) <= 63 and label[0] != "-" and label[-1] != "-" and inner.isalnum()


def holds_email(text: str) -> bool:
    """True if an address stands somewhere in the text. Linear: at most a thousand places with an `@` are looked at, each with what is around it."""
    end = -1
    for _ in range(_MOST_SIGNS):
        end = text.find("@", end + 1)
        if end < 0:
            return False
        before = text[max(0, end - 65) : end].translate(_BOUNDS).rpartition(" ")[2].lstrip(".")
        after = text[end + 1 : end + 255].translate(_BOUNDS).partition(" ")[0].rstrip(".!*")
        if is_email(f"{before}@{after}"):
            return True
    return False
