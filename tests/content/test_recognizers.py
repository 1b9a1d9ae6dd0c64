"""What is recognised in a single value, what is not, and that no value makes a recogniser raise or take long."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsr_engine.content.discovery.identity_numbers import IBAN_LENGTHS, is_card_number, is_iban, passes_luhn
from dsr_engine.content.discovery.person_shapes import day_in, is_given_name, spans_ages
from dsr_engine.content.discovery.recognizers import CLEAR, RECOGNIZERS, is_recognized, recognized, recognizer
from dsr_engine.content.email_shape import holds_email, is_email
from dsr_engine.spec.categories import categories

CLEARLY = (
    ("email", "ann@example.com"),
    ("email", "jürgen.müller@bücher.example"),
    ("email", "Ann Example <ann+shop@mail.example.co.uk>"),
    ("email", "mailto:ann@example.com"),
    ("iban", "DE89 3704 0044 0532 0130 00"),
    ("iban", "gb82west12345698765432"),
    ("card", "4111 1111 1111 1111"),
    ("card", "3782-822463-10005"),
    ("Spanish DNI or NIE", "12345678Z"),
    ("Spanish DNI or NIE", "X1234567L"),
    ("Italian tax code", "RSSMRA85T10A562S"),
    ("French social security number", "2 69 05 49 588 157 80"),
    ("Swiss AHV number", "756.9217.0769.85"),
    ("British national insurance number", "AB 12 34 56 C"),
    ("United States social security number", "078-05-1120"),
    ("Mexican CURP", "HEGG560427MVZRRL04"),
    ("German tax number", "86095742719"),
    ("Brazilian CPF", "529.982.247-25"),
    ("Dutch BSN", "111222333"),
    ("Polish PESEL", "44051401359"),
    ("Swedish personnummer", "811228-9874"),
    ("Portuguese NIF", "123456789"),
    ("Belgian national number", "85.07.30-033.28"),
    ("phone", "+49 30 901820"),
    ("phone", "0041 44 668 18 00"),
    ("phone", "(206) 555-9857"),
    ("phone", "030 901820"),
    ("phone", "212-555-0187"),
    ("ip", "203.0.113.77"),
    ("ip", "192.168.1.0/24"),
    ("ip", "2001:db8::8a2e:370:7334"),
    ("mac", "00:1B:63:84:45:E6"),
    ("mac", "001b.6384.45e6"),
    ("uuid", "550e8400-e29b-41d4-a716-446655440000"),
    ("user agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    ("profile", "https://www.linkedin.com/in/ann-example"),
    ("profile", "https://example.org/users/ann"),
    ("street", "Hauptstraße 5a"),
    ("street", "12 rue de la Paix"),
    ("street", "1913 Hanoi Way"),
    ("street", "Calle Mayor 5"),
    ("street", "Prinsengracht 263"),
    ("name", "Maria Anders"),
    ("name", "Müller, Hans"),
    ("name", "Dr. Petra von der Heide"),
    ("name", "Jean-Pierre O’Brien"),
    ("postcode", "SW1A 1AA"),
    ("postcode", "1012 AB"),
    ("coordinates", "52.5200, 13.4050"),
    ("coordinates", "POINT(13.4050 52.5200)"),
    ("gender", "weiblich"),
    ("language", "Français"),
    ("text", "She rang again and said that the parcel has not come, although we sent it."),
)
NOT_CLEARLY = (
    ("phone", "2024001234"),
    ("phone", "ORD-2024-00123"),
    ("phone", "2024-05-17 12:30"),
    ("phone", "17.05.2024"),
    ("phone", "14033335568"),
    ("phone", "10-4020-000676"),
    ("ip", "1.2.3.4"),
    ("ip", "10.0.19041.1"),
    ("ip", "2.4.1"),
    ("ip", "999.1.1.1"),
    ("iban", "DE89370400440532013001"),
    ("iban", "PROD-DE89-3704"),
    ("iban", "DE893704004405320130"),
    ("card", "4111111111111112"),
    ("card", "0000000000000000"),
    ("card", "9111111111111111"),
    ("name", "Chai"),
    ("name", "Aniseed Syrup"),
    ("name", "Grandma's Boysenberry Spread"),
    ("name", "Anna Meier GmbH"),
    ("name", "Jordan Street"),
    ("name", "MacBook Pro 14"),
    ("name", "new york"),
    ("email", "@ann"),
    ("email", "ann@localhost"),
    ("email", "ann@@example.com"),
    ("email", "a b@example.com"),
    ("email", "git@10.0.0.1"),
    ("email", "icon@2x.9"),
    ("street", "Road-150 Red, 62"),
    ("street", "XRQ - TRUCK GROUND"),
    ("uuid", "550e8400e29b"),
    ("mac", "00:00:00:00:00:00"),
    ("profile", "https://example.org/products/5"),
    ("profile", "https://github.com/about"),
    ("United States social security number", "666-12-1234"),
    ("United States social security number", "123-45-0000"),
    ("gender", "M"),
    ("postcode", "12345"),
    ("birth date", "1980-01-01"),
    ("text", "SO43659 SO43660 SO43661 SO43662 SO43663 SO43664 SO43665"),
)


@pytest.mark.parametrize(("name", "value"), CLEARLY)
def test_a_value_is_recognised_as_what_it_is(name: str, value: str) -> None:
    assert is_recognized(name, value)
    assert name in {found.name for found in recognized(value)}
    assert is_recognized(name, f"  {value}\n")


@pytest.mark.parametrize(("name", "value"), NOT_CLEARLY)
def test_a_value_is_not_taken_for_what_it_only_resembles(name: str, value: str) -> None:
    assert not is_recognized(name, value)


def test_every_category_is_one_of_the_taxonomy() -> None:
    assert {one.category for one in RECOGNIZERS if one.category is not None} <= set(categories())


def test_the_likeliest_comes_first() -> None:
    found = recognized("030 901820")
    assert found[0].name == "phone"
    assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)


def test_a_recogniser_is_known_by_its_name() -> None:
    assert recognizer("email").is_validated
    assert not recognizer("name").is_validated
    with pytest.raises(KeyError):
        recognizer("shoe size")


@settings(deadline=None)
@given(st.text(st.characters(codec=None) | st.sampled_from("\ud800\udcff\0\u202e"), max_size=400))
def test_no_text_makes_a_recogniser_raise(value: str) -> None:
    for found in recognized(value):
        assert 0 < found.confidence <= 1


@settings(deadline=None)
@given(st.text(alphabet=string.digits + "+-./() @:;,xX" + string.ascii_letters, max_size=60))
def test_nothing_that_looks_like_an_identifier_makes_one_raise(value: str) -> None:
    assert all(0 < found.confidence <= 1 for found in recognized(value))


@pytest.mark.parametrize("piece", ["a", "0", "@", "a@", "a.", "-", "1 ", "(", "é", "\U0001f600", "a@b.", "x=1;", "Aa ", "0" * 31 + ":"])
def test_a_megabyte_of_anything_is_looked_at_in_a_bounded_way(piece: str) -> None:
    value = piece * (1_200_000 // len(piece))
    assert {found.name for found in recognized(value)} <= {"text", "user agent", "cookie"}
    assert holds_email(value) in (True, False)


@settings(deadline=None)
@given(st.sampled_from(sorted(IBAN_LENGTHS)), st.integers(0, 10**30))
def test_an_iban_with_right_check_digits_is_one_and_with_others_is_none(country: str, number: int) -> None:
    own = str(number).zfill(IBAN_LENGTHS[country] - 4)[-(IBAN_LENGTHS[country] - 4) :]
    rest = int("".join(str(int(letter, 36)) for letter in f"{own}{country}00")) % 97
    check = 98 - rest
    assert is_iban(f"{country}{check:02}{own}")
    assert not is_iban(f"{country}{(check + 1) % 100:02}{own}")


@settings(deadline=None)
@given(st.integers(10**14, 10**15 - 1))
def test_one_digit_of_ten_makes_a_card_number(stem: int) -> None:
    numbers = [f"4{str(stem)[1:]}{digit}" for digit in range(10)]
    assert sum(passes_luhn([int(digit) for digit in number]) for number in numbers) == 1
    assert sum(map(is_card_number, numbers)) == 1


@settings(deadline=None)
@given(st.emails())
def test_ordinary_addresses_are_found_alone_and_in_a_text(address: str) -> None:
    local, _, domain = address.rpartition("@")
    plain = f"{''.join(filter(str.isalnum, local)) or 'a'}@{domain}"
    assert is_email(plain)
    assert holds_email(f"She wrote from <{plain}>, yesterday.")


def test_addresses_inside_texts_are_seen_between_other_signs() -> None:
    assert holds_email('{"to":["ann@example.com"]}')
    assert holds_email("see @ann and ann@example.com!")
    assert not holds_email("see @ann, 5 @ 3 EUR and a@b")


def test_days_are_read_as_they_are_written() -> None:
    assert {day_in(text) for text in ("1980-03-31", "31.03.1980", "31/3/1980", "1980-03-31 00:00:00")} == {day_in("1980-03-31")}
    assert day_in("1980-02-30") is None
    assert day_in("31.03.80") is None


def test_birthdays_spread_over_ages_and_dates_of_orders_do_not() -> None:
    born = tuple(f"{year}-05-17" for year in range(1940, 2004, 4))
    assert spans_ages(born)
    assert not spans_ages(tuple(f"2024-05-{day:02}" for day in range(1, 29)))
    assert not spans_ages(tuple(f"{year}-05-17" for year in range(2012, 2025)))
    assert not spans_ages(("1980-01-01",))


def test_given_names_are_known_in_several_languages_and_spellings() -> None:
    assert all(map(is_given_name, ("Jürgen", "JUERGEN", "Jean-Pierre", "Mary Ann", "Tomasz")))
    assert not any(map(is_given_name, ("Chai", "Guaraná", "", "Widget")))


def test_a_clear_recognition_is_above_the_line_and_a_mere_resemblance_below() -> None:
    assert recognized("1.2.3.4")[0].confidence < CLEAR
    assert recognized("203.0.113.77")[0].confidence >= CLEAR
