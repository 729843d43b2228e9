"""What a message says: fields and templates."""
