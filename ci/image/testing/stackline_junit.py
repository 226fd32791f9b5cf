"""Writes JUnit XML from the journal of a test run. Any XML parser can read it, whatever the tests print."""

import datetime
import re
import xml.etree.ElementTree as ElementTree

# What XML 1.0 does not allow, even escaped: most control characters, lone surrogates, U+FFFE and U+FFFF.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FAILED = ("failure", "error")


def legal(text):
    """The text, with characters that XML does not allow as Python writes them: \\x00, \\udc80."""
    return ILLEGAL.sub(lambda found: ascii(found.group())[1:-1], text)


def write_report(path, cases):
    """Writes a report with one suite for each class."""
    suites = {}
    for case in cases:
        suites.setdefault(case["class"], []).append(case)
    root = ElementTree.Element("testsuites", counts(cases))
    for name, members in suites.items():
        suite = ElementTree.SubElement(root, "testsuite", attributes(name, members))
        suite.extend(element(case) for case in members)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def counts(cases):
    outcomes = [case["outcome"] for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(outcomes.count("failure")),
        "errors": str(outcomes.count("error")),
        "skipped": str(outcomes.count("skipped")),
        "time": f"{sum(case['seconds'] for case in cases):.3f}",
    }


def attributes(name, cases):
    first = cases[0]
    return {"name": legal(name), **place(first), "timestamp": iso(first["started"]), **counts(cases)}


def place(case):
    return {"file": legal(case["file"])} if case["file"] else {}


def iso(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


def element(case):
    line = {"line": str(case["line"])} if case["line"] else {}
    node = ElementTree.Element(
        "testcase",
        {
            "classname": legal(case["class"]),
            "name": legal(case["name"]),
            **place(case),
            **line,
            "time": f"{case['seconds']:.3f}",
            "timestamp": iso(case["started"]),
        },
    )
    if case["outcome"] != "passed":
        detail = {"type": legal(case["type"]), "message": legal(case["message"])}
        ElementTree.SubElement(node, case["outcome"], detail).text = legal(case["text"])
    if case.get("output"):
        ElementTree.SubElement(node, "system-out").text = legal(case["output"])
    return node
