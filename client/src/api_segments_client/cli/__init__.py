"""The command line `api-segments`: one module a group of commands; what `--help` does not need is imported late."""
