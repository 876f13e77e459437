"""Base classes of the admin: read-only lists that stay fast with many rows, and an audit trail."""

from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import AbstractUser
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.timesince import timesince

from jobs import clock

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin  # takes no parameter at run time

MOST_COUNTED = 10_000  # rows; to see others, filter or search


def staff_of(request: HttpRequest) -> AbstractUser:
    """Who is signed in; the admin lets nobody else in."""
    if not isinstance(request.user, AbstractUser):
        raise PermissionDenied
    return request.user


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # the admin makes it, of whatever it lists
    """Stops counting where nobody would turn pages any more."""

    @cached_property
    def count(self) -> int:
        listed: Any = self.object_list
        return int(listed.order_by()[:MOST_COUNTED].count())


class ReadOnlyAdmin(ModelAdmin):
    """Rows to look at. What may be done with them are actions, not forms."""

    actions = None
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets count every row
    list_per_page = 50
    list_max_show_all = 200

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Narrow the rows with `found`; all of them when nothing is given."""
        words = search_term.strip().replace("\0", "")
        return (self.found(queryset, words) if words else queryset), False

    def found(self, queryset: QuerySet[Any], words: str) -> QuerySet[Any]:
        return queryset


def as_uuid(words: str) -> UUID | None:
    try:
        return UUID(words)
    except ValueError:
        return None


def ago(moment: datetime | None) -> str:
    """How long ago, by our clock, to the minute; empty when never."""
    if moment is None:
        return ""
    now = clock.now()
    return "just now" if (now - moment).total_seconds() < 60 else f"{timesince(moment, now, depth=1)} ago"
