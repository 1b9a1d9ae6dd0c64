"""The company's own sign-in (OpenID Connect): where it is, and which of its groups are which roles here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from dsr_engine.domain.selector import Secret
from dsr_engine.domain.user import Role


@dataclass(frozen=True, slots=True, repr=False)
class SignOn:
    """What `[oidc]` of dsr.toml says. `issuer` is an https address, exactly as the provider writes it.

    `groups` says which values of the claim `roles_claim` make somebody what. `second_factor` are values of `acr` or `amr` that count as a proved
    second factor; none: the provider's word is a first factor only. `internal`: the provider may be in a private network. `ca` is a PEM file (empty:
    the machine's authorities).
    """

    issuer: str
    client_id: str
    client_secret: Secret | None = None
    label: str = "your company's account"
    roles_claim: str = "groups"
    groups: Mapping[Role, tuple[str, ...]] = field(default_factory=dict)
    second_factor: tuple[str, ...] = ()
    internal: bool = False
    ca: str = ""

    def __repr__(self) -> str:
        return f"SignOn({self.issuer!r})"

    def roles_of(self, groups: Iterable[str]) -> tuple[Role, ...]:
        """Which roles these groups give, in the order of `Role`."""
        held = frozenset(groups)
        return tuple(role for role in Role if held.intersection(self.groups.get(role, ())))
