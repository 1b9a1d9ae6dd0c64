"""The Data Deletion Request Framework 1.0 of the IAB Tech Lab (May 2024): signed requests between parties of online advertising.

A recipient publishes `dsrdelete.json`: where it takes requests, which identifiers in which format, and its public keys. For each identifier two
tokens are signed: what is to be deleted (idJWT), and that we ask for it (rqJWT). The answer (acJWT) says that the request arrived, never that
anything was deleted, and holds the whole request with the identifier in it: of it only the result code is kept.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dsr_engine.delivery.tokens import SigningKey, jwk_of, public_key, read_key, signed, verified
from dsr_engine.delivery.web import Answered, Web
from dsr_engine.domain.errors import NotAllowed, NotSupported, NotVerified
from dsr_engine.domain.recipient import NoticeState, Recipient, What
from dsr_engine.domain.telling import Answer, Identifier, Message

VERSION = "1.0"
#: What a result code means (section "Result Codes"); 0 is success.
RESULTS = {
    1: "malformed request",
    2: "invalid signature",
    3: "invalid token",
    4: "unsupported type of identifier",
    5: "wrong format of the identifier",
    6: "invalid time",
}
#: Our kinds of identifiers → how the framework's examples call them.
_TYPES = {"cookie_id": "cookie", "user_id": "user id", "customer_id": "user id"}
_HASHES = frozenset({"sha256", "sha1", "md5"})
_PLAIN = frozenset({"raw", "plain", "plaintext", "text", "none", ""})


class IabDdr:
    def __init__(self, recipient: Recipient) -> None:
        self._recipient = recipient
        self._domain = recipient.setting("domain")
        self._web = Web(recipient.setting("ca_file"), recipient.setting("internal") == "true", accepted=frozenset({400}))

    def tell(self, message: Message, now: datetime) -> Answer:
        """One request for each identifier; all have to be acknowledged."""
        if What.ERASE not in message.what:
            raise NotSupported("the framework knows deletion only", code="iab.type", hint="tell this recipient of restrictions by hand")
        published = self._published()
        key = self._key()
        taken = [(entry, found) for entry in message.identifiers if (found := _taken(published, entry.kind)) is not None]
        if not taken:
            raise NotSupported(
                "the recipient takes no identifier that it may have",
                code="iab.identifiers",
                hint="look at its dsrdelete.json and at `identify_by`",
            )
        for number, (entry, (kind, form)) in enumerate(taken):
            self._request(message, number, _subject(entry, kind, form), published, key, now)
        return Answer(NoticeState.ACKNOWLEDGED, "iab_0")

    def ask(self, message_id: str) -> Answer | None:  # noqa: ARG002  # the contract's signature
        return None

    def cancel(self, message_id: str) -> Answer:  # noqa: ARG002  # the contract's signature
        raise NotSupported("the framework cannot take back a request", code="recipient.no_cancel", hint="write to the recipient")

    def check(self) -> None:
        published = self._published()
        self._key()
        if not any(_taken(published, kind) for kind in self._recipient.identify_by):
            raise NotSupported("the recipient takes nothing of `identify_by`", code="iab.identifiers", hint="look at its dsrdelete.json")

    def _published(self) -> Mapping[str, Any]:
        """The recipient's `dsrdelete.json`. Raises `NotSupported` where it asks for more than a request from here can give."""
        document = self._web.ask("GET", f"https://{self._domain}/dsrdelete.json").document()
        if not isinstance(document.get("endpoint"), str) or not keys_in(document):
            raise NotVerified("the recipient's dsrdelete.json names no endpoint or no key", code="iab.discovery", hint="ask the recipient")
        if document.get("vendorScriptRequirement") is True:
            raise NotSupported(
                "the recipient wants a script of its own to run in the person's browser", code="iab.script", hint="tell it by another channel"
            )
        return document

    def _key(self) -> SigningKey:
        return read_key(self._recipient.setting("key"), self._recipient.setting("key_id"))

    def _request(
        self, message: Message, number: int, subject: Mapping[str, str], published: Mapping[str, Any], key: SigningKey, now: datetime
    ) -> None:
        issuer = self._recipient.setting("issuer")
        at = int(now.timestamp())
        of_person = {"version": VERSION, "jti": _id(message.id, number, "id"), "iss": issuer, "sub": subject, "iat": at}
        claims = {"version": VERSION, "idJWT": signed(of_person, key), "jti": _id(message.id, number, "rq"), "iss": issuer, "sub": subject, "iat": at}
        request = signed(claims, key)
        body = json.dumps({"rqJWT": request}).encode()
        answered = self._web.ask("POST", str(published["endpoint"]), body=body, headers={"Content-Type": "application/json"})
        self._refuse(answered, request, published)

    def _refuse(self, answered: Answered, request: str, published: Mapping[str, Any]) -> None:
        """Raises unless the recipient signed that exactly this request arrived. Nothing of the token leaves this method but its result code."""
        claims = verified(_token(answered), keys_in(published))
        if claims.get("rqJWT") != request or claims.get("iss") != self._domain:
            raise NotVerified("the acknowledgement is of another request or from another sender", code="iab.answer", hint="ask the recipient")
        code = claims.get("raResultCode")
        if isinstance(code, int) and not isinstance(code, bool) and code in RESULTS:
            raise NotAllowed(f"the recipient refuses: {RESULTS[code]}", code=f"iab_{code}", hint="look at its dsrdelete.json and at ours")
        if code != 0 or isinstance(code, bool) or answered.status == 400:
            raise NotVerified("the acknowledgement has no result code of the framework", code="iab.answer", hint="ask the recipient")


