"""The last assessment of each system comes back as it was, by round."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsr_engine.domain.residue import Assessment, Channel, ResidueState, ServerFacts, Work
from dsr_engine.store.store import Store
from tests.store.samples import NOON

SEEN = Assessment(
    server=ServerFacts("sqlite:17", "SQLite 3.40", "", may_hide_rows=False, detail="", erased_as=""),
    channels=(
        Channel("pg.dead_tuples", "dead rows", ResidueState.RETAINED, "until written anew"),
        Channel("pg.server_log", "server log", ResidueState.EXPIRES_ON, "comes round", date(2026, 3, 10), "C2"),
    ),
    works=(Work("VACUUM (FULL) t", ("pg.dead_tuples", "pg.toast"), "everything", "owner", harms="nothing"),),
    marks={"xid": "17", "file:1": "2"},
)


def test_what_a_system_told_comes_back_and_a_later_word_replaces_it(store: Store, case: str) -> None:
    later = Assessment(SEEN.server, SEEN.channels[1:], marks=SEEN.marks)
    with store.transaction() as tx:
        tx.assessments.put(case, 1, "shop", SEEN, NOON)
        tx.assessments.put(case, 1, "mail", later, NOON)
        tx.assessments.put(case, 2, "shop", later, NOON)
    with store.transaction() as tx:
        first = tx.assessments.of(case, 1)
        assert [*first] == ["mail", "shop"]
        assert (first["shop"].assessment, first["shop"].at) == (SEEN, NOON)
        tx.assessments.put(case, 1, "shop", later, NOON + timedelta(days=1))
    with store.snapshot() as tx:
        again = tx.assessments.of(case, 1)["shop"]
        assert (again.assessment, again.at) == (later, NOON + timedelta(days=1))
        assert tx.assessments.of(case, 2)["shop"].assessment == later
        assert tx.assessments.of("another", 1) == {}


def test_commands_name_mailboxes_and_go_when_the_case_is_forgotten(store: Store, case: str) -> None:
    with store.transaction() as tx:
        for round_ in (1, 2):
            tx.assessments.put(case, round_, "mail", SEEN, NOON)
    with store.transaction() as tx:
        store.vault.shred(tx, case)
    with store.snapshot() as tx:
        assert [tx.assessments.of(case, round_)["mail"].assessment for round_ in (1, 2)] == [replace(SEEN, works=())] * 2


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_CHANNELS = st.builds(Channel, _TEXT, _TEXT, st.sampled_from(ResidueState), _TEXT, st.none() | st.dates(), st.sampled_from(["C0", "C1", "C2", "C3"]))
_WORKS = st.builds(Work, _TEXT, st.lists(_TEXT, max_size=2).map(tuple), _TEXT, _TEXT, _TEXT)
_SERVERS = st.builds(ServerFacts, _TEXT, _TEXT, _TEXT, st.booleans(), _TEXT, _TEXT)
_SEEN = st.builds(Assessment, _SERVERS, st.lists(_CHANNELS, max_size=3).map(tuple), st.lists(_WORKS, max_size=2).map(tuple), st.just({"a": "b"}))


@given(_SEEN)
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_assessment_survives_the_store(store: Store, case: str, seen: Assessment) -> None:
    with store.transaction() as tx:
        tx.assessments.put(case, 3, "any", seen, NOON)
        assert tx.assessments.of(case, 3)["any"].assessment == seen
