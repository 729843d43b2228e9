"""Tenants: accounts, passcodes, plans, usage."""
