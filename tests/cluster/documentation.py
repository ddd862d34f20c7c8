"""What the documentation says that a service account needs: the tests grant this and no more."""

import pathlib
import re

import yaml

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PAGE = DOCS / "configuration.md"


def blocks(section, page):
    """The YAML of a section of a page, parsed."""
    text = page.read_text()
    begin = re.search(rf"^#{{2,3}} {section}$", text, re.MULTILINE)
    assert begin, f"{page} has no section {section}"
    rest = text[begin.end():]
    end = re.search(r"^#{2,3} ", rest, re.MULTILINE)
    found = re.findall(r"^```yaml\n(.*?)^```", rest[: end.start() if end else None], re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(block) for block in found]


def rules(section, page=PAGE):
    """The rules of the role: of a whole ClusterRole or Role, or listed alone."""
    found = []
    for block in blocks(section, page):
        if isinstance(block, dict) and block.get("kind") in ("ClusterRole", "Role"):
            found += block["rules"]
        elif isinstance(block, list):
            found += [rule for rule in block if isinstance(rule, dict) and "verbs" in rule]
    assert found, f"section {section} of {page} has no rules"
    return found
