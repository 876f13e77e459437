"""Who gets into the admin: staff with a second factor, through the site's own sign-in page.

There is one place where passwords are entered and wrong ones counted, so the admin asks for none.
"""

from typing import Any

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from cofounder.accounts.second_factor import has_second_factor

SET_UP = "The admin needs a second factor besides your password. Add an authenticator app or a security key."


class Site(AdminSite):
    site_header = site_title = "cofounder"
    index_title = "Cockpit"
    enable_nav_sidebar = False  # the lists need the width for state, phase, spend and time

    def get_urls(self) -> list[Any]:
        """Without `r/`, which leads to an object's page on the site by any kind and id: ours have none."""
        return [address for address in super().get_urls() if getattr(address, "name", "") != "view_on_site"]

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and has_second_factor(request.user)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Lead to the sign-in page, to the second factor, or on; nothing is entered here."""
        wanted = request.GET.get("next", "")
        is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
        onward = wanted if is_ours else reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect(reverse("account_login", query={"next": onward}))
        if not super().has_permission(request):
            raise PermissionDenied
        if has_second_factor(request.user):
            return redirect(onward)
        messages.info(request, SET_UP)
        return redirect("mfa_index")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return redirect("account_change_password")
