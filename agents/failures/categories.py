"""Classifies failures by their text: who can fix it, and whether another attempt can help.

The patterns match the forms in which tools report failures, with word boundaries: a name in the code that
merely contains such a word (`subscription_page`, `setTimeout(`) does not count.
"""

import re
from enum import StrEnum

from agents.output import with_short_lines


class Category(StrEnum):
    """The first four are never retried and go to the founder at once: another approach cannot help."""

    AUTHENTICATION = "authentication"  # credentials were refused
    PERMISSION = "permission"  # known, but not allowed
    MISSING_CREDENTIALS = "missing_credentials"  # a key or password that was never given
    RATE_LIMIT = "rate_limit"  # a service the product uses accepts no more calls for now
    CODE_ERROR = "code_error"  # what the agent wrote is wrong
    ENV_ERROR = "env_error"  # the environment is at fault: network, packages, disk, ports, servers

    @property
    def is_never_retried(self) -> bool:
        return self not in (Category.CODE_ERROR, Category.ENV_ERROR)


def _any(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def _http(status: int, phrase: str) -> str:
    """A pattern for an HTTP status named as one: a bare number may be a line number or an amount."""
    return (
        rf"\b{status}\b[ :,-]*\(?(?:{phrase})\b"
        rf"|\bHTTP(?:/[\d.]+)?(?: error| status)?(?: code)?[ :=]*{status}\b"
        rf"|\bstatus(?:[ _]?code)?[\"']?[ :=]+{status}\b|\bE{status}\b"
        rf"|\breturned error: {status}\b|\bserver responded with (?:a )?(?:status of )?{status}\b"
    )


# Errors in the code, whatever words its names contain.
_CODE = _any(
    r"\b(?:Name|Reference|Syntax|Indentation|Type|Attribute|Import|UnboundLocal|NoMethod)Error\b",
    r"\bis not defined\b|\bhas no (?:attribute|member|exported member)\b",
    r"\bis not a (?:function|constructor)\b",
    r"\bcannot find (?:name|symbol|value|type|function)\b|\bunexpected (?:token|keyword|indent|identifier)\b",
    r"\bundefined (?:variable|name|reference|method|local)\b|\bundefined: \w|\bundeclared\b",
    r"\bdoes not exist on type\b|\bis not assignable\b|\berror(?:\[E\d+\]| TS\d+)|\bnot declared in\b",
    r"\bno such (?:column|table)\b",
    r"\b(?:relation|column|table) \S+ (?:of relation \S+ )?does(?:n't| not) exist\b",
    r"\bsyntax error\b|\bunknown column\b|\bviolates [\w-]+(?: [\w-]+)? constraint\b",
)
# Test assertions: a 401 in one may be what the test expects.
_ASSERTION = _any(r"\bAssertionError\b|^E?\s*assert\b|^\s*(?:Expected|Received)\b|\bexpected\b.*\bto\b")
# Servers inside the sandbox: the agent controls access to them.
_LOCAL = _any(r"\blocalhost\b|\b127\.0\.0\.1\b|\[?::1\]?(?![\w:])|\b0\.0\.0\.0\b|/\.s\.PGSQL\.|on socket\b")
# Refusals the agent can fix: a mode bit, a system directory, a port below 1024, sudo without a terminal.
_OWN_PERMISSION = _any(
    r"^\S*sh: (?:line )?(?:\d+: )?\S+: permission denied",
    r"(?:EACCES|Errno 13\]|permission denied)[^\n]*['\"]/(?:usr|opt|var/lib|root/\.npm|lib)\b",
    r"\blisten EACCES\b|\bbind\b[^\n]*permission denied|\bpermission denied:? \S*:\d+$",
    r"\bsudo: (?:a terminal|a password) is required",
    r"\b(?:docker|dockerd)\b[^\n]*\bpermission denied",
)
_KEY_NAME = (
    r"(?!(?:SECRET|PRIMARY|FOREIGN|ENCRYPTION|DJANGO|FLASK|APP|SESSION|JWT|CSRF|AUTH|NEXTAUTH|COOKIE|RAILS|DATABASE|DB|POSTGRES|REDIS|MYSQL)_)"
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*_(?:API_?KEY|ACCESS_KEY(?:_ID)?|SECRET_KEY|SECRET|AUTH_TOKEN|TOKEN|APIKEY|KEY|"
    r"CLIENT_ID|ACCOUNT_SID|PASSWORD|CREDENTIALS)"
)
_MISSING_CREDENTIALS = re.compile(
    rf"\b(?:(?i:KeyError|fetch_key|NotPresent|KeyNotFound))\b[^\n]*\b{_KEY_NAME}\b"
    rf"|\b{_KEY_NAME}\b(?i:[^\n]*\b(?:(?:is|was|are|be) (?:not set|missing|required|empty|undefined|provided)"
    r"|not (?:set|found|configured|provided|defined)|missing|required|must be)\b)"
    rf"|(?i:\b(?:missing|required|no|set|provide|unset)\b[^\n]{{0,60}})\b{_KEY_NAME}\b"
    r"|(?i:\bno (?:api[ _-]?key|credentials|authentication token|access token)\b[^\n]*"
    r"(?:provided|found|supplied|given|set|configured)?)"
    r"|(?i:\bmissing (?:required )?(?:api[ _-]?key|credentials|access token|authentication token)\b)"
    r"|(?i:\b(?:unable to locate|could not (?:find|load)(?: the)?(?: default)?) credentials\b)"
    r"|\bNoCredentials(?:Error|Provider)?\b|\bENEEDAUTH\b|\bCredentialsNotFound\b"
    r"|(?i:\bcould not read (?:username|password) for\b)"
    r"|(?i:\bapi_key(?: client option)? must be set\b)"
    r"|(?i:\bdid(?:n't| not) provide an api[ _-]?key\b)"
    r"|(?i:\bthis command requires you to be logged in\b|\bplease (?:run \S+ login|log ?in)\b)"
)
_AUTHENTICATION = _any(
    _http(401, r"unauthori[sz]ed|client error|authorization"),
    r"\bunauthori[sz]ed\b(?! \w+ (?:field|column))|\bunauthenticated\b",
    r"\b(?:invalid|incorrect|expired|bad|wrong|revoked)[ _](?:x-)?(?:api[ _-]?key|access[ _-]?token|"
    r"auth\w*[ _-]?token|credentials?|client secret|username or password|password)\b",
    r"\bapi key (?:expired|not valid|is invalid|has been revoked)\b",
    r"\binvalid_(?:api_key|grant|client|auth)\b",
    r"\bauthentication (?:failed|error|required|unsuccessful)\b|\bfailed to authenticate\b",
    r"\bAuthentication(?:Error|Failed|Exception)\b",
    r"\bcould not authenticate\b|\blogin (?:failed|incorrect)\b|\baccess denied for user\b",
    r"\b(?:InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken(?:Exception)?|InvalidClientTokenId|UnrecognizedClientException)\b",
    r"\bpermission denied \([\w,-]*(?:publickey|password)[\w,-]*\)|\bhost key verification failed\b",
    r"\bEAUTH\b|\busername and password not accepted\b|\b(?:WRONGPASS|NOAUTH)\b|\brequires authentication\b",
)
_RATE_LIMIT = _any(
    _http(429, r"too many requests|client error"),
    r"\btoo ?many ?requests\b|\brate[ -]?limit(?:ed|s)?(?: \w+)? (?:exceeded|reached|hit)\b|\brate limited\b",
    r"\bexceeded (?:a |the |your )?(?:\w+ )?rate limit\b|\brate_limit_(?:exceeded|error)\b",
    r"\bRateLimit(?:Error|Exceeded)\b",
    r"(?<!disk )\bquota (?:\w+ )?exceeded\b|\bexceeded your (?:current )?quota\b|\binsufficient_quota\b",
    r"\bRESOURCE_EXHAUSTED\b|\bThrottlingException\b|\breached your (?:unauthenticated )?pull rate limit\b",
)
_PERMISSION = _any(
    _http(403, r"forbidden|client error|permission"),
    r"\bpermission denied\b|\bPERMISSION_DENIED\b|\bPermissionError\b|\bPermissionDenied(?:Error)?\b",
    r"\bEACCES\b|\bEPERM\b|\boperation not permitted\b|\bAccessDenied(?:Exception)?\b",
    r"\baccess (?:is |was )?denied\b",
    r"\binsufficient (?:\w+ )?(?:permissions?|scopes?|privileges?)\b|\bnot authorized to\b",
    r"\bmust be owner of\b",
    r"\bpermission to \S+ denied\b|\bresource not accessible by\b|(?:^|[:-] *)forbidden\b(?!_)",
    r"\bdo(?:es)? not have (?:the )?(?:required )?permissions?\b",
    r"\brequested access to the resource is denied\b",
)
_ENVIRONMENT = _any(
    # the network
    r"\bE(?:CONNREFUSED|CONNRESET|TIMEDOUT|NOTFOUND|AI_AGAIN|HOSTUNREACH|NETUNREACH|SOCKETTIMEDOUT|PIPE)\b",
    r"\bcould not resolve (?:host|proxy)|\bcouldn't resolve host\b|\bname or service not known\b",
    r"\btemporary failure (?:in name resolution|resolving)\b|\bgetaddrinfo\b|\bno address associated\b",
    r"\bconnection (?:was )?(?:refused|reset|timed out|aborted|closed)\b|\bconnection to \S+ .*failed\b",
    r"\bfailed to connect\b|\bcould not connect\b|\bcan't connect to\b|\bnetwork is unreachable\b",
    r"\bno route to host\b",
    r"\bread timed out\b|\bi/o timeout\b|\boperation timed out\b|\bTLS handshake timeout\b|\bearly EOF\b",
    r"\bcertificate verify failed\b|\b(?:unable to get local issuer|self[- ]signed) certificate\b",
    r"\bSSL_ERROR\w*\b",
    r"\bremote end hung up\b|\bNewConnectionError\b|\bMaxRetryError\b",
    r"\b(?:502 Bad Gateway|503 Service Unavailable|504 Gateway)\b",
    # the machine
    r"\bno space left on device\b|\bENOSPC\b|\bdisk quota exceeded\b|\bEDQUOT\b",
    r"\bread-only file system\b|\bEROFS\b",
    r"\bout of memory\b|\bMemoryError\b|\bcannot allocate memory\b|\bENOMEM\b|\bheap out of memory\b",
    r"^killed$|\boom[- ]?kill",
    r"\bEADDRINUSE\b|\baddress already in use\b|\bport \d+ is (?:already )?in use\b",
    r"\bport is already allocated\b",
    r"\btoo many open files\b|\bEMFILE\b|\bno usable sandbox\b|\bexec format error\b",
    r"\bGLIBC\w* not found\b|`GLIBC",
    # programs and packages
    r"\bcommand not found\b|: not found$|\bENOENT\b.*\bspawn\b|\bspawn \S+ ENOENT\b|\bis not recognized as\b",
    r"\bModuleNotFoundError\b|\bno module named\b|\bcannot find (?:module|package)\b|\bcan't resolve '[^./]",
    r"\bcannot open shared object file\b|\bno matching distribution found\b",
    r"\bcould not find a version that satisfies\b",
    r"\bERESOLVE\b|\bnpm (?:ERR!|error) 404\b|\bE404\b|\bETARGET\b|\bEBADENGINE\b|\bEBADPLATFORM\b",
    r"\bEINTEGRITY\b|\bnotarget\b|\bENOVERSIONS\b",
    r"\bunable to locate package\b|\bhas no installation candidate\b|\bhas unmet dependencies\b",
    r"\bcould not get lock\b",
    r"\bfatal error: \S+\.h(?:pp)?: No such file\b|\bpg_config executable not found\b",
    r"\blinker `?\S+ not found\b",
    r"\bexternally-managed-environment\b|\bResolutionImpossible\b|\bconflicting dependencies\b",
    r"\bcannot find -l\w+\b",
    r"\brequires (?:a different )?(?:python|node)\b|\bunsupported engine\b|\bgcc' failed\b",
    r"\bfailed building wheel\b",
    r"\bsubprocess-exited-with-error\b|\bnode-gyp\b.*\bERR\b|\bno package '[^']+' found\b",
    r"\bLoadError: cannot load\b",
    r"\bexecutable doesn't exist at\b|\bcannot find (?:chrome|a version of)\b",
    r"\bgo: .*: no required module provides\b",
    # servers of its own
    r"\bis the server running\b|\bthe database system is (?:starting up|shutting down)\b",
    r"\bdatabase is locked\b",
    r"\bremaining connection slots\b|\btoo many (?:clients|connections)\b",
    r"\bserver closed the connection unexpectedly\b",
    r"\bunable to (?:create|lock) .*\.lock\b|\bcannot connect to the docker daemon\b",
    r"\brole \S+ does not exist\b",
    r"\bdatabase \S+ does not exist\b|\bunknown database\b",
)
_ENVIRONMENT_TYPES = frozenset({"timeout", "disk_full", "command_not_found", "sandbox_error"})
_FOUNDERS = (
    (Category.MISSING_CREDENTIALS, _MISSING_CREDENTIALS),
    (Category.RATE_LIMIT, _RATE_LIMIT),
    (Category.AUTHENTICATION, _AUTHENTICATION),
    (Category.PERMISSION, _PERMISSION),
)


def categorise(error_type: str, message: str) -> Category:
    """The category of a failure. `error_type` is a tool's error type, or the name of an exception."""
    if error_type in set(Category):
        return Category(error_type)
    lines = [line.strip() for line in with_short_lines(message).splitlines() if line.strip()]
    if error_type[:1].isupper():
        lines = [f"{error_type}: {lines[0] if lines else ''}", *lines[1:]]
    if found := _founders(lines, is_of_shell=error_type == "command_not_found"):
        return found
    if error_type in _ENVIRONMENT_TYPES or any(map(_is_environment, lines)):
        return Category.ENV_ERROR
    return Category.CODE_ERROR


def _founders(lines: list[str], *, is_of_shell: bool) -> Category | None:
    telling = [line for line in lines if not any(shape.search(line) for shape in (_CODE, _ASSERTION, _LOCAL))]
    for category, pattern in _FOUNDERS:
        for line in telling:
            if pattern.search(line) and not (
                category == Category.PERMISSION and (is_of_shell or _OWN_PERMISSION.search(line))
            ):
                return category
    return None


def _is_environment(line: str) -> bool:
    if _ASSERTION.search(line):
        return False
    if _OWN_PERMISSION.search(line) or _is_local_refusal(line):
        return True
    found = _ENVIRONMENT.search(line)
    return found is not None and (not _CODE.search(line) or _is_import(found.group()))


def _is_local_refusal(line: str) -> bool:
    """Whether a server inside the sandbox refused: the agent itself sets its users and passwords."""
    return bool(_LOCAL.search(line)) and bool(_AUTHENTICATION.search(line) or _PERMISSION.search(line))


def _is_import(text: str) -> bool:
    """Whether it is an import error, which in Python and Node means a package that is not installed."""
    return re.search(r"(?i)module|shared object|package|can't resolve", text) is not None
