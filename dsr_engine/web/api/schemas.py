"""What goes into the API and what comes out, as marshmallow schemas; the OpenAPI document is made from them."""

from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from dsr_engine.domain.case import CaseKind, Outcome, Stage
from dsr_engine.domain.entitled import REASONINGS
from dsr_engine.domain.pause import Doubt
from dsr_engine.domain.regime import PauseWhy
from dsr_engine.domain.request import Manner, Right
from dsr_engine.domain.request_log import REFUSALS
from dsr_engine.domain.verification import METHODS
from dsr_engine.web.api.cursors import MOST, USUAL
from dsr_engine.workflow.asking import WEIGHED
from dsr_engine.workflow.decide import VERDICTS
from dsr_engine.workflow.intake import MOST_SELECTORS
from dsr_engine.workflow.law.extending import REASONS

_NAME = Regexp(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")


class Given(Schema):
    """What a caller sends: names that are not known are an error, not ignored."""

    class Meta:
        unknown = RAISE


class Told(Schema):
    """What is answered."""

    class Meta:
        unknown = EXCLUDE


def _codes(codes: Any) -> OneOf:
    return OneOf([getattr(code, "value", code) for code in codes])


def _text(about: str, most: int = 200, *, required: bool = False, least: int = 1) -> fields.String:
    return fields.String(required=required, validate=Length(least, most), metadata={"description": about})


def _day(about: str, *, required: bool = False) -> fields.Date:
    return fields.Date(required=required, metadata={"description": about})


class ProblemSchema(Told):
    """An error (RFC 9457). `code` is stable; `errors` names fields and never repeats a value."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    code = fields.String(required=True)
    detail = fields.String()
    hint = fields.String()
    request_id = fields.String()
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))


class PageQuery(Schema):
    """Which part of a list."""

    class Meta:
        unknown = EXCLUDE

    limit = fields.Integer(load_default=USUAL, validate=Range(1, MOST), metadata={"description": "How many entries at most."})
    cursor = fields.String(validate=Length(1, 500), metadata={"description": "`next` of the page before."})


class PageSchema(Told):
    next = fields.String(allow_none=True, metadata={"description": "The cursor of what follows; null on the last page."})


class IdentifierSchema(Given):
    """One identifier of a person. It is sealed at once, never told back and never logged."""

    kind = fields.String(required=True, validate=Regexp(r"^[a-z][a-z0-9_]{1,60}$"), metadata={"description": "Such as email, phone, customer_id."})
    value = fields.String(required=True, validate=Length(2, 1000), metadata={"description": "As the person wrote it."})


def identifiers(most: int = MOST_SELECTORS, *, required: bool = True) -> fields.List[Any]:
    return fields.List(fields.Nested(IdentifierSchema), required=required, validate=Length(1, most))


# --- cases -------------------------------------------------------------------------------------------------------------------------


class WaitSchema(Told):
    """Why the case stands still, and what ends that."""

    code = fields.String(required=True)
    reason = fields.String(required=True)
    needs = fields.String(required=True)


class CaseRowSchema(Told):
    case = fields.String(required=True)
    kind = fields.String(required=True, validate=_codes(CaseKind))
    right = fields.String(required=True, validate=_codes(Right))
    stage = fields.String(required=True, validate=_codes(Stage))
    round = fields.Integer(required=True)
    outcome = fields.String(required=True, allow_none=True)
    waits_for = fields.String(required=True, allow_none=True)
    opened_at = fields.String(required=True)
    policy = fields.String(required=True)
    regimes = fields.List(fields.String(), required=True)
    systems = fields.List(fields.String(), required=True)


class CaseListSchema(PageSchema):
    cases = fields.List(fields.Nested(CaseRowSchema), required=True)


class CaseQuery(PageQuery):
    state = fields.String(validate=OneOf(["open", "waiting", "closed"]))
    kind = fields.String(validate=_codes(CaseKind))
    right = fields.String(validate=_codes(Right))
    stage = fields.String(validate=_codes(Stage))
    outcome = fields.String(validate=_codes(Outcome))
    policy = fields.String(validate=_NAME)


class DueSchema(Told):
    """The days of the law, as far as they run."""

    acknowledge = fields.String()
    erase = fields.String()
    answer = fields.String()
    answer_by = fields.String(metadata={"description": "The law that sets the day of the answer."})
    refusal = fields.String()
    extended = fields.String()
    days_left = fields.Integer()
    is_extended = fields.Boolean()


class CoverageSchema(Told):
    system = fields.String(required=True)
    collection = fields.String(required=True)
    extent = fields.String(required=True)
    reason = fields.String(required=True)


class CountSchema(Told):
    """Findings of one kind in one collection."""

    system = fields.String(required=True)
    collection = fields.String(required=True)
    match = fields.String(required=True)
    confidence = fields.String(required=True)
    count = fields.Integer(required=True)


class ResultSchema(Told):
    system = fields.String(required=True)
    collection = fields.String(required=True)
    how = fields.String(required=True)
    result = fields.String(required=True)
    records = fields.Integer(required=True)


class ApprovalSchema(Told):
    """Somebody's word. `by` is the random id of a person."""

    by = fields.String(required=True)
    manner = fields.String(required=True)
    at = fields.String(required=True)


class CaseSchema(CaseRowSchema):
    wait = fields.Nested(WaitSchema, required=True, allow_none=True)
    due = fields.Nested(DueSchema, required=True)
    identity = fields.String(required=True, metadata={"description": "How the requester was verified; empty: not yet."})
    coverage = fields.List(fields.Nested(CoverageSchema), required=True)
    findings = fields.List(fields.Nested(CountSchema), required=True)
    results = fields.List(fields.Nested(ResultSchema), required=True)
    verified = fields.List(fields.Nested(CoverageSchema), required=True)
    approvals = fields.List(fields.Nested(ApprovalSchema), required=True)
    certificate = fields.Integer(required=True, allow_none=True, metadata={"description": "The serial number."})
    withdrawn = fields.Boolean(required=True)


class OpenSchema(Given):
    identifiers = identifiers()
    policy = fields.String(validate=_NAME, metadata={"description": "The one of dsr.toml if left out."})
    regimes = fields.List(fields.String(validate=_NAME), validate=Length(0, 10))
    systems = fields.List(fields.String(validate=_NAME), validate=Length(0, 1000))
    right = fields.String(load_default=Right.ERASURE.value, validate=_codes(Right))
    manner = fields.String(load_default=Manner.INTERFACE.value, validate=_codes(Manner))
    received_on = _day("The day on which the request arrived, if that was not today.")
    vouched = fields.Boolean(load_default=False, metadata={"description": "You answer for the identity of the requester; certificates say so."})
    grounds = fields.Dict(keys=fields.String(validate=Length(1, 100)), values=fields.String(validate=Length(1, 100)))
    reasoning = fields.String(validate=_codes(REASONINGS))
    reply_to = fields.Email(validate=Length(3, 320), metadata={"description": "Where the requester is answered. Sealed; never told back."})
    language = fields.String(load_default="", validate=Regexp(r"^([a-z]{2,3})?$"))


class OpenedSchema(CaseRowSchema):
    same_as = fields.List(fields.String(), required=True, metadata={"description": "Open cases for the same identifiers."})


class VerifySchema(Given):
    method = fields.String(required=True, validate=_codes(sorted(METHODS)))
    kinds = fields.List(fields.String(validate=Length(1, 60)), validate=Length(0, 50))


class MatchSchema(Given):
    points = identifiers(20)


class MatchedSchema(CaseRowSchema):
    matched = fields.List(fields.String(), required=True)
    is_ambiguous = fields.Boolean(required=True)


class MoreSchema(Given):
    identifiers = identifiers()


class GroundSchema(Given):
    grounds = fields.Dict(keys=fields.String(validate=Length(1, 100)), values=fields.String(validate=Length(1, 100)), load_default=dict)
    reasoning = fields.String(validate=_codes(REASONINGS))
    take_back = fields.List(fields.String(validate=Length(1, 100)), load_default=list)


class ExtendSchema(Given):
    reason = fields.String(required=True, validate=_codes(REASONS))
    notified_on = _day("When the requester was told so.", required=True)


class RefuseSchema(Given):
    reason = fields.String(required=True, validate=_codes(REFUSALS))


class PauseSchema(Given):
    why = fields.String(required=True, validate=_codes(PauseWhy))
    asked_on = _day("When it was asked for.", required=True)
    doubt = fields.String(validate=_codes(Doubt))


class UnpauseSchema(Given):
    on = _day("When it came.", required=True)
    why = fields.String(validate=_codes(PauseWhy))


class AcknowledgeSchema(Given):
    on = _day("When receipt was confirmed.", required=True)


class VerdictSchema(Given):
    finding = fields.String(required=True, validate=Regexp(r"^[0-9a-f]{8,64}$"))
    verdict = fields.String(required=True, validate=_codes(VERDICTS))


class DecideSchema(Given):
    findings = fields.List(fields.Nested(VerdictSchema), validate=Length(0, 1000), load_default=list)
    because = fields.String(validate=Length(0, 63), load_default="", metadata={"description": "Why what the verdict `keep` names is kept."})
    weighed = fields.String(validate=_codes(("", *WEIGHED)), load_default="", metadata={"description": "Why what `erase` and `redact` name goes."})
    law = fields.String(validate=Length(0, 200), load_default="", metadata={"description": "The statute that this ground needs."})
    same_person = fields.Boolean(load_default=False, metadata={"description": "All records that one identifier leads to are the requester's."})
    go_on = fields.Boolean(load_default=False, metadata={"description": "Go on although more records drifted than the policy allows."})


class NothingSchema(Given):
    """An act that needs no words: `{}`."""


# --- plans, findings ---------------------------------------------------------------------------------------------------------------


class PlanItemSchema(Told):
    system = fields.String(required=True)
    collection = fields.String(required=True)
    how = fields.String(required=True)
    records = fields.Integer(required=True)
    rule = fields.String(required=True)
    why = fields.String(required=True, metadata={"description": "File and line of the rule."})
    ground = fields.String(required=True)
    until = fields.String(required=True)


class ObstacleSchema(Told):
    code = fields.String(required=True)
    where = fields.String(required=True)
    count = fields.Integer(required=True)
    message = fields.String(required=True)


class NoticeSchema(Told):
    code = fields.String(required=True)
    where = fields.String(required=True)
    message = fields.String(required=True)


class PlanSchema(Told):
    case = fields.String(required=True)
    digest = fields.String(required=True, metadata={"description": "Of exactly this plan: what an approver approves."})
    round = fields.Integer(required=True)
    affected = fields.Integer(required=True)
    items = fields.List(fields.Nested(PlanItemSchema), required=True)
    obstacles = fields.List(fields.Nested(ObstacleSchema), required=True)
    notices = fields.List(fields.Nested(NoticeSchema), required=True)


class ApprovalListSchema(Told):
    approvals = fields.List(fields.Nested(ApprovalSchema), required=True)


class ApproveSchema(Given):
    digest = fields.String(required=True, validate=Regexp(r"^[0-9a-f]{8,64}$"))


class FindingSchema(Told):
    """Where something was found: places, masked, and never a value."""

    finding = fields.String(required=True)
    system = fields.String(required=True)
    collection = fields.String(required=True)
    locator = fields.String(required=True)
    categories = fields.List(fields.String(), required=True)
    selector = fields.String(required=True)
    match = fields.String(required=True)
    confidence = fields.String(required=True)
    message = fields.String(required=True, metadata={"description": "The sort of a mail, as rules name it; else empty."})
    roles = fields.List(fields.String(), required=True, metadata={"description": "Where in a mail the person stands."})
    decided = fields.String(required=True)


class FindingListSchema(PageSchema):
    findings = fields.List(fields.Nested(FindingSchema), required=True)


class FindingQuery(PageQuery):
    possible = fields.Boolean(load_default=False, metadata={"description": "Only those that wait for a decision."})
