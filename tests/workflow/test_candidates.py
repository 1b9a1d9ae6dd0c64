"""Whose records hold what was said: whatever the records are, nothing that stands only with somebody else counts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.domain.selector import Scope, Secret, Selector
from dsr_engine.workflow.identity.candidates import Place, Seen, people_of

_CUSTOMER = Scope("shop", "customers", "id")
_KINDS = ("email", "name", "postcode", "phone", "customer_id")


def _given() -> dict[str, Selector]:
    return {kind: Selector(kind, kind, Secret(f"the {kind}"), verified=True) for kind in _KINDS}


@st.composite
def _worlds(draw: st.DrawFn) -> tuple[dict[Place, Seen], dict[int, set[str]]]:
    """Records of up to four customers, each with the customer's key, and which kinds stand anywhere with each customer."""
    seen: dict[Place, Seen] = {}
    held: dict[int, set[str]] = {}
    for number in range(draw(st.integers(1, 8))):
        customer = draw(st.integers(1, 4))
        kinds = draw(st.sets(st.sampled_from(_KINDS), max_size=3))
        is_own = draw(st.booleans())
        key = (_CUSTOMER, str(customer))
        own = Seen(set(kinds), own={key}) if is_own else Seen(set(kinds), found_by={key})
        seen["shop", "customers" if is_own else "orders", (str(number),), ""] = own
        held.setdefault(customer, set()).update(kinds)
    return seen, held


@given(_worlds())
@settings(deadline=None)
def test_a_candidate_holds_nothing_that_no_customer_or_group_of_joined_customers_holds(
    world: tuple[dict[Place, Seen], dict[int, set[str]]],
) -> None:
    seen, held = world
    found = people_of(seen, _given(), frozenset({"email"}))
    for person in found.people:
        assert "email" in person.selectors
        assert person.kinds <= set().union(*(kinds for kinds in held.values() if "email" in kinds or kinds & {"customer_id"}))


@given(_worlds())
@settings(deadline=None)
def test_customers_that_share_only_the_address_stay_apart_and_it_is_called_shared(world: tuple[dict[Place, Seen], dict[int, set[str]]]) -> None:
    seen, _ = world
    alone = {place: Seen(entry.selectors & {"email", "postcode", "phone"}, entry.own, entry.found_by) for place, entry in seen.items()}
    customers = {next(iter(entry.own | entry.found_by)) for entry in alone.values() if "email" in entry.selectors}
    found = people_of(alone, _given(), frozenset({"email"}))
    if len(customers) > 1:
        assert found.shared == {"email"}
        assert len(found.people) == len(customers)
    else:
        assert found.shared == frozenset()
        assert len(found.people) == len(customers)


@given(_worlds(), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_in_which_records_come_says_nothing(world: tuple[dict[Place, Seen], dict[int, set[str]]], random: object) -> None:
    seen, _ = world
    places = list(seen)
    random.shuffle(places)  # type: ignore[attr-defined]  # a random.Random
    assert people_of({place: seen[place] for place in places}, _given(), frozenset({"email"})) == people_of(seen, _given(), frozenset({"email"}))
