"""Programs outside of the house: who is told what happens (webhooks), and who may hand in requests (OpenDSR, the IAB's deletion framework)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dsr_engine.domain.selector import Secret
from dsr_engine.domain.source import NOWHERE, Source


class Topic(StrEnum):
    """What a subscriber may be told of."""

    CASE = "case"
    CERTIFICATE = "certificate"
    INCIDENT = "incident"
    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A program that is told of these topics. `url` is a secret because it may hold one; `secret` signs what it gets."""

    name: str
    url: Secret
    secret: Secret
    topics: tuple[Topic, ...]
    ca_file: str = ""
    is_internal: bool = False
    source: Source = NOWHERE


@dataclass(frozen=True, slots=True)
class OpenDsrDoor:
    """The door for OpenDSR 2.0. `controllers` are those who may ask, by name, each with the value of its Authorization header.

    `domain` is whom the `certificate` (PEM) speaks for; `key` signs every answer. `identifiers` are the kinds that are taken.
    """

    domain: str
    certificate: str
    key: Secret
    identifiers: tuple[str, ...]
    controllers: Mapping[str, Secret]
    policy: str = ""
    ca_file: str = ""
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class IabDoor:
    """The door for the IAB Tech Lab's Data Deletion Request Framework. `partners` are the domains whose signed requests are taken.

    `domain` is ours, whose `dsrdelete.json` is served here; `key` (PEM) signs acknowledgements under the name `key_id`.
    """

    domain: str
    key: Secret
    key_id: str
    identifiers: tuple[str, ...]
    partners: tuple[str, ...]
    policy: str = ""
    regime: str = ""
    ca_file: str = ""
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class Partners:
    """Everything that `partners.yaml` names."""

    subscribers: Mapping[str, Subscriber] = field(default_factory=dict)
    opendsr: OpenDsrDoor | None = None
    iab: IabDoor | None = None
