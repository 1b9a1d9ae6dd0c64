"""The picture of a draft: boxes that do not cover each other, arrows that run one way, names that mean nothing in XML."""

import re
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.drivers.driver import Link
from dsr_engine.workflow.drafting.draft import CollectionDraft, Draft, FieldDraft, LinkDraft, Proposal, Role, Standing
from dsr_engine.workflow.drafting.layout import WIDTH, place
from dsr_engine.workflow.drafting.picture import svg_of

_SVG = "{http://www.w3.org/2000/svg}"
_NAMES = st.integers(0, 11).map(lambda number: f"t{number}")


def _shop(count: int = 3) -> Draft:
    """Customers, their orders, and tables that point at orders by a link that nobody declared."""
    email = FieldDraft("email", "text", (Proposal({"category": "user.contact.email"}, "its name", True),))
    customers = CollectionDraft("customers", ("id",), 1234, Role.SUBJECT, (FieldDraft("id", "integer"), email))
    owner = LinkDraft(Link(("customer_id",), "customers", ("id",), "cascade"), True, "declared", Standing.OWNED)
    cut = LinkDraft(Link(("rep_id",), "staff", ("id",), "set_null"), True, "declared", Standing.ACTOR)
    orders = CollectionDraft("orders", ("id",), None, Role.OWNED, (FieldDraft("id", "integer"), FieldDraft("customer_id", "integer")), (owner, cut))
    guessed = LinkDraft(Link(("order_id",), "orders", ("id",)), False, "60 of 60", Standing.PERHAPS)
    rest = tuple(
        CollectionDraft(f"notes_{number}", ("id",), 0, Role.OTHER, (FieldDraft("order_id", "integer"),), (guessed,)) for number in range(count)
    )
    return Draft("shop", "sql", "", (customers, orders, CollectionDraft("staff", ("id",), 2, Role.EMPLOYEE), *rest))


@given(st.dictionaries(_NAMES, st.floats(40, 260), min_size=1), st.lists(st.tuples(_NAMES, _NAMES), max_size=30))
@settings(deadline=None)
def test_no_box_covers_another_whatever_points_where(heights: dict[str, float], edges: list[tuple[str, str]]) -> None:
    places = place(heights, edges)
    assert set(places.boxes) == set(heights)
    boxes = [(x, y, x + WIDTH, y + heights[name]) for name, (x, y) in places.boxes.items()]
    for number, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert top >= -0.01
        assert right <= places.width + 0.01
        assert bottom <= places.height + 0.01
        for other in boxes[number + 1 :]:
            assert left >= other[2] or other[0] >= right or top >= other[3] - 0.01 or other[1] >= bottom - 0.01


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30))
@settings(deadline=None)
def test_arrows_run_from_right_to_left_where_there_is_no_circle(pairs: list[tuple[int, int]]) -> None:
    edges = [(f"t{max(pair)}", f"t{min(pair)}") for pair in pairs if pair[0] != pair[1]]
    places = place({f"t{number}": 80.0 for number in range(12)}, edges)
    for start, end in edges:
        assert places.boxes[start][0] > places.boxes[end][0]


@given(st.lists(st.tuples(_NAMES, _NAMES), max_size=30), st.randoms())
@settings(deadline=None)
def test_the_order_in_which_links_are_told_changes_nothing(edges: list[tuple[str, str]], random: object) -> None:
    heights = {f"t{number}": 60.0 + number for number in range(12)}
    assert place(heights, edges) == place(dict(reversed(heights.items())), list(reversed(edges)))


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30), st.text(max_size=30))
@settings(deadline=None)
def test_any_name_and_reason_gives_valid_xml(collection: str, field: str, reason: str) -> None:
    link = LinkDraft(Link((field,), collection, (field,)), True, reason, Standing.CARRIED)
    entry = CollectionDraft(collection, (field,), 1, Role.OTHER, (FieldDraft(field, "text"),), (link,), (reason,))
    root = ElementTree.fromstring(svg_of(Draft(collection, "sql", reason, (entry,))))
    assert root.tag == f"{_SVG}svg"
    assert not root.findall(f".//{_SVG}script")


def test_links_look_like_what_they_are() -> None:
    text = svg_of(_shop(1))
    root = ElementTree.fromstring(text)
    drawn = {
        title.text.partition(":")[0]: group for group in root.iter(f"{_SVG}g") if (title := group.find(f"{_SVG}title")) is not None and title.text
    }
    owned, actor, guessed = (
        drawn[name] for name in ("orders.customer_id → customers.id", "orders.rep_id → staff.id", "notes_0.order_id → orders.id")
    )
    lines = [group.find(f"{_SVG}path") for group in (owned, actor, guessed)]
    assert all(line is not None for line in lines)
    colours = [line.get("stroke") for line in lines if line is not None]
    assert len(set(colours)) == 3
    assert [line.get("stroke-dasharray") is not None for line in lines if line is not None] == [False, False, True]
    assert [[mark.text for mark in group.findall(f"{_SVG}text")] for group in (owned, actor, guessed)] == [["C"], ["N"], []]
    for colour in colours:
        assert colour is not None
        assert text.count(colour) > 1  # the legend explains it


def test_boxes_tell_rows_keys_and_personal_fields() -> None:
    texts = "".join(ElementTree.fromstring(svg_of(_shop())).itertext())
    for expected in ("customers", "1,234 rows", "email", "contact.email", "employees", "shop"):
        assert expected in texts


def test_many_fields_are_counted_instead_of_drawn() -> None:
    fields = tuple(FieldDraft(f"f{number}", "text", (Proposal({"category": "user.name"}, "", True),)) for number in range(40))
    text = svg_of(Draft("wide", "sql", "", (CollectionDraft("wide", ("f0",), None, Role.OTHER, fields),)))
    assert "and 30 more" in text
    assert len(re.findall(r"<text[^>]*>f\d+</text>", text)) == 10


def test_a_picture_of_many_collections_is_no_tower() -> None:
    root = ElementTree.fromstring(svg_of(_shop(60)))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    assert 0.2 < width / height < 5


def test_nothing_to_draw_is_still_a_picture() -> None:
    assert ElementTree.fromstring(svg_of(Draft("empty", "sql", "", ()))).tag == f"{_SVG}svg"
