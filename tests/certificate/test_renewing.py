"""A certificate gets a new timestamp before the last one ends, and stays what it was."""

import pytest
from cryptography import x509

from dsr_engine.certificate.check import check
from dsr_engine.certificate.renewing import renewed, vouched_until
from dsr_engine.certificate.trust import certificates_in
from dsr_engine.domain.errors import NotVerified, Unreachable
from tests.certificate.conftest import Installation
from tests.certificate.sample import sample
from tests.certificate.test_genuine import stamped
from tests.servers.timestamp_authority import TimestampAuthority


def test_a_renewed_certificate_is_genuine_and_only_grew(timed: Installation) -> None:
    assert timed.tsa_url
    before = stamped(timed)
    once = renewed(before, timed.tsa_url, timed.bundle)
    twice = renewed(once, timed.tsa_url, timed.bundle)
    assert once.startswith(before)
    assert twice.startswith(once)
    for document in (once, twice):
        report = check(document, timed.bundle)
        assert report.is_genuine, report.status
        assert report.time.is_trusted
    with pytest.raises(NotVerified):
        renewed(twice[:-1] + b"\0", timed.tsa_url, timed.bundle)


def test_how_long_a_timestamp_holds_is_the_end_of_its_first_certificate(timed: Installation, timestamp_authority: TimestampAuthority) -> None:
    roots: tuple[x509.Certificate, ...] = certificates_in(timestamp_authority.root)
    until = vouched_until(stamped(timed))
    assert until is not None
    assert until <= min(root.not_valid_after_utc for root in roots)


def test_a_certificate_without_an_authority_has_nothing_to_renew(home: Installation) -> None:
    assert vouched_until(home.issue(sample())) is None


def test_an_authority_that_is_away_changes_nothing(timed: Installation) -> None:
    with pytest.raises(Unreachable):
        renewed(stamped(timed), "http://127.0.0.1:9/", timed.bundle)


def test_what_is_not_genuine_gets_no_timestamp(timed: Installation, home: Installation) -> None:
    assert timed.tsa_url
    with pytest.raises(NotVerified):
        renewed(home.issue(sample()), timed.tsa_url, timed.bundle)
