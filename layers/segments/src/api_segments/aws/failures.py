"""What calls of AWS raise: the SDK's errors, under one name, so that only this room knows the SDK."""

from botocore.exceptions import BotoCoreError, ClientError

CALL_FAILED = (ClientError, BotoCoreError)
"""AWS refused a call, or did not answer it."""


def failure_code(error: ClientError | BotoCoreError) -> str | None:
    """Return the code with which AWS refused a call, None if it did not answer."""
    return error.response["Error"]["Code"] if isinstance(error, ClientError) else None
