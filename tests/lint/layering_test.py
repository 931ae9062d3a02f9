"""Fails on an #include or a CMake dependency that points against the arrows between the folders.

The arrows are those of docs/architecture.md, "Folders". Usage: layering_test.py [ROOT]
"""

import pathlib
import re
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else __file__ + "/../../..").resolve()

# What each folder may include of ours, besides itself.
ARROWS = {
    "protocol": set(),
    "persistence": {"protocol"},
    "actors": {"protocol", "persistence"},
    "gateway": {"protocol", "actors"},
    "sandbox": {"protocol"},
    "app": {"protocol", "persistence", "actors", "gateway", "sandbox"},
    "bench": {"protocol", "persistence", "actors", "gateway", "sandbox", "app"},
    "tests": {"protocol", "persistence", "actors", "gateway", "sandbox", "app", "bench"},
}
# The folder that may include CAF beside actors/, bench/, tests/ and app/.
CAF_MESSAGES = "protocol/messages/"
NO_CAF = {"protocol", "persistence", "gateway", "sandbox"}
# No I/O, no clock and no threads among the rules.
NOT_IN_PROTOCOL = re.compile(
    r"(thread|mutex|condition_variable|future|atomic|chrono|ctime|time\.h|random|iostream|fstream"
    r"|filesystem|httplib\.h|curl/.*|sqlite3\.h|pqxx/.*|spdlog/.*|sys/.*|unistd\.h)$")
# Targets and the folder each of them is.
TARGETS = {
    "welkin_protocol": "protocol", "welkin_persistence": "persistence", "welkin_actors": "actors",
    "welkin_gateway": "gateway", "welkin_sandbox": "sandbox", "welkin_tools": "app",
    "welkin_app": "app",
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def violations_of_includes(root):
    found = []
    for folder, allowed in ARROWS.items():
        for path in sorted((root / folder).rglob("*.[ch]pp")):
            name = path.relative_to(root).as_posix()
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
                match = INCLUDE.match(line)
                if match:
                    what = judge(root, folder, allowed, name, *match.groups())
                    if what:
                        found.append(f"{name}:{number}: {what}")
    return found


def judge(root, folder, allowed, name, quote, included):
    """What is wrong with one include, or None."""
    if re.match(r"caf(/|$)", included) and folder in NO_CAF and not name.startswith(CAF_MESSAGES):
        return f"{folder}/ knows no CAF, and includes {included}"
    target = included.split("/")[0]
    if quote == '"':
        if not (root / included).is_file():
            return f"{included} is not a file seen from the root"
    elif target not in ARROWS or "/" not in included:
        if folder == "protocol" and NOT_IN_PROTOCOL.match(included):
            return f"protocol/ has no I/O, clock or threads, and includes {included}"
        return None
    if target == folder or target in allowed:
        return None
    return f"{folder}/ may not know {target}/, and includes {included}"


def violations_of_dependencies(root):
    found = []
    for folder, allowed in ARROWS.items():
        listing = root / folder / "CMakeLists.txt"
        if not listing.is_file():
            continue
        text = re.sub(r"#.*", "", listing.read_text(encoding="utf-8"))
        for target in re.findall(r"\bwelkin_\w+\b", text):
            to = TARGETS.get(target, folder)
            if to != folder and to not in allowed:
                found.append(f"{folder}/CMakeLists.txt: {folder}/ may not depend on {target}")
    return found


class Layering(unittest.TestCase):
    maxDiff = None

    def test_no_include_points_against_the_arrows(self):
        self.assertEqual([], violations_of_includes(ROOT))

    def test_no_target_depends_against_the_arrows(self):
        self.assertEqual([], violations_of_dependencies(ROOT))

    def test_there_is_something_to_check(self):
        for folder in ("protocol", "persistence", "actors", "gateway", "sandbox", "app"):
            self.assertTrue(list((ROOT / folder).rglob("*.cpp")), folder)


class PlantedViolations(unittest.TestCase):
    """The check must be able to fail."""

    def violations(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for existing in ("actors/a.hpp", "persistence/p.hpp", "protocol/p.hpp", name):
                (root / existing).parent.mkdir(parents=True, exist_ok=True)
                (root / existing).write_text("")
            (root / name).write_text(text, encoding="utf-8")
            return violations_of_includes(root) + violations_of_dependencies(root)

    def test_an_include_against_the_arrows_is_found(self):
        self.assertEqual(
            ["protocol/rules/x.cpp:2: protocol/ may not know actors/, and includes actors/a.hpp"],
            self.violations("protocol/rules/x.cpp", '#include <map>\n #  include "actors/a.hpp"\n'))
        self.assertTrue(self.violations("gateway/x.cpp", '#include "persistence/p.hpp"\n'))
        self.assertTrue(self.violations("sandbox/x.cpp", "#include <actors/a.hpp>\n"))

    def test_caf_where_it_is_not_known_is_found(self):
        self.assertTrue(self.violations("protocol/payment/x.hpp", "#include <caf/all.hpp>\n"))
        self.assertTrue(self.violations("gateway/x.hpp", '#include "caf/actor.hpp"\n'))
        self.assertEqual([], self.violations("protocol/messages/x.hpp", "#include <caf/all.hpp>\n"))
        self.assertEqual([], self.violations("actors/x.hpp", "#include <caf/all.hpp>\n"))

    def test_a_clock_among_the_rules_is_found(self):
        self.assertTrue(self.violations("protocol/x.cpp", "#include <chrono>\n"))

    def test_an_include_that_is_not_written_from_the_root_is_found(self):
        self.assertTrue(self.violations("actors/x.cpp", '#include "a.hpp"\n'))

    def test_a_dependency_against_the_arrows_is_found(self):
        self.assertTrue(self.violations("persistence/CMakeLists.txt",
                                        "welkin_library(welkin_persistence DEPENDS welkin_actors)\n"))

    def test_an_include_along_the_arrows_is_not(self):
        self.assertEqual([], self.violations("actors/x.cpp", '#include "persistence/p.hpp"\n'))


if __name__ == "__main__":
    unittest.main()
