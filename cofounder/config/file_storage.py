"""Where files are kept: in an S3 bucket when one is set, in the data directory otherwise."""

from pathlib import Path
from typing import Any


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
        "BACKEND": "cofounder.config.bucket.Bucket",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": folder if folder == "media" else "",
            "endpoint_url": endpoint or None,
            # Without an explicit type a .tar.gz gets ContentEncoding gzip, and clients unpack it silently.
            "object_parameters": {"ContentType": "application/gzip"} if folder == "snapshots" else {},
        },
    }
