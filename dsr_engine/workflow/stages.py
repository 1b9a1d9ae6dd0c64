"""The table of contents: a case from the door to the paper, one file per stage.

    INTAKE → VERIFY_IDENTITY → RESOLVE_IDENTITIES → DISCOVER → PLAN → APPROVE → EXECUTE → VERIFY_ABSENCE → NOTIFY → CERTIFY → PUBLISH → CLOSED
                                                      ↑  sweeps enter here                    │
                                                      └── residue or drift: a new round ──────┘   (the only way back; after three a person is asked)

| stage              | it takes                         | it gives                                                             |
|--------------------|----------------------------------|----------------------------------------------------------------------|
| intake             | sealed claims, a policy          | a case that is ready to be worked on                                 |
| verify_identity    | a person's word on who asked     | verified selectors; never the proof itself                           |
| resolve_identities | verified selectors               | the closed set: keys that systems know the person by                 |
| discover           | selectors × systems              | findings, and coverage of every collection                           |
| make_plan          | findings, policy, holds, regime  | what, how, why, until when; or what stands in the way                |
| approve            | the plan's digest                | somebody's approval of exactly that digest                           |
| execute            | plan items                       | a result for each record, and each effect once in the ledger         |
| verify_absence     | items, selectors                 | a fresh look: expected, arrived, or residue                          |
| notify             | what was done, the register      | every recipient of the data told, or a reason why not                |
| certify            | all of it                        | a signed statement with its proof, and the PDF                       |
| publish            | the certificate                  | a certificate that our own verifier accepts; the case is closed      |

A request for a copy of the data (access, portability) ends its way at DISCOVER: an officer looks it over there, and the recorded answer closes it.
A stage is a function of (case, turn, house). It may be killed anywhere and is simply called again: the ordinary path is the resume path.
There is no error stage: an error is a wait at the stage where it happened.
"""

from collections.abc import Callable, Mapping

from dsr_engine.domain.case import Case, Stage
from dsr_engine.workflow.access.reviewing import look
from dsr_engine.workflow.approve import approve
from dsr_engine.workflow.certify import certify
from dsr_engine.workflow.execute import execute
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import intake
from dsr_engine.workflow.make_plan import make_plan
from dsr_engine.workflow.notify import notify
from dsr_engine.workflow.publish import publish
from dsr_engine.workflow.resolve_identities import resolve_identities
from dsr_engine.workflow.step import Step
from dsr_engine.workflow.turn import Turn
from dsr_engine.workflow.verify_absence import verify_absence
from dsr_engine.workflow.verify_identity import verify_identity

StageFunction = Callable[[Case, Turn, House], Step]

STAGES: Mapping[Stage, StageFunction] = {
    Stage.INTAKE: intake,
    Stage.VERIFY_IDENTITY: verify_identity,
    Stage.RESOLVE_IDENTITIES: resolve_identities,
    Stage.DISCOVER: look,
    Stage.PLAN: make_plan,
    Stage.APPROVE: approve,
    Stage.EXECUTE: execute,
    Stage.VERIFY_ABSENCE: verify_absence,
    Stage.NOTIFY: notify,
    Stage.CERTIFY: certify,
    Stage.PUBLISH: publish,
}
