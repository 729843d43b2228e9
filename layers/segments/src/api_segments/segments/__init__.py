"""Segments: create, rename, list, delete; the events in their life."""
