"""Golden tests: each kind of mistake, the line and column that is shown for it, and the words."""

import pytest

from dsr_engine.domain.deadline import ClockUnit, Limit
from dsr_engine.spec.connector_file import manifest_from
from dsr_engine.spec.grounds import ground_problems
from dsr_engine.spec.policy_file import policy_from
from dsr_engine.spec.problems import SpecWrong
from dsr_engine.spec.regime_file import regime_from
from dsr_engine.spec.ties import tie_problems
from tests.spec.files import REGIMES, document, policy_text


def _policy_problems(text: str) -> list[str]:
    try:
        parsed = document(text)
        policy = policy_from(parsed)
    except SpecWrong as wrong:
        return [str(problem) for problem in wrong.problems]
    return [str(problem) for problem in (*ground_problems(parsed, policy, REGIMES), *tie_problems(parsed, policy))]


RULES = {
    "a period that is none": (
        "name: a\nwhen: {category: user}\nkeep: {for: 8 yeers, from: created_at}\nthen: delete",
        'policies/leads.yaml:7:17: rules.0.keep.for: not a period (try "2 years")',
    ),
    "a mistyped key": (
        "name: a\nwhen: {category: user}\nthen: delete\nkep: {}",
        "policies/leads.yaml:8:5: rules.0.kep: unknown key (did you mean keep?)",
    ),
    "a key of nowhere": ("name: a\nwhen: {category: user}\nthen: delete\nxyzzy: 1", "policies/leads.yaml:8:5: rules.0.xyzzy: unknown key"),
    "a key given twice": (
        "name: a\nwhen: {category: user}\nwhen:\nthen: delete",
        "policies/leads.yaml:7:5: rules.0.when: given twice (first on line 6)",
    ),
    "an empty when": (
        "name: a\nwhen: {}\nthen: delete",
        "policies/leads.yaml:6:11: rules.0.when: empty: it would mean everything; give at least one of system, collection, category, match, field, "
        "message or mailbox",
    ),
    "a when left blank": (
        "name: a\nwhen:\nthen: delete",
        "policies/leads.yaml:6:10: rules.0.when: empty; a block of keys and values is needed",
    ),
    "a when that is always true": (
        'name: a\nwhen: {collection: "*.*"}\nthen: delete',
        "policies/leads.yaml:6:11: rules.0.when: always true: it would mean everything; narrow it by system, collection, category or field",
    ),
    "a when of owned data without limits": (
        "name: a\nwhen: {match: owns}\nthen: delete",
        "policies/leads.yaml:6:11: rules.0.when: always true: it would mean everything; narrow it by system, collection, category or field",
    ),
    "a when that is never true": (
        "name: a\nwhen: {system: shop, collection: crm.leads}\nthen: delete",
        "policies/leads.yaml:6:38: rules.0.when.collection: never true: it lies in another system than `system` says",
    ),
    "a collection without its system": (
        "name: a\nwhen: {collection: leads}\nthen: delete",
        'policies/leads.yaml:6:24: rules.0.when.collection: not a collection (try "shop.orders" or "shop.*")',
    ),
    "a mistyped category": (
        "name: a\nwhen: {category: user.contact.emial}\nthen: delete",
        "policies/leads.yaml:6:22: rules.0.when.category: not a category (did you mean user.contact.email?)",
    ),
    "a mistyped place in a mail": (
        "name: a\nwhen: {category: mail.sendr}\nthen: delete",
        "policies/leads.yaml:6:22: rules.0.when.category: not a place in a mail (did you mean mail.sender?)",
    ),
    "a place in a mail that is no place at all": (
        "name: a\nwhen: {category: mail.from}\nthen: delete",
        "policies/leads.yaml:6:22: rules.0.when.category: not a place in a mail (mail, mail.sender, mail.recipient, mail.header, mail.body, "
        "mail.body.quoted, mail.attachment or mail.folder)",
    ),
    "a mistyped sort of mail": (
        "name: a\nwhen: {message: one-to-one}\nthen: ask",
        "policies/leads.yaml:6:21: rules.0.when.message: must be one_to_one, thread, list or routing (did you mean one_to_one?)",
    ),
    "a mistyped sort in a list": (
        "name: a\nwhen: {message: [list, routin]}\nthen: retain",
        "policies/leads.yaml:6:28: rules.0.when.message.1: must be one_to_one, thread, list or routing (did you mean routing?)",
    ),
    "a sort of mail twice": (
        "name: a\nwhen: {message: [list, list]}\nthen: retain",
        "policies/leads.yaml:6:21: rules.0.when.message: names a sort twice",
    ),
    "somebody's mailbox": (
        "name: a\nwhen: {mailbox: other}\nthen: retain",
        "policies/leads.yaml:6:21: rules.0.when.mailbox: must be own or others (did you mean others?)",
    ),
    "a mistyped treatment": (
        "name: a\nwhen: {category: user}\nthen: delet",
        "policies/leads.yaml:7:11: rules.0.then: must be delete, anonymize, redact, restrict, retain or ask (did you mean delete?)",
    ),
    "a treatment that no driver can do": (
        "name: a\nwhen: {category: user}\nthen: archive",
        "policies/leads.yaml:7:11: rules.0.then: no driver can archive a record yet; use restrict or retain",
    ),
    "another treatment that no driver can do": (
        "name: a\nwhen: {category: user}\nthen: void",
        "policies/leads.yaml:7:11: rules.0.then: no driver can void a record yet; use restrict or retain",
    ),
    "a pseudonym that is called a deletion": (
        "name: a\nwhen: {category: user}\nthen: {delete: {user.name: pseudonym}}",
        "policies/leads.yaml:7:12: rules.0.then.delete: delete takes no methods; a pseudonym or a changed value is not an erasure: write anonymize",
    ),
    "a hash": (
        "name: a\nwhen: {category: user}\nthen: {anonymize: {user.name: hash}}",
        "policies/leads.yaml:7:35: rules.0.then.anonymize.user.name: not a method: who knows a value can find its hash or mask again; "
        "use pseudonym (never counts as erased) or tombstone",
    ),
    "a method of a category that is none": (
        "name: a\nwhen: {category: user}\nthen: {anonymize: {user.nam: tombstone}}",
        "policies/leads.yaml:7:24: rules.0.then.anonymize.user.nam: not a category (did you mean user.name?)",
    ),
    "a method without its argument": (
        "name: a\nwhen: {category: user}\nthen: {anonymize: {user.name: truncate}}",
        "policies/leads.yaml:7:35: rules.0.then.anonymize.user.name: truncate needs an argument: {truncate: 3}",
    ),
    "a deletion of what only mentions the person": (
        "name: a\nwhen: {category: user, match: mentions}\nthen: delete",
        "policies/leads.yaml:7:11: rules.0.then: a record that only mentions the person is somebody else's: only redact, retain or ask",
    ),
    "a period without a start": (
        "name: a\nwhen: {category: user}\nkeep: {for: 2 years}\nthen: delete",
        "policies/leads.yaml:7:17: rules.0.keep.for: a period needs a start: add `from: created_at`",
    ),
    "a keep that says nothing": (
        "name: a\nwhen: {category: user}\nkeep: {because: purpose}\nthen: delete",
        "policies/leads.yaml:7:11: rules.0.keep: needs either `for` and `from`, or `while`",
    ),
    "a legal ground without its statute": (
        "name: a\nwhen: {category: user}\nkeep: {for: 2 years, from: a, because: legal_obligation}\nthen: delete",
        "policies/leads.yaml:7:11: rules.0.keep: `legal_obligation` needs `law`: the statute that obliges you (Art. 17(3)(b) GDPR)",
    ),
    "a ground of another country's law": (
        "name: a\nwhen: {category: user}\nkeep: {for: 2 years, from: a, because: security}\nthen: delete",
        "policies/leads.yaml:7:44: rules.0.keep.because: a ground of ca-delete-act, ccpa, us-va and 19 more, which this policy does not name in "
        "`regimes`: it cannot be used here",
    ),
    "a mistyped ground": (
        "name: a\nwhen: {category: user}\nkeep: {for: 2 years, from: a, because: legal_claim}\nthen: delete",
        "policies/leads.yaml:7:44: rules.0.keep.because: not `purpose` and not a ground of this policy's regimes (did you mean legal_claims?)",
    ),
    "a yes that is no truth value": (
        "name: a\nwhen: {category: user}\nkeep: {for: 2 years, from: a, to_year_end: yes}\nthen: delete",
        "policies/leads.yaml:7:48: rules.0.keep.to_year_end: not true or false (try true)",
    ),
    "a name that is missing": ("when: {category: user}\nthen: delete", "policies/leads.yaml:5:5: rules.0.name: missing"),
    "an alias": (
        "name: &a b\nwhen: {category: user}\nthen: delete",
        "policies/leads.yaml:5:11: anchors (`&name`) are refused; write it out, or quote a text that begins with `&`",
    ),
    "a tag": (
        "name: !!python/name:os.system b\nwhen: {category: user}\nthen: delete",
        "policies/leads.yaml:5:11: tags (`!name`) are refused; quote a text that begins with `!`",
    ),
}


