"""Money and days as the language of a brief writes them."""

from django import template

from cofounder.pages import in_language

register = template.Library()

register.filter("money_in", in_language.money_in)
register.filter("day_in", in_language.day_in)
register.filter("direction", in_language.direction_of)
