"""The key `mailboxes` of a system: whose mailboxes are searched, and why that is allowed.

`folders` was called `mailboxes` once. A list that names folders, and `all` for a server that cannot say whom it knows, are errors which say so: a
setting that suddenly means something else must not narrow a search in silence, nor open mail that nobody meant.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, post_load

from dsr_engine.references import has_literal_password, is_reference
from dsr_engine.spec.document import Block, Document, Items, Key
from dsr_engine.spec.problems import SpecProblem
from dsr_engine.spec.scalars import Choice, Value, Words, yes_no
from dsr_engine.spec.schema import AtKey, ListOf, StrictSchema, block_of

#: Settings that say what is searched; no other credential may have others.
WHOSE = ("mailboxes", "because")
SCOPE = (*WHOSE, "folders")

_SOURCES = ("all", "names", "file", "command", "ldap")
_MOST = 10_000
#: Folders by names that hardly anybody's mailbox has.
_FOLDERS = frozenset({"inbox", "sent", "sent items", "drafts", "trash", "junk", "spam", "archive", "deleted items", "outbox"})
_VARIABLE = re.compile(r"%[und]")
_BECAUSE = (
    "these are other people's mailboxes, so say why they may be searched: "
    'because: "works council agreement of 2026-01-15" (secrecy of correspondence; it stands in the plan and the certificate)'
)
_OLD_LIST = "`mailboxes` says whose mailboxes are searched; these are folders: write folders: [INBOX, Sent]"
_OLD_ALL = (
    'an IMAP server does not say whose mailboxes it has: list them with {command: [doveadm, user, "*"]}, {file: users.txt} or {ldap: …}; '
    "for all folders of one account write folders: all"
)


_LITERAL = "a password is written out; use ${NAME}, file:/run/secrets/x or keyring:service/name"


class Folders(Value):
    """`all`, or a list of folders."""

    def read(self, value: object) -> str:
        names = ListOf(Words(wanted="the name of a folder", most=500), single=True).read(value)
        if any("," in entry for entry in names):
            raise ValidationError("must be `all` or a list of names without commas")
        return ",".join(names)


def _name() -> Words:
    return Words(wanted="the name of a mailbox", most=320)


class DirectorySchema(StrictSchema):
    """Where a directory lists mailboxes."""

    url = Words(wanted="a URL such as ldaps://ldap.example.com", required=True)
    base = Words(wanted="a place in the directory such as ou=people,dc=example,dc=com", required=True)
    filter = Words(wanted="a filter", default="(mail=*)")
    attribute = Words(wanted="the name of an attribute", most=200, default="mail")
    user = Words(wanted="a name to bind with", most=1_000)
    password = Words(wanted="a reference to a password")
    ca_file = Words(wanted="a path")
    tls = Choice(("off",))


class SourceSchema(StrictSchema):
    """`mailboxes` as a block: one source, and whom to leave out."""

    all = yes_no()
    names = ListOf(_name(), single=True, most=_MOST)
    file = Words(wanted="a path")
    column = Words(wanted="the heading of a column", most=200)
    command = ListOf(Words(wanted="a program or an argument", most=4_000), most=100)
    ldap = block_of(DirectorySchema())
    left_out = ListOf(_name(), single=True, most=_MOST)

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        if field_name == "left_out":
            field_obj.data_key = "except"

    @post_load
    def make(self, data: dict[str, Any], **kwargs: object) -> dict[str, Any]:  # noqa: ARG002 -- marshmallow's signature
        said = [key for key in _SOURCES if data[key]]
        if len(said) != 1:
            raise ValidationError("says who there is in one of these ways: all, names, file, command or ldap")
        if data["column"] and said != ["file"]:
            raise ValidationError({"column": [AtKey("a column of a `file`")]})
        return {"except" if key == "left_out" else key: value for key, value in data.items() if value}


class Mailboxes(Value):
    """`all`, a list of names, or a block that says where names come from. Gives a block of what is said."""

    def read(self, value: object) -> dict[str, Any]:
        if isinstance(value, Block):
            loaded: dict[str, Any] = SourceSchema().load(value)
            return loaded
        if value == "all":
            return {"all": True}
        if not isinstance(value, str | Items):
            raise ValidationError("must be `all`, a list of names, or a block with file, command or ldap")
        return {"names": ListOf(_name(), single=True, most=_MOST).read(value)}


def mailbox_problems(document: Document, path: tuple[Key, ...], entry: Mapping[str, Any], unresolved: Callable[[str], str]) -> Iterator[SpecProblem]:
    """What is wrong about the mailboxes of a system of mail. `unresolved` gives the problem of a reference, or an empty text."""
    for block in ("verify_as", "maintain_as"):
        for key in entry[block]:
            if key in SCOPE:
                yield document.problem((*path, block, key), "what is searched is the same for every account", at_key=True)
    said = entry["mailboxes"]
    if said is not None:
        for steps, message in (*_of_source(said, entry["url"] or ""), *_of_directory(said.get("ldap", {}), unresolved)):
            yield document.problem((*path, *steps), message)
        if "names" not in said and not entry["because"]:
            yield document.problem((*path, "mailboxes"), _BECAUSE)
    elif entry["because"]:
        yield document.problem((*path, "because"), "used with `mailboxes` only: one account needs no reason", at_key=True)


def _of_source(said: Mapping[str, Any], url: str) -> Iterator[tuple[tuple[Key, ...], str]]:
    is_imap = url.startswith(("imap:", "imaps:"))
    if any(name.casefold() in _FOLDERS for name in said.get("names", ())):
        yield ("mailboxes",), _OLD_LIST
    if said.get("all") and is_imap:
        yield ("mailboxes",), _OLD_ALL
    if not is_imap and not _VARIABLE.search(url):
        yield ("url",), "the same path for all mailboxes: write %u, %n or %d into it (maildir:/var/mail/%d/%n/Maildir)"


def _of_directory(said: Mapping[str, str | None], unresolved: Callable[[str], str]) -> Iterator[tuple[tuple[Key, ...], str]]:
    for key, text in said.items():
        if text:
            is_literal = (key == "password" and not is_reference(text)) or has_literal_password(text)
            message = _LITERAL if is_literal else unresolved(text)
            if message:
                yield ("mailboxes", "ldap", key), message


def mailbox_setting(said: Mapping[str, Any], reveal: Callable[[str], str], home: Path) -> str:
    """What the driver reads: one JSON object, with references resolved and paths made whole."""
    told = dict(said)
    if "file" in told:
        told["file"] = str(home / Path(told["file"]).expanduser())
    if "ldap" in told:
        told["ldap"] = {key: reveal(text) for key, text in told["ldap"].items() if text}
        if "ca_file" in told["ldap"]:
            told["ldap"]["ca_file"] = str(home / Path(told["ldap"]["ca_file"]).expanduser())
    return json.dumps(told)
