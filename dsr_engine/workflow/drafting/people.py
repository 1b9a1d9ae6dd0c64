"""Which collections are people, and which of them are those who may ask: customers do; the colleague who served them is somebody else."""

from dsr_engine.drivers.driver import CollectionFacts
from dsr_engine.workflow.drafting.actors import names_an_actor
from dsr_engine.workflow.drafting.collection_words import Nature, kind_of
from dsr_engine.workflow.drafting.draft import Role
from dsr_engine.workflow.drafting.keynames import words
from dsr_engine.workflow.drafting.outline import Outline

#: Words in names of fields that speak of work.
_WORK = frozenset(
    (
        *(
            "hire",
            "hired",
            "hiredate",
            "salary",
            "payroll",
            "wage",
            "reports",
            "reportsto",
            "department",
            "dept",
            "employment",
            "jobtitle",
            "vacation",
        ),
        *("gehalt", "abteilung", "eintritt", "personalnummer"),
    )
)
#: Who serves others, where others are kept.
_SERVING = frozenset(
    (
        *("doctor", "doctors", "physician", "physicians", "nurse", "nurses", "therapist", "therapists", "dentist", "dentists", "lawyer", "lawyers"),
        *("teacher", "teachers", "lehrer", "professor", "professors", "trainer", "trainers", "coach", "coaches", "instructor", "instructors"),
        *("arzt", "medecin", "medico", "driver", "drivers", "fahrer", "courier", "couriers", "guide", "guides"),
    )
)
#: Whoever is called so may be a customer or a colleague.
_EITHER = frozenset({"user", "users", "benutzer", "nutzer", "profile", "profiles"})


def find_people(outline: Outline) -> None:
    """Gives every collection its role, and says why."""
    for entry in outline.collections:
        if entry.name in outline.histories:
            outline.roles[entry.name] = Role.HISTORY
            continue
        role, why = _first_look(outline, entry)
        outline.roles[entry.name] = role
        if why:
            outline.sheet.note(entry.name, why)
    _professionals(outline)
    _unclear_users(outline)
    _only_colleagues(outline)


def _first_look(outline: Outline, entry: CollectionFacts) -> tuple[Role, str]:
    kind = kind_of(entry.name)
    is_known = _is_known_by(outline, entry)
    if _is_about_work(entry, is_known):
        return Role.EMPLOYEE, "people who work here, as the name or the fields say: records that point at them mostly name who acted"
    match kind.nature:
        case Nature.PERSON:
            return _person(outline, entry, is_known)
        case Nature.ORGANISATION if is_known:
            return Role.ORGANISATION, "organisations, and the people in them who are named: what points at one does not belong to such a person"
        case Nature.UNKNOWN if {"name", "contact"} <= is_known and not _leads_to_people(outline, entry):
            return Role.UNCLEAR, "rows have a person's name and how to reach them, but what the collection is called does not say who they are"
    return Role.OTHER, ""


def _person(outline: Outline, entry: CollectionFacts, is_known: set[str]) -> tuple[Role, str]:
    noun = kind_of(entry.name).noun
    if len(entry.key) > 1 and not is_known:
        return Role.OTHER, ""  # it links people with something
    if "contact" in is_known or (is_known and _leads_to_people(outline, entry)):
        return Role.SUBJECT, f"people, as its name ({noun}) and fields say"
    if is_known and (apart := _reached_through(outline, entry)):
        return Role.SUBJECT, f"people, as its name ({noun}) and fields say; how to reach them stands in {apart}"
    if is_known:
        return Role.UNCLEAR, f"people, as its name ({noun}) says, but nothing here tells how to reach one: known by name only"
    if _leads_to_people(outline, entry) or outline.into(entry.name):
        return Role.SUBJECT, f"people, as its name ({noun}) says; what is personal about them stands elsewhere"
    return Role.UNCLEAR, f"people, as its name ({noun}) says, but no field looks personal"


def _is_about_work(entry: CollectionFacts, is_known: set[str]) -> bool:
    kind = kind_of(entry.name)
    if kind.nature is Nature.PERSON and kind.about_colleagues:
        return bool(is_known) or len(entry.key) == 1  # `dept_emp` links employees with something
    signs = sum(1 for field in entry.fields if _WORK.intersection(words(field.name)))
    return (
        signs >= 2 and "name" in is_known and kind.nature in (Nature.PERSON, Nature.UNKNOWN) and (kind.key or "person_id") in ("person_id", "user_id")
    )


def _is_known_by(outline: Outline, entry: CollectionFacts) -> set[str]:
    """How people are known here: `name`, `contact` (an address of any kind, or a login)."""
    known = set()
    for category in outline.categories(entry.name):
        if category.startswith("user.name"):
            known.add("name")
        if (
            category.startswith(("user.contact.email", "user.contact.phone", "user.account.username", "user.contact.fax"))
            or category == "user.contact"
        ):
            known.add("contact")
        if category.startswith(("user.date_of_birth", "user.demographic", "user.government_id")):
            known.add("traits")
    return known


def _reached_through(outline: Outline, entry: CollectionFacts) -> str:
    """The collection that keeps addresses of these people, one row or several for each; empty if there is none."""
    for tie in outline.into(entry.name):
        facts = outline.survey.collection(tie.collection)
        if facts is not None and tie.is_clear and "contact" in _is_known_by(outline, facts):
            return tie.collection
    return ""


def _leads_to_people(outline: Outline, entry: CollectionFacts) -> bool:
    """True if rows point at people of another collection that are known by name or contact."""
    return any(
        tie.target != entry.name
        and kind_of(tie.target).nature is Nature.PERSON
        and not names_an_actor(tie.field)
        and any(category.startswith(("user.name", "user.contact")) for category in outline.categories(tie.target))
        for tie in outline.out_of(entry.name)
    )


def _professionals(outline: Outline) -> None:
    """Doctors beside patients serve them; a patient's appointment is not the doctor's."""
    subjects = outline.of_role(Role.SUBJECT)
    serving = [entry for entry in subjects if kind_of(entry.name).noun in _SERVING]
    if len(serving) == len(subjects):
        return
    for entry in serving:
        outline.roles[entry.name] = Role.EMPLOYEE
        outline.sheet.note(
            entry.name, "they serve other people who are kept here, as the name says: records that point at them mostly name who acted"
        )


def _unclear_users(outline: Outline) -> None:
    """`users` beside `customers` may be the colleagues who log in; then what they created is not theirs."""
    subjects = outline.of_role(Role.SUBJECT)
    others = [entry for entry in subjects if kind_of(entry.name).noun not in _EITHER]
    for entry in subjects:
        acted = [tie for tie in outline.into(entry.name) if names_an_actor(tie.field)]
        if others and acted and kind_of(entry.name).noun in _EITHER:
            outline.roles[entry.name] = Role.UNCLEAR
            outline.sheet.note(entry.name, f"customers or colleagues? {acted[0].collection}.{acted[0].field} names one of them as who acted")


def _only_colleagues(outline: Outline) -> None:
    """Where nobody but colleagues is kept, they are who asks."""
    if outline.of_role(Role.SUBJECT, Role.UNCLEAR):
        return
    for entry in outline.of_role(Role.EMPLOYEE):
        outline.roles[entry.name] = Role.SUBJECT
        outline.sheet.note(entry.name, "there are no other people here, so they are taken for those who may ask")
