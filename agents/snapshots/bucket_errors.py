"""The exceptions of an S3 bucket, for `except` clauses in processes that may never use one."""

import sys


def bucket_errors() -> tuple[type[Exception], ...]:
    """They can only be raised once the client is loaded; until then there are none, and it stays unloaded."""
    if "boto3" not in sys.modules:
        return ()
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return (Boto3Error, BotoCoreError, ClientError)
