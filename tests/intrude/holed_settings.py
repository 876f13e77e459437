"""The site with holes in its settings and its addresses, one of each kind."""

from tests.intrude.plain_settings import *  # noqa: F403
from tests.intrude.plain_settings import AUTH_PASSWORD_VALIDATORS, MIDDLEWARE

ROOT_URLCONF = "tests.intrude.holes"
ALLOWED_HOSTS = ["*"]
ACCOUNT_ADAPTER = "allauth.account.adapter.DefaultAccountAdapter"  # links of mails follow the host name
ACCOUNT_RATE_LIMITS = False
PRIVATE_WEBHOOKS = True
SESSION_COOKIE_HTTPONLY = False
MIDDLEWARE = [name for name in MIDDLEWARE if "clickjacking" not in name]
AUTH_PASSWORD_VALIDATORS = AUTH_PASSWORD_VALIDATORS[:0]  # none ends the tokens
