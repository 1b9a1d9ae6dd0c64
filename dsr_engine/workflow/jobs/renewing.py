"""Keys and timestamps end; what they vouch for must not. The home's own signer is replaced in time, and old certificates get a new timestamp
before the authority's certificate under the last one ends (ETSI EN 319 142-1 § 5.5, archival timestamps)."""

from collections.abc import Iterator
from datetime import timedelta

from dsr_engine.certificate.keys import rotate
from dsr_engine.certificate.renewing import renewed, vouched_until
from dsr_engine.domain.errors import NotVerified
from dsr_engine.workflow.house import House
from dsr_engine.workflow.leaves import leaf

#: So long before its end a signer, or the certificate under a timestamp, is replaced.
AHEAD = timedelta(days=90)
SIGNER, RENEWED = "signer.renewed", "certificate.timestamp_renewed"
#: A renewal reads and asks the authority: a night does so many.
_MOST = 500


def renew_signer(house: House) -> Iterator[str]:
    """Replaces the home's own signing key in time; tells of one of another authority, which only its owner can replace."""
    ends = house.paper.signer.certificate.not_valid_after_utc
    now = house.clock.now()
    if ends > now + AHEAD:
        return
    if house.settings.pkcs12 is not None:
        yield f"the key in [signing] ends on {ends:%Y-%m-%d}: order a new one"
        return
    rotate(house.store.keys, house.settings.controller.get("name", ""), house.clock)
    with house.store.transaction() as tx:
        tx.ledger.append(leaf(house.clock, SIGNER, f"{ends:%Y-%m-%d}"))
    yield "a new key signs from now on; what the old one signed stays verifiable with the same trust bundle"


def renew_timestamps(house: House) -> Iterator[str]:
    """Gives certificates a new timestamp whose last one would not hold much longer. Needs the authority of [timestamp] in dsr.toml."""
    url = house.paper.tsa_url
    with house.store.snapshot() as tx:
        issued = tx.certificates.list()
    done = 0
    for entry in issued:
        path = house.paper.folder / entry.path
        if not entry.path or not path.is_file() or done >= _MOST:
            continue
        document = path.read_bytes()
        try:
            until = vouched_until(document)
        except NotVerified:
            yield f"certificate {entry.serial}: cannot be read, and gets no new timestamp"
            continue
        if until is None or until > house.clock.now() + AHEAD:
            continue
        if url is None:
            yield f"certificate {entry.serial}: its timestamp holds until {until:%Y-%m-%d}; name an authority in [timestamp] of dsr.toml"
            continue
        draft = path.with_suffix(".part")
        draft.write_bytes(renewed(document, url, house.paper.bundle))
        draft.replace(path)
        done += 1
        with house.store.transaction() as tx:
            tx.ledger.append(leaf(house.clock, RENEWED, f"{entry.id}:{until:%Y-%m-%d}", certificate=entry.id, serial=entry.serial))
        yield f"certificate {entry.serial}: a new timestamp vouches for it"
