"""Where things are kept: the only modules that know DynamoDB and EventBridge."""
