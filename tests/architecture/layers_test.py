"""Holds the tree to rules.py, and rules.py to finding what it is there to find.

Usage: layers_test.py ROOT
"""

import sys
import tempfile
import unittest
from pathlib import Path

import rules

ROOT = Path(__file__).resolve().parents[2]


class TheTree(unittest.TestCase):
    def test_keeps_every_rule(self):
        for rule in rules.ALL:
            with self.subTest(rule=rule.__name__):
                breaches = list(rule(ROOT))
                self.assertEqual(breaches, [], "\n" + "\n".join(breaches))

    def test_is_where_the_rules_look(self):
        self.assertGreater(len(list(rules.sources(ROOT, "include", "src"))), 20)


class EachRule(unittest.TestCase):
    """A tree of one or two files per case: what breaks the rule, and what only looks like it."""

    def breaches(self, rule, files):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return list(rule(root))

    def assert_breaks(self, rule, name, text):
        self.assertEqual(len(self.breaches(rule, {name: text})), 1, text)

    def assert_keeps(self, rule, name, text):
        self.assertEqual(self.breaches(rule, {name: text}), [], text)

    def test_layering_is_seen_for_every_pair_of_layers(self):
        order = [["base"], ["stun"], ["turn"], ["auth", "net", "config"],
                 ["server", "admin", "offload"], ["app"]]
        rank = {layer: i for i, group in enumerate(order) for layer in group}
        self.assertEqual(rank.keys(), rules.MAY_INCLUDE.keys())
        for layer in rank:
            for other in rank:
                text = f'#include "turnbuckle/{other}/x.hpp"\n'
                fine = other == layer or rank[other] < rank[layer]
                check = self.assert_keeps if fine else self.assert_breaks
                check(rules.layering, f"src/{layer}/x.cpp", text)
                check(rules.layering, f"include/turnbuckle/{layer}/x.hpp", text)

    def test_layering_is_not_evaded(self):
        self.assert_breaks(rules.layering, "src/base/x.cpp", "#include <turnbuckle/turn/x.hpp>\n")
        self.assert_breaks(rules.layering, "src/base/x.cpp", '#include "../turn/x.hpp"\n')
        self.assert_breaks(rules.layering, "src/base/x.cpp", '  #  include "turnbuckle/net/x.hpp"\n')
        self.assert_breaks(rules.layering, "src/turn/handlers/x.cpp",
                           '#include "turnbuckle/net/x.hpp"\n')
        self.assert_breaks(rules.layering, "src/misc/x.cpp", "#include <vector>\n")

    def test_layering_leaves_others_alone(self):
        self.assert_keeps(rules.layering, "src/base/x.cpp", "#include <vector>\n")
        self.assert_keeps(rules.layering, "src/turn/x.cpp", '#include "handlers/x.hpp"\n')
        self.assert_keeps(rules.layering, "src/base/x.cpp", '// #include "turnbuckle/net/x.hpp"\n')

    def test_purity(self):
        for header in ("<boost/asio/ip/udp.hpp>", "<sys/socket.h>", "<sys/epoll.h>", "<thread>"):
            self.assert_breaks(rules.purity, "src/turn/x.cpp", f"#include {header}\n")
            self.assert_keeps(rules.purity, "src/net/x.cpp", f"#include {header}\n")
        for read in ("monotonic_now()", "std::chrono::system_clock::now()", "wall_now()"):
            self.assert_breaks(rules.purity, "src/turn/x.cpp", f"auto t = {read};\n")
            self.assert_keeps(rules.purity, "src/server/x.cpp", f"auto t = {read};\n")
        self.assert_keeps(rules.purity, "src/turn/x.cpp", "void f(WallTime wall_now);  // wall_now()\n")

    def test_length(self):
        self.assert_keeps(rules.length, "src/base/x.cpp", "//\n" * rules.MAX_LINES)
        self.assert_breaks(rules.length, "src/base/x.cpp", "//\n" * (rules.MAX_LINES + 1))
        self.assert_breaks(rules.length, "tests/unit/base/x.cpp", "//\n" * (rules.MAX_LINES + 1))

    def test_opening_comment(self):
        name = "include/turnbuckle/base/x.hpp"
        self.assert_keeps(rules.opening_comment, name, "// What it is for.\n#pragma once\n")
        self.assert_breaks(rules.opening_comment, name, "#pragma once\n// Too late.\n")
        self.assert_breaks(rules.opening_comment, name, "//\n#pragma once\n")
        self.assert_breaks(rules.opening_comment, name, "// What it is for.\n")
        self.assert_keeps(rules.opening_comment, "src/base/x.cpp", "int x;\n")

    def test_finished(self):
        for word in ("TO" + "DO", "FIX" + "ME", "X" * 3):
            self.assert_breaks(rules.finished, "src/base/x.cpp", f"// {word}: later\n")
            self.assert_breaks(rules.finished, "tests/unit/base/x.cpp", f"// {word}\n")
        self.assert_keeps(rules.finished, "src/base/x.cpp", "// MASTODON\n")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ROOT = Path(sys.argv.pop(1)).resolve()
    unittest.main()
