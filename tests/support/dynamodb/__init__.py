"""A DynamoDB in memory, behind the methods of boto3's low-level client that the stores call.

One call is one atomic step, there are no threads inside, and time is the caller's. It keeps AWS's rules as far as the
stores can notice them (tests/simulation/test_conformance.py holds it against the emulators): conditions and the items
found, keys named twice, overlapping paths, sets that vanish when empty, sizes of items and batches, tokens of
transactions, and stream records, none for an unchanged item. It knows no capacity, reserved words or lagging indexes.
"""

from tests.support.dynamodb.client import InMemoryDynamoDB

__all__ = ["InMemoryDynamoDB"]
