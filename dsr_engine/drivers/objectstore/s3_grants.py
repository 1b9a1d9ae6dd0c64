"""Grants to others than the owner (ACLs), which a new version has only if they are given to it."""

from collections.abc import Mapping, Sequence
from typing import Any

from dsr_engine.domain.errors import NotAllowed
from dsr_engine.drivers.objectstore.s3_bucket import Bucket
from dsr_engine.drivers.objectstore.s3_errors import answer_or_nothing
from dsr_engine.drivers.objectstore.shelf import Stored

#: The parameter of a PUT that gives each permission. `WRITE` means nothing for objects.
_PARAMETERS = {"FULL_CONTROL": "GrantFullControl", "READ": "GrantRead", "READ_ACP": "GrantReadACP", "WRITE_ACP": "GrantWriteACP"}


def grants_of(bucket: Bucket, stored: Stored) -> dict[str, str]:
    """The parameters that give a new version the grants of this one; empty where only its owner has any.

    Stores without grants, or that do not show them to this account, have none.
    """
    owner, grants = _grants(bucket, stored)
    if all(grant.get("Grantee", {}).get("ID") == owner for grant in grants):
        return {}
    given: dict[str, list[str]] = {}
    for grant in grants:
        parameter = _PARAMETERS.get(str(grant.get("Permission", "")))
        if parameter is not None:
            given.setdefault(parameter, []).append(_named(grant.get("Grantee", {})))
    return {parameter: ",".join(names) for parameter, names in given.items()}


def same_grants(bucket: Bucket, one: Stored, other: Stored) -> bool:
    return sorted(map(_written, _grants(bucket, one)[1])) == sorted(map(_written, _grants(bucket, other)[1]))


def _grants(bucket: Bucket, stored: Stored) -> tuple[str | None, Sequence[Mapping[str, Any]]]:
    try:
        answer = answer_or_nothing(lambda: bucket.client.get_object_acl(**bucket.where(stored)), "read an object's grants")
    except NotAllowed:
        return None, ()
    return answer.get("Owner", {}).get("ID"), answer.get("Grants", ())


def _named(grantee: Mapping[str, Any]) -> str:
    for parameter, word in (("URI", "uri"), ("EmailAddress", "emailAddress")):
        if grantee.get(parameter):
            return f'{word}="{grantee[parameter]}"'
    return f'id="{grantee.get("ID", "")}"'


def _written(grant: Mapping[str, Any]) -> str:
    return f"{grant.get('Permission')} {_named(grant.get('Grantee', {}))}"
