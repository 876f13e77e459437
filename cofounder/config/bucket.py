"""The S3 bucket that holds files. Named by its path in the settings, so that a process without a use for it
loads no S3 client."""

from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from storages.backends.s3 import S3Storage

MEMORY = 5_000_000  # bytes; larger files are read through a temporary file


class Bucket(S3Storage):  # type: ignore[misc]  # django-storages has no types
    """Bounded memory and time, whatever the bucket does."""

    def __init__(self, *, endpoint_url: str | None, **options: Any) -> None:
        super().__init__(
            endpoint_url=endpoint_url,
            file_overwrite=False,
            querystring_auth=True,
            max_memory_size=MEMORY,
            client_config=_client(is_own_server=bool(endpoint_url)),
            transfer_config=_transfer(),
            **options,
        )


def _transfer() -> TransferConfig:
    """Each part being sent is held in memory: two of 8 MB are enough; the library's default is ten."""
    config = TransferConfig(max_concurrency=2)
    config.max_in_memory_upload_chunks = 2
    return config


def _client(*, is_own_server: bool) -> Config:
    """Give up on a storage that does not answer within a minute."""
    return Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": 3},
        # Only AWS itself has a host name for each bucket.
        s3={"addressing_style": "path" if is_own_server else "auto"},
        signature_version="s3v4",
    )
