"""A project's keys and passwords: their names, and a form to replace or remove them."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from cofounder.pages import secret_fields
from cofounder.pages.ownership import founders_only, own_project
from jobs import project_secrets
from jobs.errors import CofounderError


@sensitive_variables()
@sensitive_post_parameters("secret_value")
@founders_only
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = own_project(request, project_id)
    refusal = ""
    if request.method == "POST":
        try:
            given = project_secrets.clean(secret_fields.read(request.POST))
            if not given:
                raise CofounderError("Enter the key or password.")
            project_secrets.keep(project.pk, given)
        except CofounderError as error:
            refusal = str(error)
        else:
            messages.success(
                request, f"{', '.join(given)} is saved. The agent\u2019s next command can use it."
            )
            return redirect("keys", project_id=project.pk)
    context = {
        "project": project,
        "names": project_secrets.names_of(project.pk),
        "refusal": refusal,
        "name": request.POST.get("secret_name", ""),
    }
    return render(request, "keys.html", context, status=400 if refusal else 200)


@founders_only
@require_POST
def remove_key(request: HttpRequest, project_id: UUID) -> HttpResponse:
    project = own_project(request, project_id)
    name = request.POST.get("name", "")
    if project_secrets.remove(project.pk, name):
        messages.success(request, f"{name} is removed. Revoke it where it was issued, too.")
    else:
        messages.error(request, "There is no such key any more.")
    return redirect("keys", project_id=project.pk)