def _id(message_id: str, number: int, part: str) -> str:
    """The same for the same message however often it is sent, and another one for each identifier."""
    return str(uuid.uuid5(uuid.UUID(message_id), f"{number}/{part}"))


def _token(answered: Answered) -> str:
    """The acJWT: the body itself, or a member of a JSON object, for the framework does not say which."""
    text = answered.body.decode("ascii", errors="replace").strip().strip('"')
    if text.count(".") == 2 and not text.startswith("{"):
        return text
    return str(answered.document().get("acJWT", ""))


def keys_in(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The keys in a `dsrdelete.json` that are used here."""
    found = document.get("publicKey")
    entries = found if isinstance(found, list) else [found]
    return [entry for entry in entries if isinstance(entry, dict) and public_key(entry) is not None]


def _taken(document: Mapping[str, Any], kind: str) -> tuple[str, str] | None:
    """As what the recipient takes an identifier of this kind: its word for the type, and the format."""
    listed = document.get("identifiers")
    for entry in listed if isinstance(listed, list) else ():
        if not isinstance(entry, dict):
            continue
        named, form = str(entry.get("type", "")), str(entry.get("format", ""))
        is_ours = named.casefold() in (kind, kind.replace("_", " "), _TYPES.get(kind, kind))
        if is_ours and (form.casefold() in _PLAIN or form.casefold() in _HASHES):
            return named, form
    return None


def _subject(entry: Identifier, kind: str, form: str) -> Mapping[str, str]:
    value = entry.value.reveal()
    if form.casefold() in _HASHES:
        written = value.strip().lower() if entry.kind == "email" else value.strip()
        value = hashlib.new(form.casefold(), written.encode(), usedforsecurity=False).hexdigest()
    return {"identifierValue": value, "identifierType": kind, "identifierFormat": form}


def own_key(recipient: Recipient) -> Mapping[str, str]:
    """The public key that has to stand in our own `dsrdelete.json`, so that the recipient can verify what we sign. Raises `InputWrong`."""
    return jwk_of(read_key(recipient.setting("key"), recipient.setting("key_id")))
