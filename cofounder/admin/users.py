"""Users in the admin: the login is the e-mail address, and groups say what somebody may do there."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from cofounder.models import User
from jobs.admin_base import BoundedPaginator

if TYPE_CHECKING:
    Admin = UserAdmin[User]
else:
    Admin = UserAdmin  # takes no parameter at run time

POWERS = ("is_staff", "is_superuser", "groups")


@admin.register(User)
class FounderAdmin(Admin):
    list_display = ("email", "is_active", "is_staff", "last_login", "date_joined")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email",)
    ordering = ("email",)
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("email", "password")}),
        ("In the admin", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
    add_fieldsets = ((None, {"fields": ("email", "usable_password", "password1", "password2")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Only a superuser gives rights: whoever may change users must not make themselves one."""
        powers = () if request.user.is_superuser else POWERS
        return (*self.readonly_fields, *powers)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nor may they take over the account of one with a new password."""
        is_above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not is_above and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Deleting the rows alone would leave their sandboxes and files behind."""
        return False
