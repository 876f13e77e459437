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
from django.conf import settings
from django.utils.crypto import salted_hmac

from agents.errors import (
    NotDone,
    SandboxBusy,
    SandboxFull,
    SandboxGone,
    SandboxRefused,
    SandboxUnreachable,
    SandboxUnsafe,
)


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
    with our_errors():
        return await _client().AsyncSandbox.create(
            settings.E2B_TEMPLATE,
            timeout=settings.SANDBOX_LIFETIME_SECONDS,
            metadata={"job": job_id, "project": project_id, "install": _install_id()},
            lifecycle={"on_timeout": "pause"},
            idempotency_key=key,
        )


async def connect(sandbox_id: str) -> e2b.AsyncSandbox | None:
    """Connect to a sandbox, waking it if needed; None when it no longer exists."""
    connect = _client().AsyncSandbox.connect
    lifetime = settings.SANDBOX_LIFETIME_SECONDS
    try:
        with our_errors():
            try:
                return await connect(sandbox_id, timeout=lifetime)
            except e2b.GuestUnresponsiveException:
                return await connect(sandbox_id, timeout=lifetime, on_resume="reboot")
    except SandboxGone:
        return None


async def extend(sandbox_id: str) -> None:
    """Keep a running sandbox alive for another lifetime from now. Raises `SandboxGone` when it is paused."""
    with our_errors():
        await _client().AsyncSandbox.set_timeout(sandbox_id, settings.SANDBOX_LIFETIME_SECONDS)


async def kill(sandbox_id: str) -> None:
    """End a sandbox for good, without waking it. Does nothing if it is already gone."""
    with our_errors():
        await _client().AsyncSandbox.kill(sandbox_id)


async def found() -> list[Found]:
    """Every sandbox of this install that exists, running or paused."""
    everything: list[Found] = []
    with our_errors():
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
def our_errors(path: str = "") -> Iterator[None]:
    """Turn the SDK's exceptions into ours; the original is kept as the cause."""
    try:
        yield
    except e2b.CommandExitException:
        raise
    except e2b.FileNotFoundException as error:
        raise FileNotFoundError(path) from error
    except (e2b.NotFoundException, e2b.SandboxNotRunningException) as error:
        raise SandboxGone from error
    except (e2b.ServiceBusyException, e2b.RateLimitException) as error:
        raise SandboxBusy from error
    except e2b.NotEnoughSpaceException as error:
        raise SandboxFull from error
    except e2b.AuthenticationException as error:
        raise SandboxRefused from error
    except (e2b.TimeoutException, httpx.TransportError, ConnectionError, TimeoutError) as error:
        raise SandboxUnreachable from error
    except e2b.SandboxException as error:
        if error.status_code == HTTPStatus.NOT_IMPLEMENTED:
            raise SandboxUnsafe(str(error)) from error
        raise NotDone(f"The sandbox reported an error: {error}") from error
