"""Fails on leftovers: long files, tabs, wide lines, markers, tests that nothing runs.

Usage: tree_test.py [ROOT]
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else __file__ + "/../../..").resolve()

CODE = {".cpp", ".hpp", ".py", ".cmake", ".sh"}
LINES_MAX = 600
COLUMNS_MAX = 100
# In comments only, since one of them is a currency's code too. Put together here so that this file
# does not find itself.
MARKERS = re.compile(r"(//|#|/\*).*\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
CONFLICT = re.compile(r"^(<<<<<<< |>>>>>>> )")
# What parses nothing but the JSON that the program has just written itself.
READS_ITS_OWN = {"gateway/openapi_examples.cpp"}
# The suites whose sources tests/CMakeLists.txt builds, file by file.
SUITES = ("unit", "contract", "actors", "gateway", "simulation")


def tree_files():
    """What git tracks or would track; without git, everything that is not built."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"],
            check=True, capture_output=True).stdout.decode().split("\0")
        names = [name for name in listed if name]
    except (OSError, subprocess.CalledProcessError):
        names = [p.relative_to(ROOT).as_posix() for p in ROOT.rglob("*") if p.is_file()]
        names = [n for n in names if not n.startswith(("build/", "run/", ".git/"))]
    return sorted(n for n in names if (ROOT / n).is_file())


def texts():
    for name in tree_files():
        if name.startswith("tests/fuzz/corpus/"):
            continue  # bytes as strangers send them
        data = (ROOT / name).read_bytes()
        # Vectors are kept byte for byte as the channels write them, in their encodings.
        if b"\0" not in data and not name.startswith("tests/vectors/"):
            yield name, data.decode("utf-8")


def is_code(name):
    return pathlib.PurePath(name).suffix in CODE or name == "dev"


class Tree(unittest.TestCase):
    maxDiff = None

    def test_files_stay_short_enough_to_read(self):
        long = {n: t.count("\n") for n, t in texts() if is_code(n) and t.count("\n") > LINES_MAX}
        self.assertEqual({}, long)

    def test_lines_are_clean(self):
        found = []
        for name, text in texts():
            if text and not text.endswith("\n"):
                found.append(f"{name}: no newline at the end")
            laid_out_by_hand = False
            for number, line in enumerate(text.split("\n"), 1):
                # Tables read better a row a line; clang-format is off around them.
                if line.strip() in ("// clang-format off", "// clang-format on"):
                    laid_out_by_hand = line.strip().endswith("off")
                what = self.fault(name, line, laid_out_by_hand)
                if what:
                    found.append(f"{name}:{number}: {what}")
        self.assertEqual([], found)

    @staticmethod
    def fault(name, line, laid_out_by_hand):
        if "\t" in line:
            return "a tab"
        if line.endswith("\r"):
            return "a carriage return"
        if line != line.rstrip() and not name.endswith(".md"):
            return "white space at the end"
        wide = len(line) > COLUMNS_MAX and name.endswith((".cpp", ".hpp"))
        if wide and not laid_out_by_hand:
            return f"{len(line)} columns"
        if is_code(name) and MARKERS.search(line):
            return "a leftover marker"
        if CONFLICT.match(line):
            return "a merge conflict"
        return None

    def test_every_test_source_is_built(self):
        built = re.findall(r"^welkin_suite\((\w+)", self.listing(), re.MULTILINE)
        self.assertEqual(sorted(SUITES), sorted(built))
        for name in tree_files():
            parts = name.split("/")
            if parts[0] == "tests" and name.endswith(".cpp"):
                self.assertEqual(3, len(parts), f"{name} stands where no suite looks for it")
                if parts[1] == "fuzz":
                    self.assertTrue(name.endswith("_fuzz.cpp"), f"{name} is built by nothing")
                    continue
                self.assertIn(parts[1], SUITES + ("support", "conformance"), name)
                holds_tests = "TEST_CASE" in (ROOT / name).read_text(encoding="utf-8")
                self.assertEqual(holds_tests, name.endswith("_test.cpp"),
                                 f"{name}: test cases stand in files named *_test.cpp and nowhere else")

    def test_every_fuzz_target_has_seeds_and_every_seed_a_target(self):
        names = tree_files()
        targets = {n[len("tests/fuzz/"):-len("_fuzz.cpp")] for n in names
                   if n.startswith("tests/fuzz/") and n.endswith("_fuzz.cpp")}
        seeded = {n.split("/")[3] for n in names if n.startswith("tests/fuzz/corpus/")}
        self.assertTrue(targets)
        self.assertEqual(targets, seeded)

    def test_every_script_among_the_tests_is_run_or_imported(self):
        scripts = [n for n in tree_files() if re.match(r"tests/(e2e|lint)/[^/]+\.py$", n)]
        everything = "".join((ROOT / n).read_text(encoding="utf-8") for n in scripts)
        for name in scripts:
            stem = pathlib.PurePath(name).stem
            imported = re.search(rf"^\s*(import|from) {stem}\b", everything, re.MULTILINE)
            self.assertTrue(stem.endswith("_test") or imported, f"{name} is run by nothing")

    def test_every_source_is_in_a_target(self):
        for folder in ("protocol", "persistence", "actors", "gateway", "sandbox", "app", "bench"):
            listing = (ROOT / folder / "CMakeLists.txt").read_text(encoding="utf-8")
            for name in tree_files():
                if name.startswith(folder + "/") and name.endswith(".cpp"):
                    self.assertIn(name[len(folder) + 1:], listing.split(), f"{name} is not built")

    def test_every_json_reader_judges_every_byte(self):
        parses = re.compile(r"\b[Jj]son::(sax_parse|parse|accept)\(")
        for folder in ("protocol", "persistence", "actors", "gateway", "sandbox", "app"):
            for name in tree_files():
                if not name.startswith(folder + "/") or not name.endswith((".cpp", ".hpp")):
                    continue
                text = (ROOT / name).read_text(encoding="utf-8")
                if parses.search(text) and name not in READS_ITS_OWN:
                    self.assertIn("unjudged_json_byte(", text,
                                  f"{name}: the library's parser stops at a NUL byte; see protocol/json_bytes.hpp")

    @staticmethod
    def listing():
        return (ROOT / "tests" / "CMakeLists.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    unittest.main()
