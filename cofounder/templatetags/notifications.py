"""The founder's notifications, for a part that any page may include."""

from django import template

from cofounder.models import User
from cofounder.pages.settings.notifications import Section, section_of

register = template.Library()


@register.simple_tag
def notifications_of(user: User, section: Section | str = "") -> Section:
    """What a view has put into the context, or the section as it is."""
    return section if isinstance(section, Section) else section_of(user.pk)
