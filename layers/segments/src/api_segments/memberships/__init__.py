"""Who is in which segment: updates, the readers of their stream, counts, member lists, purges."""
