"""What an object store's answers mean: its codes, and tsflow's errors in place of boto's, which say what to do."""

import contextlib
from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from tsflow.errors import IntegrityError, StorageDenied, StorageUnavailable
from tsflow.texts import without_passwords

ABSENT = {"NoSuchKey", "404", "NotFound"}
UNCHANGED = {"304", "NotModified"}
TAKEN = {"PreconditionFailed", "412"}
BUSY = {"ConditionalRequestConflict", "OperationAborted", "409"}  # two writers at the same moment: S3 asks to try again
_DENIED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket", "403"}


class ObjectMissing(IntegrityError):
    """An object that another one names is not there."""


def code_of(error: ClientError) -> str:
    """Return the code of a store's refusal."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


@contextlib.contextmanager
def explained(endpoint_url: str | None, address: str) -> Iterator[None]:
    """Turn boto's errors into tsflow's; `address`: of what was asked for."""
    where = f"object store {without_passwords(endpoint_url or 'AWS')}, {address}"
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError) as error:
        msg = f"{where}: no keys given; set TSFLOW_OBJECT_STORE__ACCESS_KEY_ID and __SECRET_ACCESS_KEY"
        raise StorageDenied(msg) from error
    except ClientError as error:
        code = code_of(error)
        if code in ABSENT:
            msg = f"{address}: no such object"
            raise ObjectMissing(msg) from error
        if code in _DENIED:
            msg = f"{where}: refused ({code}); check the keys and the bucket in TSFLOW_OBJECT_STORE__*"
            raise StorageDenied(msg) from error
        msg = f"{where}: failed ({code}: {error}); see the store's log, and whether its disk is full"
        raise StorageUnavailable(msg) from error
    except BotoCoreError as error:
        reason = without_passwords(str(error))
        remedy = "start it (`tsflow up` starts the one that is built in), or correct TSFLOW_OBJECT_STORE__ENDPOINT_URL"
        msg = f"{where}: not reachable ({reason}); {remedy}"
        raise StorageUnavailable(msg) from error
