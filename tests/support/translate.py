"""Print template.yaml as CloudFormation gets it: what SAM makes of it, as JSON.

Run by the emulator's own interpreter, which has SAM's translator: the project's environment can't have it, as it wants
another pydantic than the functions' layer. Needs neither network nor credentials.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.parser.parser import Parser  # type: ignore[import-not-found]
from samtranslator.translator.translator import Translator  # type: ignore[import-not-found]
from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-not-found]

template = yaml_parse(Path(sys.argv[1]).read_text())
for name, resource in template["Resources"].items():
    for folder in {"CodeUri", "ContentUri"} & set(resource.get("Properties", {})):  # as after packaging
        resource["Properties"][folder] = f"s3://bucket/{name}"
parameters = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
json.dump(Translator({}, Parser()).translate(template, parameters), sys.stdout)
