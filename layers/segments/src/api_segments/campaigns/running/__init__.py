"""Whose message is queued when: the walk of an offline campaign, the triggers of an online one."""
