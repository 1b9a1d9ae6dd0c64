"""Why a version must stay as it is: a retention or a legal hold. Nothing here circumvents either."""

from dsr_engine.domain.clock import SystemClock
from dsr_engine.drivers.driver import Problem
from dsr_engine.drivers.objectstore.s3_bucket import Bucket
from dsr_engine.drivers.objectstore.s3_errors import answer_or_nothing
from dsr_engine.drivers.objectstore.shelf import Stored


def lock_on(bucket: Bucket, stored: Stored) -> Problem | None:
    """The lock on this version, with its date, in a bucket that has Object Lock. COMPLIANCE and GOVERNANCE are treated alike: no bypass."""
    where = bucket.where(stored)
    retention = answer_or_nothing(lambda: bucket.client.get_object_retention(**where), "read a retention").get("Retention", {})
    until = retention.get("RetainUntilDate")
    if until is not None and until > SystemClock().now():
        return Problem("s3.locked", f"the version is locked until {until.date().isoformat()} ({retention.get('Mode', '')})", "wait for that day")
    hold = answer_or_nothing(lambda: bucket.client.get_object_legal_hold(**where), "read a legal hold").get("LegalHold", {})
    if hold.get("Status") == "ON":
        return Problem("s3.locked", "a legal hold lies on the version, without a date", "whoever placed the hold must lift it")
    return None
