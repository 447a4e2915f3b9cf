# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What did not come from the registry itself: from a host that it leads to, or from a proxy on the way.

An error names the host that was really asked, which host led there, and what helps.
"""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from ..errors import Code
from ..http.faults import Fault
from ..http.proxies import AROUND
from ..http.transport import Answer
from .retry import is_retried


def hints_elsewhere(fault: Fault, registry: str) -> dict[str, str]:
    """Return what to do about a fault at a host that the registry names: its storage, or its token server."""
    if fault.unresolved:
        reach = f"the name {fault.host} has to be known here too, or {registry} has to name another"
    else:
        reach = f"{fault.host} has to be reached from here too; {_named_wrongly(fault.host, registry)}"
    return {
        "tls_untrusted": f"add the certificate of its authority to ca_path or ca of {registry}, which "
        "holds for every host that it names",
        "plain_http": f"{registry} names it with https, and has to be configured otherwise",
        "connection_failed": reach,
        "timeout": reach if fault.connecting else "",
    }


def led_to(host: str, registry: str, cause: str, hint: str, *, write: bool = False) -> tuple[str, str]:
    """Return cause and hint of an error of another registry, with both hosts and what to write.

    :param write: it is an upload that was led there, which is no redirect: the registry has named a wrong address
    """
    instead = _named_wrongly(host, registry) if write else f"write {host} in place of {registry}"
    return f"{registry} leads to {host}, and there: {cause}", f"{hint}; or {instead}" if hint and not write else instead


def _named_wrongly(host: str, registry: str) -> str:
    return (
        f"where {host} is a wrong host or port, a proxy in front of {registry} has to pass on Host with the port, or "
        "the registry's configuration has to name its own address"
    )


def is_moved(answer: Answer) -> bool:
    """Return whether an answer came from another registry that was redirected to, and from no storage."""
    return answer.foreign and urlsplit(answer.url).path.startswith("/v2/")


def is_of_proxy(answer: Answer, codes: frozenset[str]) -> bool:
    """Return whether it was a proxy that refused, in its own words: a registry says what it is, or speaks JSON."""
    if not answer.proxy or answer.status < 402 or answer.status == 404 or codes:
        return False
    headers = answer.headers
    return "Docker-Distribution-Api-Version" not in headers and "json" not in headers.get("Content-Type", "").lower()


def judge_proxy(answer: Answer) -> tuple[Code, str, str, bool]:
    if answer.status == 407:
        return "connection_failed", f"the proxy {answer.proxy} wants another user or password", "check proxy", False
    passing = is_retried(answer.status)
    return "connection_failed", f"the proxy {answer.proxy} answered in place of the registry", AROUND, passing


def judge_redirect(answer: Answer, registry: str) -> tuple[str, str]:
    """Cause and hint of a redirect that is not followed: of what is written, where it would have to be sent twice."""
    target = urlsplit(urljoin(answer.url, answer.headers.get("Location", "")))
    here = urlsplit(answer.url)
    cause = f"it answers with a redirect to {target.scheme}://{target.netloc}"
    if target.hostname == here.hostname and (here.scheme, target.scheme) == ("http", "https"):
        return cause, f"leave plain_http out, and write {target.netloc}"
    if target.netloc in ("", here.netloc):
        return "it answers with a redirect", "check the host name and plain_http"
    return cause, f"write {target.netloc} in place of {registry}"
