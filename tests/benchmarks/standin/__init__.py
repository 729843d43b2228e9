"""A stand-in for DynamoDB and EventBridge on the loopback that does the work and counts what it would cost on AWS."""
