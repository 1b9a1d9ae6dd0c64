"""Whose a record is. A foreign key proves dependence, not ownership: a draft says why it takes a record for somebody's, and doubts are comments.

Written are: the key and the unique addresses of people; the one link of a record to one of them that is called after them; actors; lines that
cannot be without their order. Everything else is for a human.
"""

from dsr_engine.domain.selector import WEAK_KINDS
from dsr_engine.drivers.driver import CollectionFacts
from dsr_engine.workflow.drafting.actors import names_an_actor, tells_of_offices
from dsr_engine.workflow.drafting.collection_words import Nature, kind_of
from dsr_engine.workflow.drafting.draft import Role, Standing
from dsr_engine.workflow.drafting.keynames import is_called_after, words
from dsr_engine.workflow.drafting.outline import Outline, Tie
from dsr_engine.workflow.drafting.parts import follow_parts
from dsr_engine.workflow.drafting.siblings import lead_back, share_keys, whose

KEY = "user.unique_id"
#: Distinct values for each row from which on an address counts as one person's.
_UNIQUE = 0.98
_SURE = 0.8
#: Somebody else than the person whose record it is.
_OTHERS = frozenset(
    (
        *("emergency", "spouse", "partner", "parent", "guardian", "referrer", "referred", "referral", "manager", "supervisor", "sponsor", "mother"),
        *("father", "friend", "relative", "beneficiary", "invited", "inviter", "recipient", "sender", "secondary", "kin"),
    )
)


def find_owners(outline: Outline) -> None:
    """Proposes who owns what, in the order in which one follows from the other."""
    for entry in outline.of_role(Role.SUBJECT, Role.EMPLOYEE, Role.UNCLEAR):
        _identify(outline, entry)
    for entry in outline.collections:
        _actors(outline, entry)
    for entry in outline.collections:
        _links_to_people(outline, entry)
    for entry in outline.collections:
        _own_addresses(outline, entry)
    share_keys(outline)
    follow_parts(outline)
    for entry in outline.collections:
        _parents(outline, entry)


def _identify(outline: Outline, entry: CollectionFacts) -> None:
    """The key by which a collection of people is referred to."""
    role, key, kind = outline.role(entry.name), outline.key(entry.name), outline.kind(entry.name)
    if key is None:
        said = "several fields together name a row" if entry.key else "nothing names a row"
        outline.sheet.note(entry.name, f"{said}, and `identifies` takes one: records of these people are not followed from here")
        return
    guessed = outline.guess(entry.name, key).selects
    selects = kind if guessed in (None, kind_of(entry.name).key) or guessed in WEAK_KINDS else guessed
    if role is Role.SUBJECT:
        outline.sheet.write(
            entry.name, key, "it names a person here, and other collections refer to it", category=KEY, selects=selects, identifies="true"
        )
        return
    why = "it names an employee: follow it only where employees may ask" if role is Role.EMPLOYEE else "it names a person, if these are who may ask"
    outline.sheet.write(entry.name, key, "it names a person", category=KEY)
    outline.sheet.suggest(entry.name, key, why, selects=selects, identifies="true")


def _own_addresses(outline: Outline, entry: CollectionFacts) -> None:
    """E-mail, telephone and the like: whom they select."""
    for field in entry.fields:
        guess = outline.guess(entry.name, field.name)
        if (
            guess.selects is None
            or "selects" in outline.sheet.written(entry.name, field.name)
            or "role" in outline.sheet.written(entry.name, field.name)
        ):
            continue
        if any(tie.field == field.name for tie in outline.out_of(entry.name)):
            continue  # a reference is judged as such
        doubt = _doubt(outline, entry, field.name)
        share = outline.survey.distinct_share(entry.name, field.name)
        seen = "the server keeps it unique" if field.is_unique else f"{share:.0%} of the values looked at are different ones"
        outline.sheet.propose(not doubt, entry.name, field.name, doubt or f"{seen}, and these are people's", selects=guess.selects)
        if not doubt:
            lead_back(outline, entry)


def _doubt(outline: Outline, entry: CollectionFacts, name: str) -> str:
    """Why it may not select the record's owner; empty where nothing speaks against it."""
    guess, role = outline.guess(entry.name, name), outline.role(entry.name)
    facts = outline.survey.field(entry.name, name)
    is_unique = facts is not None and facts.is_unique
    if guess.selects in WEAK_KINDS:
        return f"{guess.selects} alone is a weak identifier: it gives possible findings only, and a human decides about each"
    if _OTHERS.intersection(words(name)):
        return "its name may mean somebody else than the person of the record"
    if role is not Role.SUBJECT and whose(outline, entry) is None:
        return _role_doubt(role)
    if not is_unique and outline.survey.distinct_share(entry.name, name) < _UNIQUE:
        return "several records have the same one: two people may share it"
    return "" if guess.confidence >= _SURE else "the guess is not sure enough"


def _role_doubt(role: Role) -> str:
    match role:
        case Role.EMPLOYEE:
            return "these are employees: select them only where employees may ask"
        case Role.ORGANISATION:
            return "these are organisations: the record is not the person's by this alone"
        case Role.HISTORY:
            return "a history: several rows of one person are to be expected, and a wrong one is not to be seen"
        case Role.UNCLEAR:
            return "it is not clear whether these are the people who may ask"
    return "the record may name the person without being theirs"


