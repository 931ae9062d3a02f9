"""Runs the program in docs/journal.md on the rows in docs/journal.md, sound and damaged.

The same rows are checked against the product's own hash in tests/unit/journal_commands_test.cpp.
"""

import json
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else __file__ + "/../../..").resolve()
TEXT = (ROOT / "docs" / "journal.md").read_text(encoding="utf-8")


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL).group(1)


def check(lines):
    return subprocess.run([sys.executable, "-c", block("python")], input=lines, text=True,
                          capture_output=True, encoding="utf-8")


class JournalDocument(unittest.TestCase):
    def test_the_documented_rows_are_good(self):
        self.assertEqual("good\n", check(block("json")).stdout)

    def test_a_change_to_any_column_is_found(self):
        first, second = block("json").splitlines()
        for column, value in json.loads(second).items():
            if column == "position":
                continue
            changed = {**json.loads(second),
                       column: value + 1 if isinstance(value, int) else "0a" + value[2:]}
            result = check(first + "\n" + json.dumps(changed))
            self.assertEqual(1, result.returncode, column)
            self.assertIn("bad row at position 2", result.stderr)


if __name__ == "__main__":
    unittest.main()
