"""The exceptions of an S3 bucket, for `except` clauses in processes that may never use one."""

import sys


def bucket_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """They, and others. They can only be raised once the client is loaded: until then it stays unloaded."""
    if "boto3" not in sys.modules:
        return others
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return (*others, Boto3Error, BotoCoreError, ClientError)
