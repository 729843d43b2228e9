"""What mends: reconciliation, and the replay of records that were given up."""
