"""Makes what all rooms share: the settings, the database, the signing key. Once a process."""

from functools import cache

from api_segments.aws import clients
from api_segments.aws.dynamodb import DynamoDB
from api_segments.aws.signing_key import SigningKeyStore
from api_segments.core.settings import Settings


@cache
def settings() -> Settings:
    """Return the function's settings."""
    return Settings.from_environment()


@cache
def db() -> DynamoDB:
    """Return the process's database."""
    return DynamoDB(clients.dynamodb_client())


@cache
def signing_key() -> SigningKeyStore:
    """Return the key that the stack signs with."""
    return SigningKeyStore(db(), settings().accounts_table)
