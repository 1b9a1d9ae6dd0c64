"""The kinds of identifier that `selects:` and `dsr find KIND=VALUE` speak of."""

import re

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.selector import WEAK_KINDS
from dsr_engine.spec.nearest import nearest

#: Kinds with a sentence about each. A kind of one's own is any word that ends in `_id` or `_number`, such as `membership_id`.
KINDS = {
    "email": "E-mail address",
    "phone": "Telephone number; alone it gives possible findings only",
    "name": "Name of a person; alone it gives possible findings only",
    "address": "Postal address; alone it gives possible findings only",
    "postcode": "Postcode; alone it gives possible findings only",
    "date_of_birth": "Date of birth; alone it gives possible findings only",
    "device": "Device identifier; alone it gives possible findings only",
    "ip": "IP address; alone it gives possible findings only",
    "username": "Name that the person logs in with",
    "customer_id": "Customer number",
    "account_id": "Account number in a service",
    "user_id": "User number",
    "employee_id": "Personnel number",
    "order_id": "Order number",
    "patient_id": "Patient number",
    "cookie_id": "Identifier in a cookie",
    "iban": "Bank account",
    "tax_number": "Tax number",
    "national_id": "National identity number",
    "passport_number": "Number of a passport",
}

assert set(KINDS) >= WEAK_KINDS
_STEMS = {kind.removesuffix("_id").removesuffix("_number"): kind for kind in reversed(KINDS)}


def check_kind(kind: str) -> str:
    """The kind, if it is a known one or of the form of one's own. Raises `InputWrong`."""
    if kind in KINDS:
        return str(kind)
    own = re.fullmatch(r"([a-z][a-z0-9_]{0,40})_(id|number)", kind)
    # `author_id` ends like all of them: only what stands before the ending can be mistyped, and `order_item_id` is no `order_id`.
    is_compound = own is not None and "_" in own[1] and not _STEMS.keys().isdisjoint(own[1].split("_"))
    likely = None if is_compound else _STEMS.get(nearest(own[1], _STEMS) or "") if own else nearest(kind, KINDS)
    if own and not likely:
        return str(kind)
    hint = f"did you mean {likely}?" if likely else "one of your own ends in _id or _number"
    raise InputWrong("not a kind of selector", code="option.selector", hint=hint)
