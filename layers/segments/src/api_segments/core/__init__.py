"""What everything stands on: errors, time, settings, limits that clients see, pages of lists."""