@pytest.mark.parametrize(("rule", "expected"), RULES.values(), ids=RULES)
def test_a_mistake_in_a_rule_is_shown_with_its_line_and_column(rule: str, expected: str) -> None:
    assert _policy_problems(policy_text(rule)) == [expected]


TAILS = {
    "a share without percent": ("request: {max_drift: 5}", 'policies/leads.yaml:8:22: request.max_drift: not a percentage (try "1%")'),
    "a count of nothing": (
        "request: {first_batch: 0}",
        "policies/leads.yaml:8:24: request.first_batch: not a whole number of at least 1 (try 10)",
    ),
    "an octal number": (
        "request: {max_affected: 0x10}",
        "policies/leads.yaml:8:25: request.max_affected: not a whole number of at least 1 (try 10)",
    ),
    "an approval that is none": (
        "request: {approval: two_persons}",
        "policies/leads.yaml:8:21: request.approval: must be automatic, one_person or two_people (did you mean one_person?)",
    ),
    "a schedule with a field too few": (
        'sweep: {schedule: "0 3 * *"}',
        'policies/leads.yaml:8:19: sweep.schedule: not a schedule of five fields: minute, hour, day, month, weekday (try "0 3 * * *")',
    ),
    "a sweep without a schedule": ("sweep: {max_share: 1%}", "policies/leads.yaml:8:8: sweep.schedule: missing"),
    "several documents": (
        "---\npolicy: b",
        "policies/leads.yaml:8:1: several documents in one file (`---`); use one file for each",
    ),
    "a broken block": ("request: {approval: automatic", "policies/leads.yaml:9:1: not valid YAML"),
}


