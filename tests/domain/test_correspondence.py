"""What sort of mail a mail is, as seen from the person in it, and which rule counts there."""

from itertools import permutations

from hypothesis import assume, given
from hypothesis import strategies as st

from dsr_engine.domain.correspondence import ANY, ROLES, Envelope, Party, Sort, Whose, sort_of, sort_of_anybody
from dsr_engine.domain.finding import Match
from dsr_engine.domain.policy import Datum, Policy, Rule, Then, Treatment, When, category_covers, covers, governing, specificity

JANE, BOB, SUE, HELP, BOSS = range(1, 6)
OURS = 0


def party(person: int, *, is_counted: bool = True) -> Party:
    is_own = person in (HELP, BOSS)
    return Party(OURS if is_own else person, person, is_own, is_counted)


def envelope(*people: int, is_list: bool = False, reply_to: int = 0) -> Envelope:
    """A mail from the first to the others; an answer address names somebody and counts nobody."""
    places = ("header:from", "header:to", *(f"header:to/{number}" for number in range(2, 20)))
    parties = {place: party(person) for place, person in zip(places, people, strict=False)}
    if reply_to:
        parties["header:reply-to"] = party(reply_to, is_counted=False)
    return Envelope(parties, frozenset({"header:received", "header:delivered-to"}), is_list)


def test_a_mail_between_two_is_one_to_one_for_either() -> None:
    assert sort_of(envelope(JANE, BOB), {"header:from"}) is Sort.ONE_TO_ONE
    assert sort_of(envelope(BOB, JANE), {"header:to"}) is Sort.ONE_TO_ONE


def test_colleagues_in_copy_are_one_side() -> None:
    assert sort_of(envelope(JANE, HELP, BOSS), {"header:from", "part:1/line:3"}) is Sort.ONE_TO_ONE
    assert sort_of(envelope(HELP, JANE, BOSS), {"header:to"}) is Sort.ONE_TO_ONE


def test_a_colleague_who_writes_to_a_customer_is_one_of_two_sides() -> None:
    assert sort_of(envelope(HELP, BOB, BOSS), {"header:from"}) is Sort.ONE_TO_ONE


def test_among_colleagues_people_are_counted() -> None:
    assert sort_of(envelope(HELP, BOSS), {"header:from"}) is Sort.ONE_TO_ONE
    third = Envelope({"header:from": party(HELP), "header:to": party(BOSS), "header:cc": Party(OURS, 9, is_own=True)})
    assert sort_of(third, {"header:from"}) is Sort.THREAD


def test_a_third_side_makes_it_a_thread() -> None:
    assert sort_of(envelope(JANE, BOB, SUE), {"header:from"}) is Sort.THREAD
    assert sort_of(envelope(JANE, HELP, BOB), {"header:from"}) is Sort.THREAD


def test_who_is_only_mentioned_is_in_a_thread_of_others() -> None:
    assert sort_of(envelope(BOB, SUE), {"part:1/line:3"}) is Sort.THREAD
    assert sort_of(envelope(BOB, SUE), {"header:subject", "header:received"}) is Sort.THREAD


def test_a_display_name_stands_for_its_address() -> None:
    assert sort_of(envelope(JANE, BOB), {"header:from.name"}) is Sort.ONE_TO_ONE


def test_an_answer_address_makes_somebody_a_party_and_counts_nobody_else() -> None:
    form = envelope(HELP, BOSS, reply_to=JANE)
    assert sort_of(form, {"header:reply-to"}) is Sort.ONE_TO_ONE
    assert sort_of(envelope(JANE, BOB, reply_to=SUE), {"header:from"}) is Sort.ONE_TO_ONE


def test_a_blind_copy_is_told_by_where_it_was_delivered() -> None:
    blind = Envelope({"header:from": party(BOB), "header:delivered-to": party(JANE, is_counted=False)}, frozenset({"header:delivered-to"}))
    assert sort_of(blind, {"header:delivered-to", "part:1/line:1"}) is Sort.ONE_TO_ONE
    assert sort_of(blind, {"header:delivered-to"}) is Sort.ROUTING


def test_a_list_is_a_list_however_few_are_on_it() -> None:
    assert sort_of(envelope(JANE, BOB, is_list=True), {"header:from"}) is Sort.LIST


def test_who_stands_in_unseen_headers_only_is_there_by_routing() -> None:
    assert sort_of(envelope(BOB, SUE), {"header:received"}) is Sort.ROUTING
    assert sort_of(envelope(BOB, SUE, is_list=True), {"header:received", "header:delivered-to"}) is Sort.ROUTING


def test_a_mail_that_cannot_be_told_is_the_sort_that_people_decide_about() -> None:
    assert sort_of(Envelope(is_read=False), {"line:3"}) is Sort.ONE_TO_ONE
    assert sort_of_anybody(Envelope(is_read=False)) is Sort.ONE_TO_ONE


_PEOPLE = st.lists(st.sampled_from((JANE, BOB, SUE, HELP, BOSS)), min_size=1, max_size=6)


@given(_PEOPLE, st.booleans())
def test_for_somebody_in_it_every_mail_has_the_sort_that_it_has_for_anybody_or_a_wider_one(people: list[int], is_list: bool) -> None:
    mail = envelope(*people, is_list=is_list)
    sorts = {sort_of(mail, {place}) for place in mail.parties}
    assert sort_of_anybody(mail) is (Sort.ONE_TO_ONE if Sort.ONE_TO_ONE in sorts else sorts.pop())


