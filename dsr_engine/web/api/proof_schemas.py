"""Schemas of what proves and of what the house consists of: certificates, ledger, systems, policies, sweeps, holds, the list of the erased."""

from marshmallow import fields
from marshmallow.validate import Length, OneOf, Range, Regexp

from dsr_engine.domain.hold import HoldState
from dsr_engine.web.api.schemas import CaseRowSchema, Given, PageSchema, Told, identifiers

_NAME = Regexp(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$")


class CertificateSchema(Told):
    certificate = fields.String(required=True, metadata={"description": "Its random id."})
    serial = fields.Integer(required=True)
    case = fields.String(required=True)
    issued_at = fields.String(required=True)
    verdict = fields.String(required=True)
    level = fields.String(required=True)
    leaf = fields.Integer(required=True, allow_none=True, metadata={"description": "Its leaf in the ledger."})
    is_withdrawn = fields.Boolean(required=True)
    superseded_by = fields.String(required=True, allow_none=True)


class CertificateListSchema(PageSchema):
    certificates = fields.List(fields.Nested(CertificateSchema), required=True)


class LeafSchema(Told):
    index = fields.Integer(required=True)
    data = fields.String(required=True, metadata={"description": "The leaf byte for byte, as text: canonical JSON."})


class LeafListSchema(PageSchema):
    size = fields.Integer(required=True, metadata={"description": "How many leaves the ledger has."})
    leaves = fields.List(fields.Nested(LeafSchema), required=True)


class CheckpointSchema(Told):
    note = fields.String(required=True, allow_none=True, metadata={"description": "The newest signed checkpoint; null before the first."})


class ProofSchema(Told):
    """That a leaf is in the ledger (RFC 9162 § 2.1.3)."""

    index = fields.Integer(required=True)
    size = fields.Integer(required=True)
    data = fields.String(required=True)
    path = fields.List(fields.String(), required=True, metadata={"description": "Hashes, base64."})
    checkpoint = fields.String(required=True)


class ConsistencyQuery(Given):
    old = fields.Integer(required=True, validate=Range(0, 2**53))
    new = fields.Integer(required=True, validate=Range(0, 2**53))


class ConsistencySchema(Told):
    """That the older ledger is the beginning of the newer one (RFC 9162 § 2.1.4)."""

    old = fields.Integer(required=True)
    new = fields.Integer(required=True)
    old_root = fields.String(required=True)
    new_root = fields.String(required=True)
    path = fields.List(fields.String(), required=True)


class SystemSchema(Told):
    """A system as it is declared. Addresses and accounts are not told."""

    system = fields.String(required=True)
    kind = fields.String(required=True)
    connector = fields.String(required=True)
    is_disabled = fields.Boolean(required=True)
    is_stopped = fields.Boolean(required=True)
    collections = fields.List(fields.String(), required=True)


class SystemListSchema(Told):
    systems = fields.List(fields.Nested(SystemSchema), required=True)


class RuleSchema(Told):
    rule = fields.String(required=True)
    where = fields.String(required=True, metadata={"description": "File and line."})


class PolicySchema(Told):
    policy = fields.String(required=True)
    file = fields.String(required=True)
    digest = fields.String(required=True, metadata={"description": "SHA-256 of its text; cases are pinned to it."})
    regimes = fields.List(fields.String(), required=True)
    has_sweep = fields.Boolean(required=True)
    rules = fields.List(fields.Nested(RuleSchema), required=True)


class PolicyListSchema(Told):
    policies = fields.List(fields.Nested(PolicySchema), required=True)


class SweepSchema(CaseRowSchema):
    """One tranche of a sweep is a case."""

    sweep = fields.String(required=True)
    tranche = fields.Integer(required=True)
    is_dry = fields.Boolean(required=True)


class SweepListSchema(PageSchema):
    sweeps = fields.List(fields.Nested(SweepSchema), required=True)


class StartSweepSchema(Given):
    policy = fields.String(required=True, validate=_NAME)
    dry_run = fields.Boolean(required=True, metadata={"description": "Make the plan and do nothing. A policy's first runs are dry whatever is said."})


class StartedSweepSchema(SweepSchema):
    forced_dry = fields.Boolean(required=True, metadata={"description": "The run is dry because the policy's first runs have to be."})


class HoldSchema(Told):
    hold = fields.String(required=True)
    state = fields.String(required=True, validate=OneOf([state.value for state in HoldState]))
    reason = fields.String(required=True)
    matter = fields.String(required=True)
    case = fields.String(required=True, allow_none=True)
    system = fields.String(required=True, allow_none=True)
    collection = fields.String(required=True, allow_none=True)
    category = fields.String(required=True, allow_none=True)
    person = fields.Boolean(required=True, metadata={"description": "It protects one person; who that is, is not kept."})
    since = fields.String(required=True, allow_none=True)
    until = fields.String(required=True, allow_none=True)
    placed_by = fields.String(required=True)
    placed_at = fields.String(required=True)
    confirmed_by = fields.String(required=True, allow_none=True)
    lift_asked_by = fields.String(required=True, allow_none=True)


class HoldListSchema(Told):
    holds = fields.List(fields.Nested(HoldSchema), required=True)


class HoldQuery(Given):
    all = fields.Boolean(load_default=False, metadata={"description": "Lifted ones, too."})


class PlaceHoldSchema(Given):
    """All parts that are given must be true of a record for it to be held."""

    reason = fields.String(required=True, validate=Length(1, 300), metadata={"description": "A few words or a code; no personal data."})
    matter = fields.String(load_default="", validate=Length(0, 200))
    case = fields.String(validate=Regexp(r"^[0-9a-f]{8,64}$"))
    system = fields.String(validate=_NAME)
    collection = fields.String(validate=Length(3, 300), metadata={"description": "`system.name`; `*` is allowed."})
    category = fields.String(validate=Length(2, 100))
    since = fields.Date()
    until = fields.Date()
    identifiers = identifiers(required=False)
    everything = fields.Boolean(load_default=False)


class InFlightSchema(Told):
    """A batch that was being made when the hold was placed."""

    case = fields.String(required=True)
    system = fields.String(required=True)
    collection = fields.String(required=True)
    is_over = fields.Boolean(required=True)


class PlacedHoldSchema(HoldSchema):
    in_flight = fields.List(fields.Nested(InFlightSchema), required=True)


class AskLiftSchema(Given):
    reason = fields.String(required=True, validate=Length(1, 300))


class CheckSchema(Given):
    identifiers = identifiers(20)


class ListedSchema(Told):
    is_listed = fields.Boolean(required=True, metadata={"description": "One of the identifiers is of somebody who was erased."})


class BulkCheckSchema(Given):
    people = fields.List(identifiers(20), required=True, validate=Length(1, 500))


class BulkListedSchema(Told):
    listed = fields.List(fields.Integer(), required=True, metadata={"description": "Positions in `people`, from 0, of those who are listed."})
