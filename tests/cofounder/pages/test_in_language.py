from datetime import date

import pytest

from cofounder.pages.in_language import day_in, direction_of, money_in

DAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("language", "cents", "dollars", "day", "direction"),
    [
        ("", "$1.50", "$1,235", "November 28, 2026", "ltr"),
        ("de", "1,50\xa0$", "1.235\xa0$", "28. November 2026", "ltr"),
        ("da", "1,50\xa0USD", "1.235\xa0USD", "28. november 2026", "ltr"),
        ("ja", "$1.50", "$1,235", "2026年11月28日", "ltr"),
        ("pt-BR", "US$\xa01,50", "US$\xa01.235", "28 de novembro de 2026", "ltr"),
        ("ar", "\u200f1.50\xa0US$", "\u200f1,235\xa0US$", "28 نوفمبر 2026", "rtl"),
    ],
)
def test_money_and_days_are_as_the_language_writes_them(
    language: str, cents: str, dollars: str, day: str, direction: str
) -> None:
    assert money_in(1_500_000, language) == cents
    assert money_in(1_234_600_000, language) == dollars
    assert day_in(DAY, language) == day
    assert direction_of(language) == direction


@pytest.mark.parametrize("language", ["xx-yy", "../../etc", "a" * 300, "da;DROP"])
def test_an_unknown_language_is_written_in_english(language: str) -> None:
    assert money_in(1_500_000, language) == "$1.50"
