# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RE2's regular expressions over tags: what they match, and what is refused by name."""

from __future__ import annotations

import random
import re
import string

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import InputError
from ansible_collections.imageops.registry.plugins.module_utils._sync.rules.re2.syntax import TagPattern
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("pattern", "finds", "misses"),
    [
        ("1", ["1", "v1", "21x"], ["v2"]),
        (r"^v?1\.", ["1.0", "v1.9"], ["10", "x1.0"]),
        (r"^7\.", ["7.1"], ["17.1"]),
        (r"\.0$", ["1.0"], ["1.0.1", "1.0\n"]),
        (r"\A1\z", ["1"], ["11", "1\n"]),
        (r"^[[:alpha:]]+\z", ["abc"], ["ab1", "ab-"]),
        (r"^[[:^digit:]]+$", ["abc-"], ["ab1"]),
        (r"^[[:word:].-]+$", ["a_1.b-c"], ["a b", "a:b"]),
        (r"^[[:xdigit:]]{7}$", ["1a2b3c4"], ["1a2b3g4"]),
        (r"^[^[:space:]]$", ["a"], ["\t", "\v"]),
        (r"^\s$", ["\t", " "], ["\v", "a"]),
        (r"^\S$", ["\v", "a"], ["\t"]),
        (r"^\d\D\w\W$", ["1aa-"], ["1aaa"]),
        ("^\\d$", ["1"], ["\u0661"]),
        (r"^[\d.]+$", ["1.2"], ["1-2"]),
        (r"^[^\d]+$", ["ab"], ["a1"]),
        ("^[]x]$", ["]", "x"], ["y"]),
        ("^[^]x]$", ["y"], ["]", "x"]),
        ("^[a-]$", ["a", "-"], ["b"]),
        ("^[-a]$", ["a", "-"], ["b"]),
        ("^[a-c-e]$", ["b", "-", "e"], ["d"]),
        ("^[[a]]$", ["[]", "a]"], ["a"]),
        ("^[a&&b]$", ["&"], ["c"]),
        ("a(?i)b|c$", ["ab", "aB", "C"], ["Ab"]),
        ("^(?i:rc)[0-9]+$", ["RC1", "rc2"], ["RC"]),
        ("^(?i)rc(?-i)X$", ["RCX"], ["rcx"]),
        ("^((?i)a)b$", ["Ab"], ["AB"]),
        ("^(?i)[^a]$", ["b"], ["a", "A"]),
        ("^(?s).$", ["\n"], []),
        ("^.$", ["a"], ["\n"]),
        ("(?m)^b$", ["a\nb\nc", "b"], ["ab", "ba"]),
        ("^(?i)[x-z]A$", ["Xa", "Za", "za"], ["Wa"]),
        ("^(?P<major>1)(?<minor>2)$", ["12"], ["1"]),
        ("^x{2}$", ["xx"], ["x"]),
        ("^x{2,}$", ["xxx"], ["x"]),
        ("^x{1,2}?$", ["xx"], ["xxx"]),
        ("^x{,2}$", ["x{,2}"], ["xx"]),
        ("^x{01}$", ["x{01}"], ["x"]),
        ("^x{$", ["x{"], ["x"]),
        (r"^\x31\x{32}\063$", ["123"], ["12"]),
        (r"^\_\-\/$", ["_-/"], []),
        ("^(|a)$", ["", "a"], ["b"]),
        ("^(?:a|ab)(?:c|bcd)$", ["abcd", "ac"], ["ab"]),
        (r"a\b", ["a\u00e9"], ["ab"]),
        (r"^*a\b+", ["a-b"], ["ab"]),
        ("(ab){1,3}c", ["ababc"], ["ac"]),
    ],
)
def test_finds_what_re2_finds(pattern: str, finds: list[str], misses: list[str]) -> None:
    compiled = TagPattern.parse(pattern)
    assert compiled.pattern == pattern
    assert [tag for tag in finds if not compiled.search(tag)] == []
    assert [tag for tag in misses if compiled.search(tag)] == []


