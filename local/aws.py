"""AWS clients of the emulator that neither read nor need anything of the user's AWS configuration."""

import os

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES as VARIABLES

from local.environment import ACCESS_KEY, REGION

CLIENT = Config(
    proxies={}, max_pool_connections=32, connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 3}
)
"""For every client: straight to the emulator, whatever proxy the environment names."""


def session() -> boto3.Session:
    """Return a session with dummy credentials in which no environment variable and no file has a say."""
    own = {name: (None, None, default, convert) for name, (_, _, default, convert) in VARIABLES.items()}
    own["config_file"] = own["credentials_file"] = (None, None, os.devnull, None)
    own["ignore_configured_endpoint_urls"] = (None, None, True, None)
    core = botocore.session.Session(session_vars=own)
    core.set_default_client_config(CLIENT)
    return boto3.Session(
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=ACCESS_KEY,
        region_name=REGION,
        botocore_session=core,
    )
