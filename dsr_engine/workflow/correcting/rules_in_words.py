"""A rule of a policy as a sentence, for people who approve what it does and do not write YAML."""

from dsr_engine.domain.anonymize import Method, MethodName
from dsr_engine.domain.correspondence import ATTACHMENT, BODY, FOLDER, HEADER, MAIL, QUOTED, RECIPIENT, SENDER, Sort, Whose
from dsr_engine.domain.finding import Match
from dsr_engine.domain.plan import Delete, DropPart, Edit, Effect, Fence, How, Point, Relocate, Rewrite, SetValue
from dsr_engine.domain.policy import Keep, Pick, Rule, Then, Treatment, When

_THEN = {
    Treatment.DELETE: "they are deleted",
    Treatment.ANONYMIZE: "they are made anonymous",
    Treatment.REDACT: "the places that name the person are cut out",
    Treatment.RESTRICT: "they stay, and nobody may use them but for what the law allows",
    Treatment.RETAIN: "they stay as they are",
    Treatment.VOID: "they are marked invalid; the data stay",
    Treatment.ARCHIVE: "they are moved to an archive with a rule of its own",
    Treatment.ASK: "a person decides about each of them",
}
_STAYS = {
    Treatment.ANONYMIZE: "stays, and is made anonymous",
    Treatment.REDACT: "stays; the passages that name the person are cut out",
    Treatment.RESTRICT: "stays, marked as not to be used",
    Treatment.RETAIN: "stays in part: some of it goes",
}
_PLACES = {
    MAIL: "anywhere in a mail",
    SENDER: "among the senders of a mail",
    RECIPIENT: "among the recipients of a mail",
    HEADER: "in other headers of a mail",
    BODY: "in the text of a mail",
    QUOTED: "in what a mail quotes",
    ATTACHMENT: "in what is attached to a mail",
    FOLDER: "in the name of a folder of mail",
}
_SORTS = {Sort.ONE_TO_ONE: "one to one", Sort.THREAD: "a thread of others", Sort.LIST: "a list's", Sort.ROUTING: "theirs by its routing alone"}
_MAILBOXES = {Whose.OWN: "the person's own", Whose.OTHERS: "somebody else's"}
_METHODS = {
    MethodName.NULL: "emptied",
    MethodName.TOMBSTONE: "replaced by a neutral text",
    MethodName.TEXT: "replaced by a fixed text",
    MethodName.PSEUDONYM: "replaced by a code",
    MethodName.GENERALIZE: "made coarser",
    MethodName.TRUNCATE: "cut short",
    MethodName.REDACT: "passages that name the person cut out",
    MethodName.FAKE: "replaced by an invented value of the same form",
}


def rule_in_words(rule: Rule) -> str:
    """What the rule is about, how long it keeps, and what happens then."""
    keeps = _keep(rule.keep)
    return f"{_when(rule.when)}{f' {keeps};' if keeps else ''} {'then ' if keeps else ''}{_then(rule.then)}."


def method_in_words(method: Method) -> str:
    """What a method makes of a value, never the value."""
    more = f" ({method.argument})" if method.argument and method.name in (MethodName.GENERALIZE, MethodName.TRUNCATE) else ""
    return _METHODS[method.name] + more


def effect_in_words(effect: Effect | None, treatment: Treatment) -> str:
    """What becomes of the record as a whole."""
    match effect:
        case None:
            return "stays as it is"
        case Delete():
            return "is deleted"
        case Relocate(to=to):
            return f"is moved to {to}, where restricted data are kept apart"
        case Rewrite(edits=edits) if edits and all(isinstance(edit.how, DropPart) for edit in edits):
            return "stays; the person's entries are removed from it"
        case _:
            return _STAYS.get(treatment, "stays, and is changed")


def edit_in_words(edit: Edit) -> str:
    """What becomes of one place of a record."""
    return _how(edit.how)


def _how(how: How) -> str:
    match how:
        case SetValue(method=method):
            return method_in_words(method)
        case DropPart():
            return "removed from the file"
        case Fence():
            return "set to the mark of restricted data"
        case Point():
            return "pointed at the neutral record"
        case _:
            return _METHODS[MethodName.REDACT]


def _when(when: When) -> str:
    what = f"data of the kind {when.category}" if when.category and when.category != "user" and not when.role else "personal data"
    what += f" {_PLACES[when.role]}" if when.role else ""
    what += f" in mail that is {' or '.join(_SORTS[sort] for sort in when.message)}" if when.message else ""
    what += f" in {_MAILBOXES[when.mailbox]} mailbox" if when.mailbox else ""
    field = f" in the field {when.field}" if when.field else ""
    where = f" in {when.collection}" if when.collection else f" in {when.system}" if when.system else ""
    whose = "Of other people's records that mention the person: " if when.match is Match.MENTIONS else ""
    text = f"{whose}{what}{field}{where}"
    return text[0].upper() + text[1:] + ":"


def _keep(keep: Keep | None) -> str:
    if keep is None:
        return ""
    ground = f" for {keep.because.replace('_', ' ')}" + (f" ({keep.law})" if keep.law else "") if not keep.is_purpose else ""
    states = "; ".join(f"{name} is {' or '.join(values)}" for name, values in keep.while_.items())
    if states:
        return f"kept while {states}{ground}"
    if keep.period is None or keep.start is None:
        return ""
    which = "the latest of " if len(keep.start.fields) > 1 and keep.start.pick is Pick.LATEST else ""
    end = " and the end of that year" if keep.to_year_end else ""
    return f"kept for {keep.period} from {which}{', '.join(keep.start.fields)}{end}{ground}"


def _then(then: Then) -> str:
    methods = ", ".join(f"{category} {method_in_words(method)}" for category, method in sorted(then.methods.items()))
    return _THEN[then.treatment] + (f": {methods}" if methods else "")
