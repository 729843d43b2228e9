"""AWS: clients, DynamoDB's calls, keys of all tables, queues, the bus. Nothing else imports the SDK."""
