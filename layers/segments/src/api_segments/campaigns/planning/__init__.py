"""Create, estimate, list and stop campaigns; what an account declares for them."""
