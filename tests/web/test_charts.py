"""Charts say the same in their drawing and in their table, whatever the numbers are."""

from hypothesis import given
from hypothesis import strategies as st

from dsr_engine.web.charts import Chart, Series, bars, lines, shares

_NUMBERS = st.lists(st.integers(0, 10**7).map(float), min_size=1, max_size=24)


def _is_inside(chart: Chart) -> bool:
    boxes = all(0 <= bar.x <= chart.width and bar.y >= 0 and bar.y + bar.height <= chart.height + 0.1 for bar in chart.bars)
    return boxes and all(0 <= dot.x <= chart.width and 0 <= dot.y <= chart.height for dot in chart.dots)


@given(_NUMBERS)
def test_bars_stay_inside_of_their_box_and_every_number_stands_in_the_table(values: list[float]) -> None:
    labels = [f"m{number}" for number in range(len(values))]
    chart = bars("c", "Cases", "about", labels, [Series("opened", "one", tuple(values)), Series("closed", "two", tuple(reversed(values)))])
    assert _is_inside(chart)
    assert [row[0] for row in chart.rows] == labels
    assert [int(row[1].replace("\u202f", "")) for row in chart.rows] == [int(value) for value in values]


@given(st.lists(st.none() | st.integers(0, 5000).map(float), min_size=1, max_size=24), st.integers(0, 5000))
def test_a_line_has_a_hole_where_nothing_is_known_and_the_limit_stays_in_sight(values: list[float | None], limit: int) -> None:
    chart = lines(
        "c", "Time", "about", [str(number) for number in range(len(values))], [Series("days", "one", tuple(values))], ("limit", float(limit))
    )
    known = [value for value in values if value is not None]
    assert len(chart.dots) == len(known)
    assert chart.is_empty == (not known)
    assert (chart.limit is not None) == bool(known)
    assert chart.limit is None or 0 <= chart.limit.y <= chart.height
    assert _is_inside(chart)


@given(_NUMBERS)
def test_shares_of_one_bar_are_together_as_wide_as_any_other(values: list[float]) -> None:
    labels = [f"s{number}" for number in range(len(values))]
    chart = shares("c", "Coverage", "about", labels, [Series("full", "good", tuple(values)), Series("not", "wrong", tuple(values))])
    assert _is_inside(chart)
    by_row: dict[float, float] = {}
    for bar in chart.bars:
        by_row[bar.y] = by_row.get(bar.y, 0) + bar.width
    assert all(abs(width - 290) < 4 for width in by_row.values())


def test_a_chart_of_nothing_says_so() -> None:
    assert shares("c", "Records", "about", [], [Series("done", "good", ())]).is_empty
