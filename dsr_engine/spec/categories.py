"""The taxonomy of personal data, read once from `categories.yaml`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from dsr_engine.spec.loader import read_document


@cache
def categories() -> Mapping[str, str]:
    """Every category with a sentence about what it holds, general ones first."""
    document = read_document(Path(__file__).with_name("categories.yaml"), "spec/categories.yaml")
    return MappingProxyType({name: str(about) for name, about in document.root.items()})