@pytest.mark.parametrize(("tail", "expected"), TAILS.values(), ids=TAILS)
def test_a_mistake_after_the_rules_is_shown_with_its_line_and_column(tail: str, expected: str) -> None:
    (shown,) = _policy_problems(policy_text(tail=tail))
    assert shown.startswith(expected)


def test_two_rules_that_tie_are_an_error_at_the_later_one() -> None:
    second = "  - name: b\n    when: {category: user}\n    then: retain"
    assert _policy_problems(policy_text(tail=second)) == [
        "policies/leads.yaml:9:11: rules.1.when: as specific as the rule on line 5 and can cover the same data; make one of them more specific"
    ]


def test_all_mistakes_of_a_file_are_shown_at_once_in_the_order_of_its_lines() -> None:
    rule = "name: a\nwhen: {category: nobody}\nkeep: {for: ever, from: a}\nthen: vanish"
    places = [line.split(" ")[0] for line in _policy_problems(policy_text(rule, tail="request: {max_drift: x}"))]
    assert places == [f"policies/leads.yaml:{place}:" for place in ("6:22", "7:17", "8:11", "9:22")]


CONNECTORS = {
    "a driver of a later release": (
        "connector: a\ndriver: http\n",
        "connectors/a.yaml:2:9: driver: the http driver (CRM and other web services) comes in a later release; use `driver: manual` until then",
    ),
    "an actor who selects": (
        "connector: a\ndriver: sql\ncollections:\n  t:\n    fields:\n      by: {role: actor, selects: email}\n",
        "connectors/a.yaml:6:18: collections.t.fields.by.role: "
        "an actor's record is not theirs: `role: actor` goes with neither selects nor identifies",
    ),
    "a link that carries without an end": (
        "connector: a\ndriver: sql\ncollections:\n  t:\n    fields:\n      x: {carries: true}\n",
        "connectors/a.yaml:6:20: collections.t.fields.x.carries: carries what? It needs `references: collection.field`",
    ),
    "a neutral record of nothing": (
        "connector: a\ndriver: sql\ncollections:\n  t:\n    fields:\n      x: {neutral: 0}\n",
        "connectors/a.yaml:6:20: collections.t.fields.x.neutral: neutral among what? It needs `references: collection.field`",
    ),
    "a neutral record that is a truth": (
        "connector: a\ndriver: sql\ncollections:\n  t:\n    fields:\n      x: {references: t.id, neutral: true}\n",
        "connectors/a.yaml:6:38: collections.t.fields.x.neutral: the key of a record, such as 0",
    ),
    "a reference that is one letter off": (
        "connector: a\ndriver: sql\ncollections:\n  orders:\n    key: [id]\n  t:\n    fields:\n      x: {references: order.id}\n",
        "connectors/a.yaml:8:23: collections.t.fields.x.references: no such collection in this file (did you mean orders?)",
    ),
    "a mistyped kind": (
        "connector: a\ndriver: sql\ncollections:\n  t:\n    fields:\n      x: {selects: emial}\n",
        "connectors/a.yaml:6:20: collections.t.fields.x.selects: not a kind of selector (did you mean email?)",
    ),
    "a manual system without a task": (
        "connector: a\ndriver: manual\n",
        "connectors/a.yaml:2:9: driver: a manual system needs a `task` with instructions, owner and due",
    ),
    "a field called key with a mistake in it": (
        "connector: a\ndriver: sql\ncollections:\n  t:\n    key: {}\n",
        "connectors/a.yaml:5:10: collections.t.key: must be a list",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONNECTORS.values(), ids=CONNECTORS)
def test_a_mistake_in_a_connector_is_shown_with_its_line_and_column(text: str, expected: str) -> None:
    with pytest.raises(SpecWrong) as caught:
        manifest_from(document(text, "connectors/a.yaml"))
    assert [str(problem) for problem in caught.value.problems] == [expected]


REGIME = """regime: x
title: X
version: "1"
valid_from: 2026-01-01
checked_on: 2026-01-01
sources: a law
grounds: {contract: {cite: Art. 1}}
log_keep_months: 12
clock: {%s}
"""


CLOCKS = {
    "a limit that is none": (
        "answer: one month, erase: 15 days, ends: as_counted",
        "9:17: clock.answer: not a limit (try 1 month, 45 days or 15 working days)",
    ),
    "a clock that does not say how it ends": ("answer: 1 month, erase: 15 days", "9:8: clock.ends: missing"),
    "an extension that is meant to be added": (
        "answer: 45 days, erase: 15 days, extended: 45 days, ends: as_counted",
        "9:52: clock.extended: must be in the unit of `answer` and longer: it is the whole limit from the start, not what is added",
    ),
}


@pytest.mark.parametrize(("clock", "expected"), CLOCKS.values(), ids=CLOCKS)
def test_a_mistake_in_a_clock_is_shown_with_its_line_and_column(clock: str, expected: str) -> None:
    with pytest.raises(SpecWrong) as caught:
        regime_from(document(REGIME % clock, "regimes/x.yaml"))
    assert [str(problem) for problem in caught.value.problems] == [f"regimes/x.yaml:{expected}"]


def test_a_clock_is_read_as_it_is_written() -> None:
    clock = "answer: 45 days, erase: 3 working days, extended: 90 days, refusal: 30 days, ends: as_counted, counts_first_day: true"
    clocks = regime_from(document(REGIME % clock, "regimes/x.yaml")).clocks
    assert clocks is not None
    assert (clocks.answer, clocks.refusal) == (
        Limit(45, ClockUnit.DAYS, counts_first_day=True),
        Limit(30, ClockUnit.DAYS, counts_first_day=True),
    )
    assert (clocks.erase, clocks.extended) == (Limit(3, ClockUnit.WORKING_DAYS), Limit(90, ClockUnit.DAYS, counts_first_day=True))
    assert clocks.acknowledge is None
