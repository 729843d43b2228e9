"""Files of users into segments, and segments into files."""
