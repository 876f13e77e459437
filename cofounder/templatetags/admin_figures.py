"""The figures on the admin's first page."""

from django import template
from django.contrib.auth.models import AbstractUser

from cofounder.admin.figures import Figure, figures

register = template.Library()


@register.simple_tag
def figures_for(user: AbstractUser) -> list[Figure]:
    return figures(user)
