"""What people see in a browser, and the API's description."""
