"""Django settings. Each value from the environment is checked in `environment`."""

from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from cofounder.config import environment, file_storage, logs, model_prices, security
from cofounder.config.environment import boolean, number, text, url, words

BASE_DIR = environment.BASE_DIR
DATA_DIR = environment.data_dir()
DEBUG = boolean("DEBUG", False)
MOVABLE_CLOCK = DEBUG  # outside DEBUG, days are real days
PRIVATE_WEBHOOKS = DEBUG  # outside DEBUG, webhooks go to public addresses alone, over https
SECRET_KEY = environment.key("SECRET_KEY")
FIELD_ENCRYPTION_KEYS = environment.encryption_keys()
BASE_URL = url("BASE_URL", "http://localhost:8000").rstrip("/")
ALLOWED_HOSTS = words(
    "ALLOWED_HOSTS", sorted({"localhost", "127.0.0.1", "[::1]", urlsplit(BASE_URL).hostname or ""} - {""})
)
CSRF_TRUSTED_ORIGINS = [BASE_URL]
# Behind a proxy that ends TLS, the caller's address and scheme are in the headers it sets.
TRUSTED_PROXIES = number("TRUSTED_PROXIES", int(BASE_URL.startswith("https://")), most=10)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES

INSTALLED_APPS = [
    "cofounder.apps.CockpitConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "channels",
    "csp",
    "django_htmx",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "procrastinate.contrib.django",
    "rest_framework",
    "cofounder",
    "jobs",
    "escalations",
    "agents",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "cofounder.http.request_id.correlated",
    "csp.middleware.CSPMiddleware",
    "cofounder.http.body_limits.PlainText",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "cofounder.urls"
ASGI_APPLICATION = "cofounder.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "cofounder" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

LOGGING = logs.configure()
DEFAULT_EXCEPTION_REPORTER_FILTER = "cofounder.http.error_reports.Hiding"

_database = environment.database()
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 0,
        "CONN_HEALTH_CHECKS": True,
        # Every ASGI request runs in a thread of its own; the pool saves each the 10 ms of a new connection.
        "OPTIONS": {
            **_database.get("OPTIONS", {}),
            "pool": {"min_size": 1, "max_size": 16, "timeout": 10},
            "prepare_threshold": 2,
        },
    }
}
REDIS_URL = environment.redis_url()
CACHES = {"default": {"BACKEND": "cofounder.http.cache.OpenCache", "LOCATION": REDIS_URL}}
# The modules of the tasks load the SDKs of the model and the sandbox, for which only a worker has a use.
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
CHANNEL_LAYERS = {
    "default": {"BACKEND": "jobs.doorbell_layer.DoorbellLayer", "CONFIG": {"hosts": [REDIS_URL]}}
}

