"""What happens: one module a concern. Services know no AWS event and no HTTP status."""
