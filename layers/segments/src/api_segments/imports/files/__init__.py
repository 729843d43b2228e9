"""What files hold: bytes to users and rejected rows, users to part files, and CSV on the way out. No AWS."""
