"""The sandbox provider, through the E2B SDK: creates, lists and ends sandboxes, and raises our errors."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

import e2b
import httpx
import structlog
from django.conf import settings
from django.utils.crypto import salted_hmac

from agents.errors import (
    AgentError,
    NotDone,
    SandboxBusy,
    SandboxError,
    SandboxForbidden,
    SandboxFull,
    SandboxGone,
    SandboxLimit,
    SandboxRefused,
    SandboxRequestRefused,
    SandboxUnreachable,
    SandboxUnsafe,
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Found:
    """A sandbox of this install as the provider lists it."""

    sandbox_id: str
    job_id: str
    project_id: str
    started_at: datetime
    is_paused: bool


def _client() -> e2b.E2B:
    return e2b.E2B(
        api_key=settings.E2B_API_KEY or None,
        api_url=settings.E2B_API_URL or None,
        sandbox_url=settings.E2B_SANDBOX_URL or None,
    )


async def create(project_id: str, job_id: str, *, predecessor: str) -> e2b.AsyncSandbox:
    """Create the job's sandbox after `predecessor`. Idempotent: a repeated call returns the same sandbox."""
    key = hashlib.sha256(f"{job_id} {predecessor}".encode()).hexdigest()
    try:
        with control_plane_errors():
            return await _client().AsyncSandbox.create(
                settings.E2B_TEMPLATE,
                timeout=settings.SANDBOX_LIFETIME_SECONDS,
                metadata={"job": job_id, "project": project_id, "install": _install_id()},
                lifecycle={"on_timeout": "pause"},
                idempotency_key=key,
            )
    except SandboxGone as error:  # what is not found is the template
        raise SandboxRequestRefused from error.__cause__


async def connect(sandbox_id: str) -> e2b.AsyncSandbox | None:
    """Connect to a sandbox, waking it if needed; None when it no longer exists."""
    try:
        try:
            return await _connect(sandbox_id)
        except SandboxRequestRefused:
            # It has run for as long as the provider lets any run. Once paused, it can begin a new life.
            with suppress(SandboxError), control_plane_errors():
                await _client().AsyncSandbox.pause(sandbox_id)
            return await _connect(sandbox_id)
    except SandboxGone:
        return None


async def _connect(sandbox_id: str) -> e2b.AsyncSandbox:
    connect, lifetime = _client().AsyncSandbox.connect, settings.SANDBOX_LIFETIME_SECONDS
    with control_plane_errors():
        try:
            return await connect(sandbox_id, timeout=lifetime)
        except e2b.GuestUnresponsiveException:
            return await connect(sandbox_id, timeout=lifetime, on_resume="reboot")


async def extend(sandbox_id: str) -> None:
    """Keep a running sandbox alive for another lifetime from now.

    Raises `SandboxGone` when it is paused, and `SandboxRequestRefused` when it has lived as long as any may.
    """
    with control_plane_errors():
        await _client().AsyncSandbox.set_timeout(sandbox_id, settings.SANDBOX_LIFETIME_SECONDS)


async def kill(sandbox_id: str) -> None:
    """End a sandbox for good, without waking it. Does nothing if it is already gone."""
    with suppress(SandboxGone), control_plane_errors():
        await _client().AsyncSandbox.kill(sandbox_id)


async def found() -> list[Found]:
    """Every sandbox of this install that exists, running or paused."""
    everything: list[Found] = []
    with control_plane_errors():
        pages = _client().AsyncSandbox.list(query=e2b.SandboxQuery(metadata={"install": _install_id()}))
        while pages.has_next:
            everything += [_found(info) for info in await pages.next_items()]
    return everything


def _found(info: e2b.SandboxInfo) -> Found:
    return Found(
        info.sandbox_id,
        info.metadata.get("job", ""),
        info.metadata.get("project", ""),
        info.started_at,
        info.state == e2b.SandboxState.PAUSED,
    )


def _install_id() -> str:
    """The id that distinguishes our sandboxes from those of other installs with the same API key."""
    return salted_hmac("agents.provider", "install").hexdigest()[:16]


def url_of(host: str) -> str:
    return f"{'http' if _is_local(host) else 'https'}://{host}"


def _is_local(host: str) -> bool:
    """Whether a host is a loopback name or address, or has a port: only E2B's own hosts use TLS."""
    parts = urlsplit(f"//{host}")
    name = parts.hostname or ""
    if parts.port is not None or name == "localhost" or name.endswith(".localhost"):
        return True
    with suppress(ValueError):
        return ip_address(name).is_loopback
    return False


@contextmanager
def control_plane_errors() -> Iterator[None]:
    """Turn what a call of the control plane raises into our errors; the original is kept as the cause."""
    try:
        yield
    except (e2b.NotFoundException, e2b.SandboxNotRunningException) as error:
        raise SandboxGone from error
    except e2b.RateLimitException as error:
        raise SandboxLimit from error
    except e2b.ServiceBusyException as error:
        raise SandboxBusy from error
    except e2b.AuthenticationException as error:
        raise SandboxRefused from error
    except e2b.SandboxException as error:
        raise _BY_STATUS.get(error.status_code or 0, SandboxUnreachable) from error
    except (httpx.TransportError, OSError) as error:
        raise SandboxUnreachable from error
    except Exception as error:  # the answer is not the provider's, or the SDK does not understand it
        log.warning("sandbox.odd_answer", exc_info=True)
        raise SandboxUnreachable from error


# A conflict, which means that the sandbox is changing its state, and all of 5xx are over after a while.
_BY_STATUS: dict[int, type[SandboxError]] = {
    HTTPStatus.BAD_REQUEST: SandboxRequestRefused,
    HTTPStatus.PAYMENT_REQUIRED: SandboxForbidden,
    HTTPStatus.FORBIDDEN: SandboxForbidden,
    HTTPStatus.NOT_FOUND: SandboxGone,
    HTTPStatus.GONE: SandboxGone,
    HTTPStatus.UNPROCESSABLE_ENTITY: SandboxRequestRefused,
    HTTPStatus.NOT_IMPLEMENTED: SandboxUnsafe,
}


@contextmanager
def envd_errors(path: str = "") -> Iterator[None]:
    """Turn what a call into a sandbox raises into our errors; the original is kept as the cause.

    Failed commands and our own errors pass.
    """
    try:
        yield
    except (e2b.CommandExitException, AgentError):
        raise
    except e2b.FileNotFoundException as error:
        raise FileNotFoundError(path) from error
    except (e2b.NotFoundException, e2b.SandboxNotRunningException) as error:
        raise SandboxGone from error
    except e2b.RateLimitException as error:
        raise SandboxBusy from error
    except e2b.NotEnoughSpaceException as error:
        raise SandboxFull from error
    except (e2b.AuthenticationException, e2b.TimeoutException) as error:
        # Also a token of the sandbox that is refused: the next connection brings a new one.
        raise SandboxUnreachable from error
    except e2b.SandboxException as error:
        raise NotDone(f"The sandbox reported an error: {error}") from error
    except (httpx.TransportError, OSError) as error:
        raise SandboxUnreachable from error
    except Exception as error:  # the answer is not envd's, or the SDK does not understand it
        log.warning("sandbox.odd_answer", exc_info=True)
        raise SandboxUnreachable from error
