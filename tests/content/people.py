"""The people of the matching tests, made-up: one subject with an identifier of each kind, and strangers whose identifiers come close."""

from dsr_engine.domain.selector import Scope, Secret, Selector

EMAIL = "jane.doe@example.com"
JANE = (
    Selector("s-email", "email", Secret(EMAIL), verified=True),
    Selector("s-phone", "phone", Secret("+49 170 1234567"), verified=True),
    Selector("s-name", "name", Secret("Jane Doe"), verified=True),
    Selector("s-iban", "iban", Secret("DE89370400440532013000"), verified=True),
    Selector("s-customer", "customer_no", Secret("CUST-8842107"), verified=True),
    Selector("s-gmail", "email", Secret("jane.q.doe@gmail.com"), verified=True),
    Selector("s-address", "address", Secret("221B Baker Street, London"), verified=True),
    Selector("s-born", "date_of_birth", Secret("1984-03-07"), verified=True),
)
KEY_17 = Selector("s-key", "customer_id", Secret("17"), verified=True, scope=Scope("shop", "customers", "id"), via="s-email")
#: Texts that come close to Jane and are somebody else's.
STRANGERS = (
    "xjane.doe@example.com",
    "jane.doe@example.community",
    "jane.doe@example.com.br",
    "jane.doe@example.co",
    "mary.jane.doe@example.com",
    "jane_doe@example.com",
    "jane.do@example.com",
    "+43 170 1234567",
    "0043 170 1234567",
    "+49 170 12345678",
    "+49 170 1234568",
    "1 0170-1234567-12",
    "Mary-Jane Doe",
    "Jane Doe-Smith",
    "Jane Doering",
    "Jane Doe GmbH",
    "Jane Doe & Sons",
    "Janet Doe",
    "DE89370400440532013001",
    "DE893704004405320130001",
    "CUST-88421077",
    "XCUST-8842107",
    "jane.q.doe@gmail.co",
    "221B Baker Streets, London",
    "1984-03-08",
    "11984-03-07",
)


def selector(kind: str, value: str, *, verified: bool = True) -> Selector:
    return Selector(f"s-{kind}", kind, Secret(value), verified=verified)
