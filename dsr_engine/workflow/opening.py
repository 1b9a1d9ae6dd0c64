"""How a request that came by mail, by telephone or over a desk becomes what `intake` opens; the doors differ in how they ask for it only."""

from dataclasses import replace
from datetime import datetime

from dsr_engine.domain.case import CaseKind
from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.order import Order
from dsr_engine.domain.request import Manner
from dsr_engine.workflow.house import House
from dsr_engine.workflow.intake import Request


def refuse_future(house: House, moment: datetime) -> None:
    """Raises `InputWrong` for a moment of receipt that is still to come, by the calendar of the controller."""
    if house.calendar.day_of(moment) > house.calendar.day_of(house.clock.now()):
        raise InputWrong("the day of receipt lies in the future", code="option.received", hint="name the day on which the request arrived")


def as_order(request: Request, order: Order | None) -> Request:
    """The request as a case of the authority's. Raises `InputWrong` where it is told as if a person had asked."""
    if order is None:
        return request
    if request.grounds or request.vouched:
        raise InputWrong("the authority named the person and says why", code="option.order", hint="name no ground, and vouch for nobody")
    manner = Manner.AUTHORITY if request.manner is Manner.NOT_RECORDED else request.manner
    return replace(request, kind=CaseKind.SUPERVISORY_ORDER, manner=manner, order=order)
