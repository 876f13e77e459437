"""Deletes an account and everything that belongs to the founder, in one transaction.

What was spent stays in the ledger without a name, and counts against the install's day as before.
"""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.db import transaction

from agents.actions.projects import delete_project
from agents.models import BudgetChange
from agents.session.locks import lock_days
from jobs.errors import CofounderError, Conflict
from jobs.models import Project


@transaction.atomic
def delete_account(user: AbstractUser, confirm: str) -> None:
    """Stop the founder's builds, end their sandboxes, and delete rows and stored files.

    `confirm` must be the account's own e-mail address, so that nobody does this by accident. Raises
    `CofounderError` when it is not, `Conflict` for who has rights in the admin.
    """
    if confirm.strip().lower() != user.email.lower():
        raise CofounderError("Type the e-mail address of your account to confirm.", field="confirm")
    if user.get_all_permissions():
        raise Conflict("This account has rights in the admin. Another administrator has to take them first.")
    get_user_model().objects.select_for_update().get(pk=user.pk)  # so that nothing new begins meanwhile
    projects = list(Project.objects.select_for_update().filter(owner=user.pk).order_by("pk"))
    # Ending a build may write to any of these days: lock them before the first job.
    lock_days(user.pk)
    for project in projects:
        delete_project(project, user)
    BudgetChange.objects.filter(user=user.pk).update(reason="")
    user.delete()
