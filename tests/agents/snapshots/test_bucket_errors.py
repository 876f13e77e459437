"""Which exceptions a bucket's client raises."""

import errno
import subprocess
import sys
from typing import Any

import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from agents.snapshots.bucket_errors import bucket_errors, is_refusal


def test_a_refusal_and_a_lost_connection_are_among_them() -> None:
    import boto3  # noqa: F401  # once the client is loaded

    assert issubclass(ClientError, bucket_errors())
    assert issubclass(EndpointConnectionError, bucket_errors())


def test_without_the_client_there_are_none_and_it_stays_unloaded() -> None:
    code = (
        "import sys; from agents.snapshots.bucket_errors import bucket_errors\n"
        "assert bucket_errors() == (); assert 'botocore' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


def answered(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "PutObject")


def wrapped(error: Exception) -> Exception:
    """As boto3 raises it for an upload."""
    try:
        try:
            raise error
        except ClientError:
            raise S3UploadFailedError("Failed to upload") from None
    except S3UploadFailedError as failed:
        return failed


@pytest.mark.parametrize(
    ("error", "refuses"),
    [
        (answered("NoSuchBucket", 404), True),
        (answered("AccessDenied", 403), True),
        (answered("InvalidAccessKeyId", 403), True),
        (wrapped(answered("NoSuchBucket", 404)), True),
        (NoCredentialsError(), True),
        (answered("SlowDown", 503), False),
        (answered("RequestTimeout", 408), False),
        (EndpointConnectionError(endpoint_url="http://nowhere.invalid"), False),
        (OSError(errno.EACCES, "Permission denied"), True),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.ETIMEDOUT, "Timed out"), False),
    ],
)
def test_what_only_the_operator_can_mend_is_told_from_what_passes(error: Exception, refuses: bool) -> None:
    assert is_refusal(error) == refuses