@given(_PEOPLE, st.data())
def test_the_order_of_recipients_changes_nothing(people: list[int], data: st.DataObject) -> None:
    other = [people[0], *data.draw(st.sampled_from(list(permutations(people[1:]))))]
    mails = envelope(*people), envelope(*other)
    sorts = {sort_of(mail, {place for place, one in mail.parties.items() if one.person == people[0]}) for mail in mails}
    assert len(sorts) == 1


@given(_PEOPLE, st.sampled_from((JANE, BOB, SUE)), st.sampled_from((HELP, BOSS)))
def test_a_colleague_more_never_makes_a_thread_of_a_letter_to_the_company(people: list[int], person: int, colleague: int) -> None:
    assume(person in people and any(one in (HELP, BOSS) for one in people))
    mails = [envelope(*those) for those in (people, [*people, colleague])]
    before, after = (sort_of(mail, {place for place, one in mail.parties.items() if one.person == person}) for mail in mails)
    assert before is after


_SOME = ("header:received", "header:delivered-to", "header:from", "header:subject", "part:1/line:1")


@given(st.sets(st.sampled_from(_SOME), min_size=1), st.booleans())
def test_routing_is_exactly_where_no_reader_sees_the_person(places: set[str], is_list: bool) -> None:
    is_unseen = places <= {"header:received", "header:delivered-to"}
    assert (sort_of(envelope(BOB, SUE, is_list=is_list), places) is Sort.ROUTING) == is_unseen


# --- rules -------------------------------------------------------------------------------------------------------------------


def rule(name: str = "a", treatment: Treatment = Treatment.DELETE, **when: object) -> Rule:
    return Rule(name, When(**when), Then(treatment))  # type: ignore[arg-type]  # the parts of `when`, by their names


def datum(role: str = "mail.sender", message: str = "thread", mailbox: str = "others", match: Match = Match.OWNS) -> Datum:
    return Datum("mail", "INBOX", "from", "user.contact.email", match, role, message, mailbox)


def test_a_role_covers_on_dot_boundaries() -> None:
    assert covers(rule(category="mail.body"), datum("mail.body.quoted"))
    assert not covers(rule(category="mail.body.quoted"), datum("mail.body"))
    assert not covers(rule(category="mail.body"), datum("mail.sender"))
    assert all(covers(rule(category="mail"), datum(role)) for role in ROLES)


def test_a_role_covers_nothing_outside_of_mail() -> None:
    row = Datum("shop", "customers", "email", "user.contact.email", Match.OWNS)
    assert not any(covers(rule(category=role), row) for role in ("mail", *ROLES))
    assert not covers(rule(message=(Sort.THREAD,)), row)
    assert not covers(rule(mailbox=Whose.OTHERS), row)


def test_the_category_of_the_data_goes_on_to_match_in_mail() -> None:
    assert covers(rule(category="user.contact"), datum())


def test_sorts_and_mailboxes_narrow_a_rule() -> None:
    assert covers(rule(message=(Sort.LIST, Sort.THREAD)), datum())
    assert not covers(rule(message=(Sort.LIST,)), datum())
    assert covers(rule(mailbox=Whose.OTHERS), datum())
    assert not covers(rule(mailbox=Whose.OWN), datum())
    assert not covers(rule(mailbox=Whose.OWN), datum(mailbox=""))


def test_of_a_mail_that_nobody_was_looked_for_in_every_place_and_mailbox_counts() -> None:
    anybodys = datum(ANY, "thread", ANY)
    assert covers(rule(category="mail.attachment"), anybodys)
    assert covers(rule(mailbox=Whose.OWN), anybodys)
    assert not covers(rule(message=(Sort.LIST,)), anybodys)


_CATEGORIES = st.sampled_from(["user", "user.contact", "user.contact.email", "user.contact.email.work.second"])


@given(st.sampled_from(("mail", *ROLES)), _CATEGORIES, st.sampled_from([None, "mail"]))
def test_a_role_beats_a_category_of_any_depth(role: str, category: str, system: str | None) -> None:
    assert specificity(When(system, category=role)) > specificity(When(system, category=category))
    assert category_covers("mail", role)


@given(
    st.sampled_from([None, "mail"]),
    st.sampled_from([None, "mail.*", "mail.INBOX"]),
    st.sampled_from([None, "mail.body.quoted", "user.contact.email"]),
    st.sampled_from([None, "from"]),
    st.sampled_from([None, *Whose]),
    st.sampled_from([None, *Match]),
)
def test_what_is_said_of_a_sort_beats_whatever_names_none(
    system: str | None, collection: str | None, category: str | None, field: str | None, mailbox: Whose | None, match: Match | None
) -> None:
    assert specificity(When(message=(Sort.ONE_TO_ONE,))) > specificity(When(system, collection, category, match, field, (), mailbox))


def test_fewer_sorts_are_more_specific() -> None:
    sizes = [specificity(When(message=tuple(Sort)[:count])) for count in (4, 3, 2, 1)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4


def test_the_most_specific_rule_of_a_mail_governs() -> None:
    rules = (
        rule("kind", category="user.contact.email"),
        rule("system", system="mail", category="user"),
        rule("place", category="mail.sender"),
        rule("box", mailbox=Whose.OTHERS),
        rule("sort", message=(Sort.THREAD,)),
        rule("both", category="mail.sender", message=(Sort.THREAD,)),
    )
    assert [found.name for found in governing(Policy("p", rules), datum())] == ["both", "sort", "system", "box", "place", "kind"]