def _actors(outline: Outline, entry: CollectionFacts) -> None:
    """Fields that name who acted. That they are written is the careful side: such a record is not theirs."""
    tied = {tie.field: tie for tie in outline.out_of(entry.name) if tie.is_single}
    for field in entry.fields:
        tie = tied.get(field.name)
        guess = outline.guess(entry.name, field.name)
        if tie is None:
            if guess.is_actor or (
                names_an_actor(field.name) and guess.category is not None and guess.category.startswith(("user.name", "user.contact"))
            ):
                outline.sheet.write(entry.name, field.name, "it names who acted", category=guess.category or "user.name", role="actor")
            continue
        why = _acts(outline, entry, tie)
        if why:
            words_ = {"category": KEY, "role": "actor"} | ({"references": tie.reference} if tie.is_sure else {})
            outline.sheet.write(entry.name, field.name, why, **words_)
            outline.sheet.place(entry.name, tie.link, Standing.ACTOR)


def _acts(outline: Outline, entry: CollectionFacts, tie: Tie) -> str:
    """Why a link names who acted; empty if it does not."""
    role = outline.role(tie.target)
    if tie.target == entry.name:
        return "it names another one of the same collection: not whose record this is" if role.is_people else ""
    if role is Role.EMPLOYEE:
        # An applicant who has the number of an employee may be that employee; one who names an employee names another one.
        has_number = kind_of(entry.name).nature is Nature.PERSON and not is_called_after(tie.field, tie.target)
        may_be = outline.is_own_key(tie) or has_number
        is_own = outline.is_in_key(tie) or (may_be and tie.is_clear)
        return "" if is_own else f"it names an employee of {tie.target}: the record is not theirs"
    if role.is_people and not tie.is_clear and (names_an_actor(tie.field) or outline.guess(entry.name, tie.field).is_actor):
        return f"its name says that whom it names in {tie.target} only acted"
    return ""


def _links_to_people(outline: Outline, entry: CollectionFacts) -> None:
    """Records that point at people: theirs, perhaps."""
    ties = [
        tie
        for tie in outline.out_of(entry.name)
        if outline.role(tie.target).is_people and outline.sheet.standing(entry.name, tie.link) is not Standing.ACTOR and tie.target != entry.name
    ]
    for tie in ties:
        if not tie.is_single:
            outline.sheet.note(
                entry.name, f"points at {tie.target} by several fields together ({', '.join(tie.link.fields)}), which `references` cannot say"
            )
            continue
        doubt = _owner_doubt(outline, entry, tie, ties)
        if outline.role(tie.target) is Role.EMPLOYEE and doubt:
            outline.sheet.note(entry.name, f"{tie.field} names an employee of {tie.target}, whose own record this may be")
        reason = doubt or f"{_sureness(tie)}, it is called after {tie.target}, and no other field here leads to a person"
        known = outline.sheet.written(entry.name, tie.field)
        outline.sheet.propose(not doubt, entry.name, tie.field, reason, **_owning(outline, tie, known))
        if "category" not in known and doubt:
            outline.sheet.write(entry.name, tie.field, f"it names one of {tie.target}", category=KEY)
        outline.sheet.place(entry.name, tie.link, Standing.PERHAPS if doubt else Standing.OWNED)
        if not doubt and outline.role(entry.name) is Role.OTHER:
            outline.roles[entry.name] = Role.OWNED


def _owning(outline: Outline, tie: Tie, known: dict[str, str]) -> dict[str, str]:
    """The keys that make the record theirs. A field that identifies by itself already keeps its own kind of selector."""
    words_ = {"category": KEY, "references": tie.reference}
    return words_ if known.get("identifies") else words_ | {"selects": outline.kind(tie.target)}


def _sureness(tie: Tie) -> str:
    return "the server declares the link" if tie.is_declared else tie.evidence


def _owner_doubt(outline: Outline, entry: CollectionFacts, tie: Tie, ties: list[Tie]) -> str:
    """Why the record may not be that person's; empty where nothing speaks against it."""
    target, role = outline.role(tie.target), outline.role(entry.name)
    if not tie.is_sure:
        return f"the link itself is not sure: {tie.evidence}"
    if target is not Role.SUBJECT:
        return "it names an employee" if target is Role.EMPLOYEE else f"it is not clear whether {tie.target} are the people who may ask"
    if role.is_people:
        return "two collections of people: the same person, or somebody else?" if not outline.is_own_key(tie) else _same_person_doubt(role)
    if role is Role.ORGANISATION:
        return "an organisation is nobody's record"
    if role is Role.HISTORY and not outline.histories.get(entry.name):
        return "a log may name who did something to the records of others"
    if any(other is not tie for other in ties):
        return f"several fields here lead to people ({', '.join(sorted({other.field for other in ties}))}): whose record is it?"
    if not tie.is_clear:
        return f"its name does not say plainly that the record belongs to one of {tie.target}"
    return _doubt_by_name(outline, entry, tie)


def _doubt_by_name(outline: Outline, entry: CollectionFacts, tie: Tie) -> str:
    if tells_of_offices(entry.name) and not tells_of_offices(tie.target):
        return f"what {entry.name} is called suggests that it tells who acts for others"
    if outline.key(tie.target) != tie.link.to_fields[0]:
        return f"it does not point at the key of {tie.target}"
    return ""


def _same_person_doubt(role: Role) -> str:
    return "" if role is Role.SUBJECT else "one to one with a person; follow it only where these are people who may ask"


def _parents(outline: Outline, entry: CollectionFacts) -> None:
    """What a person's record points at stays, unless something carries it."""
    if outline.role(entry.name) not in (Role.SUBJECT, Role.OWNED):
        return
    for tie in outline.out_of(entry.name):
        if not outline.role(tie.target).is_people and tie.target != entry.name:
            outline.sheet.place(entry.name, tie.link, Standing.PARENT)
