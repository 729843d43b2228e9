"""Makes what all rooms share: the settings, the database, what is signed or hashed. Once a process."""

from functools import cache

from api_segments.aws import clients
from api_segments.aws.dynamodb import DynamoDB
from api_segments.aws.keyed_hashes import KeyedHashes
from api_segments.aws.signed_tokens import SignedTokens
from api_segments.aws.signing_key import SigningKeyStore
from api_segments.aws.task_queue import TaskQueue
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
def failed_records_queue() -> TaskQueue:
    """Return the queue of what the readers of streams could not work on."""
    return TaskQueue(clients.sqs_client(), settings().failed_records_queue_url)


@cache
def signing_key() -> SigningKeyStore:
    """Return the process's copy of the key that the stack signs with."""
    return SigningKeyStore(db(), settings().accounts_table)


@cache
def signed_tokens() -> SignedTokens:
    """Return what writes and reads the stack's signed tokens."""
    return SignedTokens(signing_key())


@cache
def keyed_hashes() -> KeyedHashes:
    """Return what hashes under the stack's key."""
    return KeyedHashes(signing_key())
