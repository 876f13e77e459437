"""`manage.py rotate_keys`: re-encrypts stored secrets, so that an old key can be dropped."""

import json
from argparse import ArgumentParser
from typing import Any

from allauth.mfa.models import Authenticator
from cryptography.fernet import InvalidToken
from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from cofounder.accounts.second_factor import encrypt_anew
from jobs.fields import EncryptedTextField


class Command(BaseCommand):
    help = "Encrypt stored secrets with the first of FIELD_ENCRYPTION_KEYS. Then the others can be removed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="answer in JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = encrypt_all()
        except InvalidToken as error:
            raise CommandError(
                "A secret was encrypted with a key that FIELD_ENCRYPTION_KEYS lacks. Nothing was changed."
            ) from error
        sentence = f"{count} encrypted with the first key."
        self.stdout.write(json.dumps({"encrypted": count}) if options["json"] else sentence)


@transaction.atomic
def encrypt_all() -> int:
    """Re-encrypt every value of every encrypted field, or none; return how many. Raises `InvalidToken`."""
    count = 0
    for model in apps.get_models():
        names = [field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)]
        for row in model._default_manager.select_for_update().only("pk", *names) if names else ():
            row.save(update_fields=names)
            count += 1
    for authenticator in Authenticator.objects.select_for_update():
        encrypt_anew(authenticator)
        count += 1
    return count
