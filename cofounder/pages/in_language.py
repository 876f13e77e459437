"""Money and days as the language of a brief writes them; English where it is unknown."""

from datetime import date
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency

from agents.budget.amounts import CENT, DOLLAR

ENGLISH = Locale("en")


@lru_cache(maxsize=200)
def locale_of(language: str) -> Locale:
    """The locale of a BCP 47 tag, such as `da` or `pt-BR`."""
    try:
        return Locale.parse(language.replace("-", "_")) if language else ENGLISH
    except (UnknownLocaleError, ValueError, TypeError):
        return ENGLISH


def money_in(amount: int, language: str) -> str:
    """µ$ in dollars and cents, or in whole dollars from ten dollars on: an estimate is no finer."""
    locale = locale_of(language)
    if amount >= 10 * DOLLAR:
        return _whole(amount, locale)
    return format_currency((amount + CENT // 2) // CENT / 100, "USD", locale=locale)


def _whole(amount: int, locale: Locale) -> str:
    pattern = locale.currency_formats["standard"].pattern.replace(".00", "")
    return format_currency(
        round(amount / DOLLAR), "USD", format=pattern, locale=locale, currency_digits=False
    )


def day_in(day: date, language: str) -> str:
    return format_date(day, format="long", locale=locale_of(language))


def direction_of(language: str) -> str:
    """`rtl` for a language that is written from right to left."""
    return str(locale_of(language).text_direction)
