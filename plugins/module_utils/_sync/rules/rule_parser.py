# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's wishes, parsed and checked: which images of one repository go where. No I/O.

A rule is an item of the option ``images``; image-syncer's files become the same items. Everything here raises
InputError, naming the rule, the value and the form that is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import NamedTuple, TypeVar

from ..._oci.errors import InputError
from ..._oci.image.platform import Platform
from ..._oci.image.reference import parse_prefix, quoted
from ..decisions import Overwrite, UnsupportedArtifacts
from .backup_names import BackupTemplate
from .grammar import Destination, Source, parse_destination, parse_source
from .prune import Prune, parse_prune
from .prune_checks import check_alone
from .referrer_choice import parse_referrers
from .required_signature import parse_required_signature
from .rule import Rule, as_item, destination_tag
from .stages import in_stages
from .tags.tag_filter import TagFilter
from .tags.tag_options import parse_tags
from .user_input import Field, check_keys, nearest

__all__ = [
    "Destination",
    "Rule",
    "Source",
    "as_item",
    "check_rules",
    "destination_tag",
    "parse_entries",
    "parse_rules",
]

W = TypeVar("W", bound=Enum)

_KEYS = (
    "source",
    "destination",
    "tags",
    "platforms",
    "overwrite",
    "prune",
    "referrers",
    "require_signature",
    "unsupported_artifacts",
)
_ITEM_FORM = "write a list of items such as {source: registry/repository, destination: registry/repository}"
_SIDE_FORM = "write registry/repository"


class _Defaults(NamedTuple):
    """What rules take that do not say it.

    :ivar beginning: registry and namespace of an empty destination; empty when none may be
    :ivar backup: how images are kept that are to be overwritten
    """

    beginning: str
    platforms: tuple[Platform, ...]
    backup: BackupTemplate | None


def parse_rules(
    images: object,
    *,
    default_registry: str | None,
    default_namespace: str | None,
    platforms: object = None,
    backup: BackupTemplate | None = None,
    origin: str = "images",
) -> list[Rule]:
    """Take the value of the option ``images`` and give its rules.

    :param images: a list of mappings with the keys source, destination, tags, platforms, overwrite and
        unsupported_artifacts, or of sources
        for the default destination; a single source; image-syncer's mapping of sources to destinations; or None
    :param default_registry: with ``default_namespace``, where a rule without destination goes
    :param platforms: those of every rule that does not say its own
    :param backup: how images are kept that are to be overwritten
    :param origin: the option's name
    """
    return parse_entries(
        _entries(images, origin),
        default_registry=default_registry,
        default_namespace=default_namespace,
        platforms=platforms,
        backup=backup,
    )


def _entries(images: object, origin: str) -> list[tuple[str, object]]:
    """Return the items, each with the words that say where it stands."""
    if images is None:
        return []
    if isinstance(images, str):
        images = [images]
    if isinstance(images, (list, tuple)):
        return [(f"{origin}[{index}]", item) for index, item in enumerate(images)]
    if not isinstance(images, Mapping):
        raise InputError(subject=f"the option {origin}", cause="it is not a list", hint=_ITEM_FORM)
    if "source" in images:
        raise InputError(subject=f"the option {origin}", cause="it is one item, not a list of them", hint=_ITEM_FORM)
    _refuse_cut_sources(images, origin)
    return [(f"{origin}: {quoted(key)}", {"source": key, "destination": images[key]}) for key in images]


def _refuse_cut_sources(images: Mapping[object, object], origin: str) -> None:
    """Refuse what YAML makes of an unquoted source with a comma: a key without a value, and one that is a tag."""
    cut: object = None
    for key, value in images.items():
        if cut is not None and value is not None and not (isinstance(key, str) and ("/" in key or ":" in key)):
            raise InputError(
                subject=f"the sources {quoted(cut)} and {quoted(key)} of {origin}",
                cause="they are probably one, which YAML has cut at a comma",
                hint='quote the source: "registry/repository:tag1,tag2"; or write "" where the default one is meant',
            )
        cut = key if value is None else None


