"""What recipients read, and what the person reads about them, in each language (`templates/notices/`; a home may shadow a file)."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.telling import Message
from dsr_engine.shipped import shipped

_PLACE = re.compile(r"\{([a-z_]+)\}")


def words_of(language: str, home: Path) -> Mapping[str, Any]:
    """The words of a language. Raises `InputWrong` where there are none, or where they cannot be read."""
    own = home / "templates" / "notices" / f"{language}.toml"
    path = own if own.is_file() else shipped("templates") / "notices" / f"{language}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise InputWrong(
            f"there are no notices in {language}",
            code="notice.language",
            hint=f"add templates/notices/{language}.toml to the home, or choose another",
        ) from None
    except ValueError:  # TOML and UTF-8 alike
        raise InputWrong(f"templates/notices/{language}.toml cannot be read", code="notice.template", hint="copy the shipped one again") from None


def notice_text(message: Message, words: Mapping[str, Any]) -> tuple[str, str]:
    """Subject and text of a mail. The subject holds nothing of the person. Raises `InputWrong` for a template that names a value which is none."""
    values = {
        "id": message.id,
        "reference": message.reference,
        "what": "\n\n".join(words["what"][what.value] for what in message.what),
        "identifiers": "\n".join(f"    {entry.kind.replace('_', ' ')}: {entry.value.reveal()}" for entry in message.identifiers),
        "law": message.law,
        "answer_by": message.answer_by.isoformat(),
        "controller": message.controller.get("name", ""),
        "contact": message.controller.get("contact", ""),
    }
    text = filled(words["text"], values).strip() + "\n"
    if message.reminder:
        text = filled(words["reminder"], {"number": str(message.reminder)}) + "\n\n" + text
    return filled(words["subject"], {"reference": message.reference}), text


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its values. Raises `InputWrong` (`notice.template`) for a value that does not exist."""
    unknown = next((name for name in _PLACE.findall(text) if name not in values), None)
    if unknown is not None:
        raise InputWrong(f"a notice's template names a value that is none: {unknown}", code="notice.template", hint=f"one of {', '.join(values)}")
    return _PLACE.sub(lambda place: values[place[1]], text)
