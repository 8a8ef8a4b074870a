"""Who may do what at the store's S3: three identities, each with keys of its own.

Actions: https://github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API
"""

import json
from dataclasses import dataclass

from pydantic import SecretStr

ADMIN, WRITER, READER = "admin", "writer", "reader"


@dataclass(frozen=True)
class Keys:
    """An access key and its secret."""

    access_key_id: SecretStr
    secret_access_key: SecretStr


def identities(bucket: str, *, admin: Keys, writer: Keys, reader: Keys) -> str:
    """Return SeaweedFS's file of identities: one makes the bucket, one works in it, one reads it."""
    allowed = {
        ADMIN: (admin, ["Admin"]),
        WRITER: (writer, [f"{action}:{bucket}" for action in ("Read", "Write", "List", "Tagging")]),
        READER: (reader, [f"{action}:{bucket}" for action in ("Read", "List")]),
    }
    return json.dumps({"identities": [_identity(name, keys, actions) for name, (keys, actions) in allowed.items()]})


def _identity(name: str, keys: Keys, actions: list[str]) -> dict[str, object]:
    plain = {"accessKey": keys.access_key_id.get_secret_value(), "secretKey": keys.secret_access_key.get_secret_value()}
    return {"name": name, "credentials": [plain], "actions": actions}
