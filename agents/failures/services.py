"""Which service outside of the product a failure is about, by the name a founder knows it by."""

import re
from urllib.parse import urlsplit

# Words that stand in a service's addresses, messages, libraries and names of keys.
_KNOWN = (
    ("Stripe", r"stripe"),
    ("OpenAI", r"openai|sk-proj-"),
    ("Anthropic", r"anthropic"),
    ("GitHub", r"github|ghcr\.io"),
    ("GitLab", r"gitlab"),
    ("Bitbucket", r"bitbucket"),
    ("Twilio", r"twilio"),
    ("SendGrid", r"sendgrid"),
    ("Mailgun", r"mailgun"),
    ("Postmark", r"postmark"),
    ("Mailchimp", r"mailchimp|mandrill"),
    ("Resend", r"api\.resend\.com|\bRESEND_|\bresend\b(?= (?:api|key))"),
    ("Gmail", r"smtp\.gmail|gsmtp|\bgmail\b"),
    ("Outlook", r"smtp\.office365|outlook\.com"),
    (
        "Amazon S3",
        r"\bs3\b|s3\.amazonaws|InvalidAccessKeyId|SignatureDoesNotMatch|\b(?:Put|Get|Head)Object\b|ListBuckets",
    ),
    ("Amazon SES", r"\bses\b|email-smtp\.[\w-]+\.amazonaws"),
    (
        "Amazon Web Services",
        r"amazonaws|\bAWS_|\bboto(?:3|core)\b|InvalidClientTokenId|UnrecognizedClientException",
    ),
    ("Google Maps", r"maps\.googleapis|GOOGLE_MAPS"),
    ("Google", r"googleapis|accounts\.google|\bGOOGLE_"),
    ("PayPal", r"paypal"),
    ("Slack", r"slack"),
    ("Discord", r"discord"),
    ("Telegram", r"telegram"),
    ("WhatsApp", r"whatsapp"),
    ("Supabase", r"supabase"),
    ("Firebase", r"firebase"),
    ("Cloudflare", r"cloudflare"),
    ("Heroku", r"heroku"),
    ("Vercel", r"vercel"),
    ("Netlify", r"netlify"),
    ("Render", r"api\.render\.com"),
    ("Docker Hub", r"docker\.io|hub\.docker|pull access denied|pull rate limit"),
    ("Mapbox", r"mapbox"),
    ("Algolia", r"algolia"),
    ("Shopify", r"shopify"),
    ("Airtable", r"airtable"),
    ("Notion", r"notion\.(?:so|com)|\bNOTION_"),
    ("Sentry", r"sentry\.io|SENTRY_"),
    ("Auth0", r"auth0"),
    ("Hugging Face", r"huggingface|hf\.co"),
    ("the package registry npm", r"registry\.npmjs|npmjs\.com|\bnpm (?:ERR!|error)"),
    ("the package index PyPI", r"pypi\.org|pythonhosted|\btwine\b"),
    ("the mail server", r"\bsmtp|\bEAUTH\b|username and password not accepted|nodemailer"),
    ("the database server", r"WRONGPASS|\bNOAUTH\b|password authentication failed|access denied for user"),
)
_PATTERNS = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _KNOWN)
_URL = re.compile(r"\b(?:https?|wss?|ssh|git)://[^\s'\"<>)\]]+|\bgit@([\w.-]+):")
_HOST = re.compile(r"(?:host\w*|getaddrinfo \w+|connect to)[ =:'\"]+((?:[\w-]+\.)+[a-z]{2,})", re.IGNORECASE)
_OWN = re.compile(r"localhost|127\.|0\.0\.0\.0|\[?::1|.*\.localhost")
LONGEST = 4000  # characters of a text that are searched


def service_of(command: str, said: str) -> str:
    """The service that a command is for, or that said this; "" when nothing names one.

    A known one has its name, any other the host of its address. An address in the command decides: what was
    said may hold the address of a help page.
    """
    command, said = command[:LONGEST], said[:LONGEST]
    if host := host_in(command):
        return _known(host) or host
    return _known(said) or host_in(said) or _known(command)


def _known(text: str) -> str:
    return next((name for name, pattern in _PATTERNS if pattern.search(text)), "")


def host_in(text: str) -> str:
    """The first host of an address that is not the product's own."""
    hosts = [*(_host_of(found) for found in _URL.finditer(text)), *(f.group(1) for f in _HOST.finditer(text))]
    return next((host for host in hosts if host and not _OWN.match(host)), "")


def _host_of(found: re.Match[str]) -> str:
    try:
        return found.group(1) or urlsplit(found.group()).hostname or ""
    except ValueError:  # half of an IPv6 address
        return ""
