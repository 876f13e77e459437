"""Users in the admin: the login is the e-mail address, and groups say what somebody may do there."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from cofounder.models import User
from jobs.admin_base import BoundedPaginator

if TYPE_CHECKING:
    Admin = UserAdmin[User]
else:
    Admin = UserAdmin  # takes no parameter at run time

admin.site.site_header = "cofounder"
admin.site.site_title = "cofounder"
admin.site.index_title = "Cockpit"
admin.site.enable_nav_sidebar = False  # the lists need the width for state, phase, spend and time


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

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Deleting the rows alone would leave their sandboxes and files behind."""
        return False
