"""Checks a report: check.py SCHEMA report.json | check.py report.xml

Ends with a message and status 1 when it breaks its schema, or when its counts
do not add up.
"""

import json
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter

import jsonschema


def check_json(schema, report):
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    jsonschema.validate(report, schema)
    for target in report["targets"]:
        seen = Counter(result["verdict"] for result in target["results"])
        for verdict, count in target["summary"].items():
            assert seen[verdict] == count, (verdict, seen[verdict], count)
        for result in target["results"]:
            for event in result["transcript"]:
                if event["kind"] == "data":
                    kept = len(bytes.fromhex(event["data"]))
                    assert kept == min(event["len"], 512), event


def check_junit(root):
    names = ("tests", "failures", "errors", "skipped")
    children = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    sums = Counter()
    assert root.tag == "testsuites", root.tag
    for suite in root:
        cases = suite.findall("testcase")
        counts = {"tests": len(cases)}
        for name, child in children.items():
            counts[name] = sum(len(case.findall(child)) for case in cases)
        for name in names:
            assert int(suite.get(name)) == counts[name], (name, counts)
            sums[name] += counts[name]
        for case in cases:
            assert case.get("classname") and case.get("name"), case.attrib
            assert float(case.get("time")) >= 0, case.attrib
            assert len(case) <= 1, "several outcomes"
            for outcome in case:
                assert outcome.tag == "system-out" or outcome.get("message")
    for name in names:
        assert int(root.get(name)) == sums[name], (name, sums)


def main():
    if len(sys.argv) == 3:
        with open(sys.argv[1], encoding="utf-8") as schema:
            with open(sys.argv[2], encoding="utf-8") as report:
                check_json(json.load(schema), json.load(report))
    else:
        check_junit(ElementTree.parse(sys.argv[1]).getroot())


main()
