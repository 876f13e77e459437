"""Which exceptions a bucket's client raises."""

import subprocess
import sys

from botocore.exceptions import ClientError, EndpointConnectionError

from agents.snapshots.bucket_errors import bucket_errors


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