# Accounts: the e-mail address is the login.
AUTH_USER_MODEL = "cofounder.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
] + [{"NAME": "cofounder.accounts.api_tokens.EndWithThePassword"}]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_ADAPTER = "cofounder.accounts.adapter.Adapter"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[cofounder] "
# A local install whose mails stay on its disk has nobody to confirm an address to.
CONFIRMS_ADDRESSES = bool(text("EMAIL_URL")) or not environment.is_loopback(BASE_URL)
MAX_DAILY_SIGNUPS = number("MAX_DAILY_SIGNUPS", 10, most=100_000)  # plans begun by signing up, a UTC day
MFA_ADAPTER = "cofounder.accounts.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_TOTP_ISSUER = "cofounder"
MFA_TOTP_TOLERANCE = 1  # a clock may be half a minute wrong
MFA_ALLOW_UNVERIFIED_EMAIL = not CONFIRMS_ADDRESSES
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = environment.is_loopback(BASE_URL)  # browsers trust localhost too
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "projects"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["jobs.api.parsers.BoundedJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "jobs.api.pagination.LinkPagination",
    "DEFAULT_SCHEMA_CLASS": "jobs.api.schema.Schema",
    "DEFAULT_THROTTLE_CLASSES": ["jobs.api.throttles.ChangesThrottle"],
    "DEFAULT_THROTTLE_RATES": security.RATES,
    "NUM_PROXIES": TRUSTED_PROXIES,
    "EXCEPTION_HANDLER": "jobs.api.errors.error_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
REST_KNOX = {"TOKEN_TTL": timedelta(days=365)}
SPECTACULAR_SETTINGS = {
    "TITLE": "cofounder",
    "DESCRIPTION": "An autonomous technical co-founder: projects, builds, escalations, budget.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "DEFAULT_GENERATOR_CLASS": "jobs.api.schema_generator.Generator",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "jobs.api.schema.every_refusal",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "jobs.models.JobStatus",
        "PhaseStatus": "jobs.models.Phase.Status",
        "EscalationStatus": "escalations.models.AgentEscalation.Status",
        "SessionState": "agents.models.SessionState",
        "InterviewState": "agents.models.InterviewState",
        "EventType": "jobs.models.EventType",
        "Verdict": "jobs.verdicts.Verdict",
    },
}

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
MEDIA_URL = "/media/"
PROJECT_SNAPSHOT_BUCKET = text("PROJECT_SNAPSHOT_BUCKET")
_files = partial(
    file_storage.storage,
    bucket=PROJECT_SNAPSHOT_BUCKET,
    endpoint=url("AWS_ENDPOINT_URL_S3"),
    data_dir=DATA_DIR,
)
STORAGES = {
    "default": _files("media"),
    "snapshots": _files("snapshots"),
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

EMAIL_CONFIG = environment.email()
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL", f"cofounder@{urlsplit(BASE_URL).hostname}")

vars().update(security.transport(BASE_URL, TRUSTED_PROXIES))
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

# The agent
AUTONOMOUS_AGENT = boolean("AUTONOMOUS_AGENT", True)
ANTHROPIC_API_KEY = text("ANTHROPIC_API_KEY")
ANTHROPIC_BASE_URL = url("ANTHROPIC_BASE_URL", "https://api.anthropic.com")
DEFAULT_MODEL = text("DEFAULT_MODEL", "claude-sonnet-5-5")
INTERVIEW_MODEL = text("INTERVIEW_MODEL")  # empty: the founder's plan's
E2B_API_KEY = text("E2B_API_KEY")
E2B_API_URL = url("E2B_API_URL")
E2B_SANDBOX_URL = url("E2B_SANDBOX_URL")
E2B_DOMAIN = text("E2B_DOMAIN", "e2b.app")
E2B_TEMPLATE = text("E2B_TEMPLATE", "base")
PRIVATE_PREVIEWS = bool(E2B_SANDBOX_URL) or E2B_DOMAIN != "e2b.app"  # the operator's own sandboxes
CONTENT_SECURITY_POLICY = security.content_policy(security.preview_hosts(E2B_DOMAIN, E2B_SANDBOX_URL))
SANDBOX_LIFETIME_SECONDS = number("SANDBOX_LIFETIME_SECONDS", 3600, least=60, most=86_400)
WORKER_CONCURRENCY = number("WORKER_CONCURRENCY", 20, least=1, most=1000)
MAX_DAILY_SPEND = number("MAX_DAILY_SPEND", 50_000_000)  # µ$ a UTC day for the whole install; 0: no cap
SELF_SERVICE_TOP_UP = boolean("SELF_SERVICE_TOP_UP", False)
CHROMIUM = text("CHROMIUM")
MODEL_PRICES = model_prices.MODEL_PRICES
REHEARSAL = text("REHEARSAL")  # a sentence for the page: a script builds; `manage.py up` sets it
LOCAL_SANDBOX = text("LOCAL_SANDBOX")  # a sentence for the page: how commands are confined; `up` sets it
REHEARSED_MODEL = environment.rehearsed_model(ANTHROPIC_BASE_URL)  # then a promise may stay unjudged
METRICS_TOKEN = text("METRICS_TOKEN")  # who has it may read /metrics; empty: nobody
