"""People who do not exist, the same in every run."""

from collections.abc import Iterator

FIRST = ("Bela", "Cora", "Dario", "Edda", "Fritz", "Gerda", "Hanno", "Ilse", "Jorge", "Karin", "Lasse", "Mona", "Nils", "Olga", "Piet", "Ruth")
LAST = ("Abel", "Brand", "Castro", "Dorn", "Ek", "Falk", "Grau", "Holm", "Ivers", "Jensen", "Kraus", "Lund", "Moser")
STREETS = ("Ahornweg", "Birkenallee", "Canal Street", "Dorfplatz", "Eichenring", "Fisher Lane")


def somebody(number: int) -> tuple[str, str, str]:
    """First name, last name, e-mail address. No two numbers under 200 give the same."""
    first, last = FIRST[number % len(FIRST)], LAST[number % len(LAST)]
    return first, last, f"{first}.{last}.{number}@mail.example".lower()


def phone(number: int) -> str:
    return f"+49 40 {7_000_000 + number * 137}"


def street(number: int) -> str:
    return f"{STREETS[number % len(STREETS)]} {number + 1}"


def numbers(count: int, *, without: tuple[int, ...] = ()) -> Iterator[int]:
    """1 to `count`, but for those that a sample fills by hand."""
    return (number for number in range(1, count + 1) if number not in without)
