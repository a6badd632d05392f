"""What object storage refuses, told to a person: which place, why, and what to do about it.

The number of the system's error that comes closest stands behind each, by which `nstcore.failures` knows its nature:
what is disturbed is tried again, what a person has to mend is not.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator

from nstcore.errors import InputError, OutputError, StyleTransferError, one_line
from pipeline.storage.places import RemotePath

_CREDENTIALS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to those of that storage"
_RIGHTS = "check the bucket's policy: objects are read, written, listed and removed there"
_AGAIN = "run again in a while"

# By the server's code: the nearest error of the system, and what helps.
_KNOWN = {
    "NoSuchBucket": (errno.ENOENT, "make the bucket first, or name another"),
    "AccessDenied": (errno.EACCES, _RIGHTS),
    "AllAccessDisabled": (errno.EACCES, _RIGHTS),
    "403": (errno.EACCES, _RIGHTS),
    "InvalidAccessKeyId": (errno.EACCES, _CREDENTIALS),
    "SignatureDoesNotMatch": (errno.EACCES, _CREDENTIALS),
    "ExpiredToken": (errno.EACCES, "log in anew: the credentials have expired"),
    "InvalidToken": (errno.EACCES, _CREDENTIALS),
    "RequestTimeTooSkewed": (errno.EPERM, "set this machine's clock: S3 allows it to be a quarter of an hour off"),
    "PermanentRedirect": (errno.EPERM, "set AWS_REGION to the bucket's"),
    "AuthorizationHeaderMalformed": (errno.EPERM, "set AWS_REGION to the bucket's"),
    "InvalidBucketName": (errno.EINVAL, "name a bucket as S3 allows: lower case, digits, hyphens"),
    "KeyTooLongError": (errno.ENAMETOOLONG, "choose a shorter prefix"),
    "QuotaExceeded": (errno.EDQUOT, "make room there, or name another place"),
    "XMinioStorageFull": (errno.ENOSPC, "make room there, or name another place"),
}
_DISTURBED = {"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout", "500", "502", "503", "504"}


@contextlib.contextmanager
def told(place: RemotePath, deed: str) -> Iterator[None]:
    """Let what goes wrong with an object be one error that names it.

    Args:
        deed: what it "cannot be".

    Raises:
        InputError: if it cannot be read or looked at; `OutputError` for any other deed.
        FileNotFoundError: as it is: there is no such object.
    """
    try:
        yield
    except StyleTransferError:
        raise
    except Exception as error:
        if isinstance(error, FileNotFoundError) and code_of(error) != "NoSuchBucket":
            raise
        number, reason, advice = _reason(error, place)
        if not number:
            raise  # a fault of ours, or of the library's
        behind = OSError(number, reason)
        behind.__cause__ = error
        kind = InputError if deed in ("read", "looked at") else OutputError
        raise kind(one_line(f"{os.fspath(place)}: cannot be {deed} ({reason}); {advice}")) from behind


def code_of(error: BaseException | None) -> str:
    """The server's word for what went wrong; "" if it did not answer."""
    while error is not None:
        if isinstance(response := getattr(error, "response", None), dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""


def _reason(error: Exception, place: RemotePath) -> tuple[int, str, str]:
    code = code_of(error)
    if code in _KNOWN:
        number, advice = _KNOWN[code]
        reason = f"there is no bucket {place.bucket}" if code == "NoSuchBucket" else f"the server says {code}"
        return number, reason, advice
    if code:
        if code in _DISTURBED:
            return errno.EAGAIN, f"the server says {code}", _AGAIN
        return errno.EPERM, f"the server says {code}: {one_line(error)}", "check the address and the credentials"
    return _without_answer(error)


def _without_answer(error: Exception) -> tuple[int, str, str]:
    from botocore import exceptions

    no_credentials = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.ProfileNotFound,
        exceptions.TokenRetrievalError,
        exceptions.UnauthorizedSSOTokenError,
    )
    if isinstance(error, no_credentials):
        return errno.EACCES, "no credentials", _CREDENTIALS
    if isinstance(error, exceptions.ParamValidationError | exceptions.InvalidEndpointDiscoveryConfigurationError):
        return errno.EINVAL, one_line(error), "check the address"
    if isinstance(error, exceptions.BotoCoreError | OSError | TimeoutError):
        says = one_line(error) or type(error).__name__
        return errno.ETIMEDOUT, says, "see that its server answers (AWS_ENDPOINT_URL says which one), and run again"
    if isinstance(error, ValueError) and "endpoint" in str(error).lower():
        return errno.EINVAL, one_line(error), "check AWS_ENDPOINT_URL"
    return 0, "", ""
