"""The environment of a function, read once and passed inward."""

import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields


@dataclass(frozen=True)
class Settings:
    """Names of the stack's resources; each field is an environment variable in capitals (template.yaml, Globals)."""

    accounts_table: str
    segments_table: str
    profiles_table: str
    suppressions_table: str
    memberships_table: str
    segment_members_table: str
    update_errors_table: str
    idempotency_table: str
    campaigns_table: str
    imports_table: str
    imports_bucket: str
    import_workflow_arn: str
    import_rows_per_second: str
    import_delay_seconds: str
    purge_queue_url: str
    reconciliation_queue_url: str
    failed_records_queue_url: str
    trigger_queue_url: str
    set_aside_records_queue_url: str
    campaign_queue_url: str
    campaign_queue_arn: str
    campaign_schedule_group: str
    scheduler_role_arn: str
    campaign_messages_per_second: str
    campaign_delay_seconds: str
    message_queue_url: str
    bus_name: str
    mail_configuration_set: str
    # Set on one machine alone: the one origin that webhooks may call without TLS and inside, like http://127.0.0.1:8080.
    webhook_test_origin: str = ""
    # Only `send_messages` has it: the API's address is not known before the functions that it calls.
    public_url: str = ""
    # Only `dashboard` has it: the origin of the links that imports are uploaded at.
    upload_origin: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings; raises LookupError, which names all variables that are missing."""
        variables = {field.name: field.name.upper() for field in fields(cls)}
        needed = [field.name.upper() for field in fields(cls) if field.default is MISSING]
        missing = [variable for variable in needed if variable not in environment]
        if missing:
            raise LookupError(f"not in the environment: {', '.join(missing)}")
        return cls(**{name: environment[variable] for name, variable in variables.items() if variable in environment})
