"""Findings as JSON, for sealing. What stands in plain columns of the row is not repeated."""

import json
from datetime import datetime
from typing import Any

from dsr_engine.domain.finding import Confidence, Finding, Hit, Match
from dsr_engine.domain.record import Locator


def written(finding: Finding) -> bytes:
    """The locator's key, the hits, fields and facts: everything that tells of a person."""
    body = {
        "key": finding.locator.key,
        "inside": finding.locator.inside,
        "server": finding.server,
        "hits": [_hit(hit) for hit in finding.hits],
        "fields": dict(finding.fields),
        "facts": dict(finding.facts),
        "created": finding.created.isoformat() if finding.created else None,
        **({"people": finding.people} if finding.people else {}),
        **({"message": finding.message} if finding.message else {}),
        **({"mailbox": finding.mailbox} if finding.mailbox else {}),
    }
    return json.dumps(body, separators=(",", ":")).encode()


def read(plain: bytes, *, case: str, system: str, collection: str, match: str, confidence: str) -> Finding:
    body = json.loads(plain)
    return Finding(
        case=case,
        locator=Locator(system, collection, tuple(body["key"]), body["inside"]),
        match=Match(match),
        confidence=Confidence(confidence),
        hits=tuple(_read_hit(hit) for hit in body["hits"]),
        server=body["server"],
        fields=body["fields"],
        facts=body["facts"],
        created=datetime.fromisoformat(body["created"]) if body["created"] else None,
        people=tuple(body.get("people", ())),
        message=body.get("message", ""),
        mailbox=body.get("mailbox", ""),
    )


def _hit(hit: Hit) -> list[object]:
    told = [hit.place, hit.category, hit.selector, hit.kind, hit.form, hit.confidence, hit.field, hit.is_rewritable]
    return [*told, hit.role] if hit.role else told


def _read_hit(hit: list[Any]) -> Hit:
    place, category, selector, kind, form, confidence, field, is_rewritable, *role = hit
    return Hit(place, category, selector, kind, form, Confidence(confidence), field, is_rewritable, *role)
