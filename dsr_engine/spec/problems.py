"""What is wrong in the files that people write, so that all of it can be shown at once and each part be found."""

from collections.abc import Iterable
from dataclasses import dataclass

from dsr_engine.domain.errors import InputWrong
from dsr_engine.domain.source import Source


@dataclass(frozen=True, slots=True)
class SpecProblem:
    """One mistake: where it stands in the file, the path of keys that leads there, and what to do.

    `is_gap` marks what is missing rather than wrong (data without a rule, a rule without a period): `--allow-gaps` makes it a warning.
    The message never quotes the value at fault: it may be a password.
    """

    source: Source
    path: str
    message: str
    is_gap: bool = False

    def __str__(self) -> str:
        place = f"{self.source.file}:{self.source.line}:{self.source.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class SpecWrong(InputWrong):
    """Every problem of every file that was read, in the order of files and lines. Nothing was loaded."""

    def __init__(self, problems: Iterable[SpecProblem]) -> None:
        self.problems: tuple[SpecProblem, ...] = tuple(sorted(set(problems), key=_position))
        super().__init__("\n".join(str(problem) for problem in self.problems), code="spec.wrong")


def _position(problem: SpecProblem) -> tuple[str, int, int, str, str]:
    return (problem.source.file, problem.source.line, problem.source.column, problem.path, problem.message)
