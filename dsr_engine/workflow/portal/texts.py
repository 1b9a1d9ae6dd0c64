"""What people type, before anything else looks at it: what keyboards and clipboards add unseen goes, what no text holds is told."""

import unicodedata

#: Characters of one message, from either side.
LONGEST = 4000
#: Marks of direction and breaks that come with what was copied from an address book or a page; they mean nothing in a field, and can make a
#: text read otherwise than it is (CVE-2021-42574). Joiners stay: Persian and many emoji need them.
_UNSEEN = dict.fromkeys((0x00AD, 0x061C, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF))
_LINES = {0x0085: "\n", 0x2028: "\n", 0x2029: "\n"}


def plain(text: str) -> str:
    """The text with ordinary spaces and line ends, and without marks that nobody sees."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_LINES).translate(_UNSEEN)
    return "".join(" " if unicodedata.category(character) == "Zs" else character for character in text).strip()


def is_strange(text: str) -> bool:
    """True if there is something in a plain text that no keyboard writes: control characters, halves of characters."""
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text if character not in "\n\t")
