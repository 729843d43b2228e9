"""The whole stack on one machine: environments, emulator, deployment, demo."""
