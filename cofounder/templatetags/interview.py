"""What the pages of an interview need: which lines of the brief the last answer changed."""

from django import template
from django.template import Context
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

NEW = mark_safe(' class="changed"')  # a constant


@register.simple_tag(takes_context=True)
def changed(context: Context, name: str, line: str = "") -> SafeString | str:
    """The attribute that marks a changed line; nothing for others."""
    return NEW if (f"{name}:{line}" if line else name) in context["changed"] else ""
