"""Figures for Prometheus: where cases stand, what is overdue, what waits to go out, how fast calls are answered. No label is an id or a person."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask import current_app
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from dsr_engine.domain.case import Outcome, Stage
from dsr_engine.store.case_lists import Wanted
from dsr_engine.store.transaction import Transaction
from dsr_engine.web.guard import house
from dsr_engine.workflow.chores import CHORES
from dsr_engine.workflow.house import House
from dsr_engine.workflow.law.attention import Urgency, alarms

METRICS = "dsr-metrics"
#: Figures that cost a look at all open cases are made anew so often.
_SLOW_FOR = timedelta(minutes=1)
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)


@dataclass(slots=True)
class Metrics:
    """The figures of one app, in a registry of its own."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    calls: Histogram = field(init=False)
    _overdue: tuple[datetime, dict[str, int]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.calls = Histogram("dsr_call_seconds", "How long calls took", ("method", "route", "status"), buckets=_BUCKETS, registry=self.registry)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One call was answered."""
        self.calls.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        stood = CollectorRegistry()
        stood.register(_Stood(self))
        return generate_latest(self.registry) + generate_latest(stood)

    def urgent(self, tx: Transaction, at_home: House) -> dict[str, int]:
        """Limits of open requests by how near they are; at most a minute old."""
        now = at_home.clock.now()
        with self._lock:
            if self._overdue is None or not timedelta() <= now - self._overdue[0] < _SLOW_FOR:
                counts = dict.fromkeys((urgency.value for urgency in Urgency), 0)
                for alarm in alarms(tx, at_home):
                    counts[alarm.urgency.value] += 1
                self._overdue = (now, counts)
            return self._overdue[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Stood:
    """Reads the store when it is asked."""

    metrics: Metrics

    def collect(self) -> Iterator[Metric]:
        at_home = house()
        with at_home.store.snapshot() as tx:
            yield _gauge("dsr_cases", "Cases by stage", "stage", {stage.value: count for stage, count in tx.case_lists.by_stage().items()})
            yield _gauge("dsr_cases_waiting", "Open cases by what they wait for", "code", tx.case_lists.waits())
            ended = {outcome.value: tx.case_lists.count(Wanted(state="closed", outcome=outcome)) for outcome in Outcome}
            yield _gauge("dsr_cases_closed", "Closed cases by outcome", "outcome", ended)
            yield _gauge("dsr_limits", "Limits of open requests by how near they are", "urgency", self.metrics.urgent(tx, at_home))
            yield _gauge("dsr_ledger_leaves", "Leaves of the ledger", "", {"": tx.ledger.size()})
            yield _gauge("dsr_post", "Messages by state", "state", tx.outbox.counts())
            events: dict[str, int] = {}
            for (_, state), count in tx.webhooks.counts().items():
                events[state] = events.get(state, 0) + count
            yield _gauge("dsr_webhook_events", "Events for subscribers by state", "state", events)
            open_ = sum(count for stage, count in tx.case_lists.by_stage().items() if stage is not Stage.CLOSED)
            yield _gauge("dsr_cases_open", "Cases that are not closed", "", {"": open_})
            runs = tx.jobs.latest([chore.__name__ for chore in CHORES]).values()
        last = max((moment.timestamp() for run in runs if (moment := run.ended_at or run.begun_at) is not None), default=0.0)
        yield _gauge("dsr_last_chore_seconds", "When a chore was last done, in seconds since 1970 (0: never)", "", {"": last})


def _gauge(name: str, about: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, about, labels=(label,) if label else ())
    for key, value in values.items():
        family.add_metric((key,) if label else (), value)
    return family


def text_of_metrics() -> bytes:
    """The figures of the app that is called."""
    found: Metrics = current_app.extensions[METRICS]
    return found.text()
