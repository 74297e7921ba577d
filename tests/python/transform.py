"""Prints a SAM template as CloudFormation would get it, without asking AWS anything: transform.py TEMPLATE."""

import json
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """No function names a policy of Amazon's by its short name."""

    def load(self):
        return {}


with open(sys.argv[1], encoding="utf-8") as file:
    template = yaml_parse(file)
defaults = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
for resource in template["Resources"].values():
    if resource["Type"] == "AWS::Serverless::Function":
        # What `sam build` and `sam deploy` make of a folder.
        resource["Properties"]["CodeUri"] = "s3://bucket/" + resource["Properties"]["CodeUri"]
json.dump(transform(template, defaults, NoManagedPolicies()), sys.stdout)
