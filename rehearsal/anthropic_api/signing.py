"""HMAC signatures on thinking and compaction blocks; they carry what the block is bound to and the state."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

# Not a secret: it only identifies what the stand-in itself made, also after a restart.
KEY = b"rehearsal signature"


def sign(payload: Mapping[str, Any]) -> str:
    """An opaque signature that contains the payload."""
    body = base64.b64encode(json.dumps(payload, separators=(",", ":")).encode()).decode()
    return f"{body}.{_mac(body)}"


def read_signature(signature: object) -> Mapping[str, Any] | None:
    """The payload of one of our own signatures, or None for any other."""
    return _read(signature) if isinstance(signature, str) else None


@lru_cache(maxsize=10_000)
def _read(signature: str) -> Mapping[str, Any] | None:
    """A conversation sends all its signatures with every request, so each is decoded only once."""
    body, _, mac = signature.rpartition(".")
    if not hmac.compare_digest(mac.encode(), _mac(body).encode()):
        return None
    try:
        payload = json.loads(base64.b64decode(body))
    except (binascii.Error, ValueError):
        return None
    return payload if isinstance(payload, dict) else None


def text_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _mac(body: str) -> str:
    return hmac.new(KEY, body.encode(), hashlib.sha256).hexdigest()
