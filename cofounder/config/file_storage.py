"""Where files are kept: in an S3 bucket when one is set, in the data directory otherwise."""

from pathlib import Path
from typing import Any

MEMORY = 5_000_000  # bytes; larger files are read through a temporary file


def storage(folder: str, *, bucket: str, endpoint: str, data_dir: Path) -> dict[str, Any]:
    """Django's settings for the storage of a folder, `media` or `snapshots`."""
    if not bucket:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {
                "location": str(data_dir / folder),
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": folder if folder == "media" else "",
            "endpoint_url": endpoint or None,
            "file_overwrite": False,
            "querystring_auth": True,
            "max_memory_size": MEMORY,
            "client_config": _client(endpoint),
            "transfer_config": _transfer(),
            # Without an explicit type a .tar.gz gets ContentEncoding gzip, and clients unpack it silently.
            "object_parameters": {"ContentType": "application/gzip"} if folder == "snapshots" else {},
        },
    }


def _transfer() -> Any:
    """Each part being sent is held in memory: two of 8 MB are enough; the library's default is ten."""
    from boto3.s3.transfer import TransferConfig

    config = TransferConfig(max_concurrency=2)
    config.max_in_memory_upload_chunks = 2
    return config


def _client(endpoint: str) -> Any:
    """Give up on a storage that does not answer within a minute."""
    from botocore.config import Config

    return Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
        # Only AWS itself has a host name for each bucket.
        s3={"addressing_style": "path" if endpoint else "auto"},
        signature_version="s3v4",
    )
