"""From a queued message to its end; opting out."""
