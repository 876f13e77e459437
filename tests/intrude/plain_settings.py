"""The site's own settings, for the process that is attacked."""

from cofounder.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # for speed, as in `tests.settings`