def test_a_full_match_is_of_the_whole_tag() -> None:
    pattern = TagPattern.parse("1|1\\.2")
    assert [tag for tag in ["1", "1.2", "1.23", "v1", "1\n"] if pattern.fullmatch(tag)] == ["1", "1.2"]


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (r"\pL", r'"\p" (a Unicode class)'),
        (r"\PN", r'"\P" (a Unicode class)'),
        (r"[\pL]", r'"\p" (a Unicode class)'),
        (r"\Q1.0\E", r'"\Q" (quoted text)'),
        (r"\C", r'"\C" (a single byte)'),
        ("(?U)a+", '"(?U)" (ungreedy)'),
        ("(?iU:a+)", '"(?U)" (ungreedy)'),
        ("(?=a)", "lookahead"),
        ("(?!a)", "negative lookahead"),
        ("(?<=a)b", "lookbehind"),
        ("(?<!a)b", "negative lookbehind"),
        (r"(a)\1", "backreference"),
        ("(?P<n>a)(?P=n)", "backreference"),
        ("(a)?(?(1)b|c)", "conditional"),
        ("(?>a)", "atomic"),
        ("(?#a)", "comment"),
        ("a*+", "possessive"),
        ("a{2}+", "possessive"),
        ("a**", "repetition of a repetition"),
        ("a+?*", "repetition of a repetition"),
        ("(?x)a", 'flag "x"'),
        ("(?L)a", 'flag "L"'),
        ("(?-)a", "'-' among flags"),
        ("(?'n'a)", "nothing that is known"),
        (r"a\Z", r"write \z or $"),
        (r"\u0041", r'"\u"'),
        (r"\N{DASH}", r'"\N"'),
        (r"\k", r'"\k"'),
        ("\\é", '"\\é"'),
        ("a\\", "ends with a '\\'"),
        (r"\x{110000}", "no character"),
        ("[[:foo:]]", "[:foo:] is no class"),
        ("[a", "'[' is not closed"),
        ("[]", "'[' is not closed"),
        ("[b-a]", "runs backwards"),
        ("(a", "'(' is not closed"),
        ("a)", "')' closes nothing"),
        ("*", "nothing to repeat"),
        ("a|+", "nothing to repeat"),
        ("(?i)?", "nothing to repeat"),
        ("({2})", "nothing to repeat"),
        ("a{2,1}", "counts backwards"),
        ("a{1001}", "more than 1000"),
        ("a{99999999999}", "more than 1000"),
        ("(a{100}){11}", "more than 1000"),
        ("((a{10}){10}b*){11}", "more than 1000"),
        ("(?P<n>a)(?P<n>b)", "two groups are called n"),
        ("(" * 60 + ")" * 60, "more than 50 deep"),
        ("a" * 1001, "longer than 1000"),
        (".{999}" * 11, "stands for too much"),
    ],
)
def test_refuses_by_name(pattern: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        TagPattern.parse(pattern)
    assert says in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("pattern", ["^([0-9a-f]+-?)+$", "(a|a)*b", "^(a?){50}a{50}b", "(.*)*(.*)*x$", "(|a)*b"])
def test_a_match_does_not_take_for_ever(pattern: str) -> None:
    compiled = TagPattern.parse(pattern)
    assert not compiled.search(f"sha256-{'a' * 120}")
    assert not compiled.fullmatch(f"sha256-{'a' * 120}")


def test_more_texts_than_are_remembered() -> None:
    compiled = TagPattern.parse("a.{12}z")
    generator = random.Random(7)
    for _ in range(300):
        tag = "".join(generator.choice("abz") for _ in range(60))
        assert compiled.search(tag) == bool(re.search("a.{12}z", tag))


_PIECES = st.sampled_from(
    [
        *"ab1.*+?|()[]{}^$\\-,:<>=!&~",
        "(?",
        "(?:",
        "(?i)",
        "(?P<n>",
        "{2}",
        "{1,2}",
        "[:alpha:]",
        "\\d",
        "\\z",
        "\\Q",
        "é",
    ]
)


@given(st.text(max_size=30) | st.lists(_PIECES, max_size=12).map("".join), st.text(max_size=10))
def test_any_text_is_a_pattern_or_refused(pattern: str, tag: str) -> None:
    try:
        compiled = TagPattern.parse(pattern)
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert compiled.search(tag) >= compiled.fullmatch(tag)


_TAG_CHARS = string.ascii_letters + string.digits + "._-"
_ATOMS = st.sampled_from(
    [
        *"abAB01_",
        r"(?:\b)",
        r"(?:\B)",
        "(?:^|a)",
        "(?:b|$)",
        "(?:|a+)",
        "(?:(?:a|b*)c?)",
        "(?i:[^a]|_)",
        r"\.",
        r"\d",
        r"\w",
        ".",
        "[a-c]",
        "[^0-9]",
        "[A._-]",
        "(?:a|b)",
        "(?i:ab)",
    ]
)
_COMMON = st.lists(st.tuples(_ATOMS, st.sampled_from(["", "*", "+", "?", "{2}", "{1,2}", "*?"])), max_size=5).map(
    lambda items: "".join(atom + repetition for atom, repetition in items)
)


@given(_COMMON, st.text(_TAG_CHARS, min_size=1, max_size=8))
def test_what_both_languages_know_means_the_same(pattern: str, tag: str) -> None:
    compiled = TagPattern.parse(pattern)
    assert compiled.search(tag) == bool(re.search(pattern, tag, re.ASCII))
    assert compiled.fullmatch(tag) == bool(re.fullmatch(pattern, tag, re.ASCII))


@pytest.mark.parametrize(
    "name",
    "alnum alpha ascii blank cntrl digit graph lower print punct space upper word xdigit".split(),
)
def test_a_posix_class_and_its_negation_part_all_characters(name: str) -> None:
    inside, outside = (TagPattern.parse(f"[[:{mark}{name}:]]") for mark in ("", "^"))
    inverse = TagPattern.parse(f"[^[:{name}:]]")
    for code in [*range(0x200), 0x10FFFF]:
        assert inside.search(chr(code)) != outside.search(chr(code)) == inverse.search(chr(code)), hex(code)