def parse_entries(
    entries: Iterable[tuple[str, object]],
    *,
    default_registry: str | None,
    default_namespace: str | None,
    platforms: object = None,
    backup: BackupTemplate | None = None,
) -> list[Rule]:
    """Take items as ``images`` has them, each with the words that say where it stands, and give their rules."""
    defaults = _Defaults(
        _parse_beginning(default_registry, default_namespace),
        _parse_platforms(platforms, Field("platform", "the option platforms")),
        backup,
    )
    return [_parse_rule(item, origin, defaults) for origin, item in entries]


def _parse_beginning(registry: str | None, namespace: str | None) -> str:
    """Return what a destination begins with that is not written; empty when it must be."""
    if not registry and not namespace:
        return ""
    if not registry or not namespace:
        given, missing = ("registry", "namespace") if registry else ("namespace", "registry")
        raise InputError(
            subject=f"the option default_{given}", cause=f"default_{missing} is not given", hint="give both or none"
        )
    host, path = _parse_default("registry", registry, registry)
    if path:
        raise InputError(
            subject=f"the option default_registry {quoted(registry)}",
            cause="it has a path",
            hint="the path belongs to default_namespace",
        )
    return "/".join(_parse_default("namespace", namespace, f"{host}/{namespace}"))


def _parse_default(name: str, value: str, prefix: str) -> tuple[str, str]:
    try:
        return parse_prefix(prefix)
    except InputError as fault:
        raise InputError(
            subject=f"the option default_{name} {quoted(value)}",
            cause=f"{fault.subject}: {fault.cause}",
            hint=fault.hint,
        ) from None


def _parse_rule(item: object, origin: str, defaults: _Defaults) -> Rule:
    if isinstance(item, str):
        item = {"source": item}
    if not isinstance(item, Mapping):
        raise InputError(subject=f"the item {origin}", cause="it is not a mapping", hint=_ITEM_FORM)
    check_keys(item, _KEYS, origin)
    if not item.get("source"):
        raise InputError(subject=f"the item {origin}", cause="it has no source", hint=_ITEM_FORM)
    field = Field("source", origin)
    source = parse_source(field.text(item["source"], _SIDE_FORM), field)
    _refuse_backups(source, defaults.backup, field)
    destinations = _parse_destinations(item.get("destination"), origin, source, defaults.beginning)
    return Rule(
        origin=origin,
        source=source,
        destinations=destinations,
        tags=_parse_tags(item.get("tags"), origin, source),
        platforms=defaults.platforms
        if item.get("platforms") is None
        else _parse_platforms(item["platforms"], Field("platform", origin)),
        referrers=parse_referrers(item.get("referrers"), origin),
        overwrite=_parse_word(Overwrite, item, "overwrite", origin),
        unsupported_artifacts=_parse_word(UnsupportedArtifacts, item, "unsupported_artifacts", origin),
        required_signature=parse_required_signature(item.get("require_signature"), origin),
        prune=_parse_prune(item.get("prune"), origin, source, destinations),
        backup=defaults.backup,
    )


def _refuse_backups(source: Source, backup: BackupTemplate | None, field: Field) -> None:
    named = [tag for tag in source.tags or () if backup is not None and backup.matches(tag)]
    if named:
        raise field.refusal(
            source.text,
            f"{quoted(named[0])} is a name for backups, which no rule takes",
            "leave backup out of this task to copy a backup, or write another template",
        )


def _parse_prune(value: object, origin: str, source: Source, destinations: Sequence[Destination]) -> Prune | None:
    prune = parse_prune(value, origin)
    if prune is not None:
        check_alone(prune, origin, source, destinations)
    return prune


