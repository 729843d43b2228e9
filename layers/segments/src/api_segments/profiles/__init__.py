"""What is known of users, and which channels reach them."""
