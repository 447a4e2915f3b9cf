# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option ``backup``: under which tag an image is kept that is to be overwritten. No I/O.

``{date}`` is the time at which the run began, in UTC and to the second, ``{digest}`` the hexadecimal digits of the
image's digest, and ``{tag}`` the tag that is to be overwritten. A tag that such a template may have made is a backup:
no rule takes it, copies it, writes it or prunes it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import NamedTuple

from ..._oci.errors import InputError
from ..._oci.image.reference import Digest, check_tag, quoted
from ..._oci.image.referrers import is_referrer_tag

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_FORMS = {
    "tag": r"(?P<tag>[A-Za-z0-9._-]+)",
    "date": r"(?P<date>[0-9]{8}T[0-9]{6}Z)",
    "digest": r"(?:[0-9a-f]{128}|[0-9a-f]{64})",
}
_FORM = "write a tag with {date} or {digest} in it, such as {tag}-backup-{date}"
_SAMPLE = {"tag": "1", "date": "20260117T120000Z", "digest": 64 * "0"}


class BackupTemplate(NamedTuple):
    """How backups are called.

    :ivar text: as it was written
    :ivar form: matches each tag that it may have made, and no other
    :ivar keep: how many backups of a tag stay; None for all
    """

    text: str
    form: re.Pattern[str]
    keep: int | None = None

    def matches(self, tag: str) -> bool:
        """Return whether a tag is a backup."""
        return self.form.fullmatch(tag) is not None

    def name(self, tag: str, digest: Digest, date: str) -> str:
        """Return the tag under which an image is kept.

        :param tag: the tag that is to be overwritten
        :param digest: what it names
        :param date: of the run, as :func:`date_of` gives it
        :raises InputError: when that is no tag, since it is too long
        """
        values = {"tag": tag, "date": date, "digest": digest.encoded}
        name = _PLACEHOLDER.sub(lambda found: values[found[1]], self.text)
        try:
            return check_tag(name)
        except InputError as fault:
            raise InputError(
                action="keep",
                subject=f"{tag} under the name {quoted(name)}",
                cause=f"that is no tag, of {len(name)} characters",
                hint=f"{fault.hint}; write a shorter template for backup",
            ) from None

    def old(self, tags: Iterable[str], tag: str) -> list[str]:
        """Return the backups of a tag that are more than are kept, the oldest first.

        :param tags: every tag of the repository
        """
        if self.keep is None:
            return []
        found = (self.form.fullmatch(each) for each in tags)
        dated = sorted((each["date"], each.string) for each in found if each is not None and each["tag"] == tag)
        return [name for _date, name in dated[: max(0, len(dated) - self.keep)]]


def parse_backup(text: str | None, keep: int | None = None) -> BackupTemplate | None:
    """Take the options ``backup`` and ``backup_keep``; None when no backups are made.

    :raises InputError: for what makes no names, or names that would not tell backups apart
    """
    if not text:
        if keep is not None:
            raise InputError(
                subject=f"backup_keep {keep}", cause="backup is not given", hint="give both, or backup alone"
            )
        return None
    subject = f"backup {quoted(text)}"
    names = _PLACEHOLDER.findall(text)
    unknown = [name for name in names if name not in _FORMS]
    if unknown:
        raise InputError(
            subject=subject, cause=f"{{{unknown[0]}}} is not known", hint="there are {tag}, {date}, {digest}"
        )
    if len(set(names)) != len(names):
        raise InputError(subject=subject, cause="it has one of its placeholders twice", hint=_FORM)
    if "date" not in names and "digest" not in names:
        raise InputError(subject=subject, cause="every backup would have the same name", hint=_FORM)
    _check_sample(text, subject)
    if keep is not None:
        _check_keep(keep, names, subject)
    parts = _PLACEHOLDER.split(text)
    form = "".join(_FORMS[part] if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return BackupTemplate(text, re.compile(form), keep)


def date_of(seconds: float) -> str:
    """Return the date that backups of a run have in their names.

    :param seconds: since 1970
    """
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def _check_sample(text: str, subject: str) -> None:
    sample = _PLACEHOLDER.sub(lambda found: _SAMPLE[found[1]], text)
    try:
        check_tag(sample)
    except InputError as fault:
        raise InputError(
            subject=subject, cause=f"it does not make a tag, but {quoted(sample)}", hint=fault.hint
        ) from None
    if is_referrer_tag(sample):
        raise InputError(
            subject=subject,
            cause="it makes names that tags of signatures and of lists of referrers have",
            hint="put something else before {digest}, such as {tag}-backup-",
        )


def _check_keep(keep: int, names: Iterable[str], subject: str) -> None:
    if keep < 1:
        raise InputError(
            subject=f"backup_keep {keep}", cause="not even the last backup would stay", hint="write a number from 1 on"
        )
    missing = [f"{{{name}}}" for name in ("tag", "date") if name not in names]
    if missing:
        raise InputError(
            subject=subject,
            cause=f"it lacks {' and '.join(missing)}, so that backup_keep cannot tell which backups of a tag are older",
            hint="write {tag}-backup-{date}, or leave backup_keep out",
        )
