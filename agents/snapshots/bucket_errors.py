"""The exceptions of an S3 bucket, for `except` clauses in processes that may never use one."""

import errno
import sys
from http import HTTPStatus

# A storage on this machine that only the operator can make usable.
UNUSABLE = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR, errno.EISDIR}
)
PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS})


def bucket_errors(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """They, and others. They can only be raised once the client is loaded: until then it stays unloaded."""
    if "boto3" not in sys.modules:
        return others
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return (*others, Boto3Error, BotoCoreError, ClientError)


def is_refusal(error: BaseException) -> bool:
    """Whether the storage refuses what it is asked, so that trying again changes nothing."""
    if isinstance(error, OSError):
        return error.errno in UNUSABLE
    from botocore import exceptions

    refused = error if isinstance(error, exceptions.ClientError) else error.__context__
    if isinstance(refused, exceptions.ClientError):
        status = int(refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        return 400 <= status < 500 and status not in PASSING  # all of 4xx
    unusable = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.ParamValidationError,
    )
    return isinstance(error, unusable)