def _parse_tags(value: object, origin: str, source: Source) -> TagFilter:
    tags = parse_tags(value, origin)
    if not source.selects_by_listing and tags.selects:
        raise Field("source", origin).refusal(
            source.text,
            "it says by itself what is taken, and tags says it again",
            "leave tags out, or leave tag and digest out of the source",
        )
    return tags


def _parse_destinations(value: object, origin: str, source: Source, beginning: str) -> tuple[Destination, ...]:
    field = Field("destination", origin)
    written = [""] if value is None else field.texts(value, _SIDE_FORM) or [""]
    found: dict[Destination, None] = {}
    for text in written:
        if not text and not beginning:
            raise field.refusal(
                text, "it is empty", "write a destination, or give default_registry and default_namespace"
            )
        below = "{path}" if source.wildcard is not None else _without_first_part(source.repository)
        whole = text or f"{beginning}/{below}"
        found[parse_destination(whole, field, source=source)] = None
    return tuple(found)


def _without_first_part(repository: str) -> str:
    """Leave the source's own project out; a repository that is in none keeps its name."""
    return repository.partition("/")[2] or repository


def _parse_platforms(value: object, field: Field) -> tuple[Platform, ...]:
    platforms: dict[Platform, None] = {}
    for text in [] if value is None else field.texts(value, "write os/architecture, such as linux/amd64, or a list"):
        try:
            platforms[Platform.parse(text)] = None
        except InputError as fault:
            raise field.wrapped(text, fault) from None
    return tuple(platforms)


def _parse_word(words: type[W], item: Mapping[str, object], key: str, origin: str) -> W | None:
    """Return the word that a rule has under a key; None when it leaves it to the task."""
    value = item.get(key)
    if value is None:
        return None
    known = {str(word): word for word in words}
    if isinstance(value, str) and value in known:
        return known[value]
    raise Field(key, origin).refusal(value, "it is not known", nearest(value, known, "there are"))


def check_rules(rules: Iterable[Rule]) -> list[Rule]:
    """Refuse rules that literally name one destination tag for different images, or that copy in a circle.

    Return the rules, each once.

    What is only known from listings and digests is not looked at here: the plan does that. Rules that differ in nothing
    but where they stand are one.
    """
    writers: dict[tuple[str, str], tuple[Rule, str | None]] = {}
    unique: dict[Rule, Rule] = {}
    for rule in rules:
        unique.setdefault(replace(rule, origin=""), rule)
        if rule.source.selects_by_listing:
            continue
        for source_tag in rule.source.tags or (None,):
            for destination in rule.destinations:
                tag = destination_tag(rule, destination, source_tag)
                if tag is None:
                    continue
                other, other_tag = writers.setdefault((destination.name, tag), (rule, source_tag))
                if not _may_be_same((rule, source_tag), (other, other_tag)):
                    raise _collision(rule, other, destination, tag)
    in_stages(rule for rule in unique.values() if rule.source.wildcard is None)
    return list(unique.values())


def _may_be_same(one: tuple[Rule, str | None], other: tuple[Rule, str | None]) -> bool:
    """Return whether two rules with a tag of each may mean one image, as far as one can tell from what is written."""
    (rule, tag), (other_rule, other_tag) = one, other
    if set(rule.platforms) != set(other_rule.platforms):
        return False
    digest, other_digest = rule.source.digest, other_rule.source.digest
    if digest is not None and other_digest is not None:
        return digest == other_digest
    return (rule.source.name, tag) == (other_rule.source.name, other_tag)


def _collision(rule: Rule, other: Rule, destination: Destination, tag: str) -> InputError:
    if rule is other:
        cause = f"two tags of its source would be written to {destination.name}:{tag}"
    else:
        cause = (
            f"it would write {quoted(rule.source.text)} to {destination.name}:{tag}, where {other.origin} writes"
            f" {quoted(other.source.text)}"
        )
        if rule.source == other.source:
            cause += " with other platforms"
    return InputError(subject=f"the rule {rule.origin}", cause=cause, hint="give one of them another destination tag")
