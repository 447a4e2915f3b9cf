# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Harbor as a source of whole projects: what each login is shown, and what it is told of the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._harbor.catalog import HarborCatalog
from ansible_collections.imageops.registry.plugins.module_utils._oci.credentials.provider import Credential
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import RegistryError
from ansible_collections.imageops.registry.plugins.module_utils._sync.results.outcome import ImageResult
from support.clients.collection_client import Heard, registry_client
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.runs import Run
from support.servers.harbor import Harbor, harbor
from support.servers.harbor_world import DEVELOPER, GUEST, PULL_ONLY

ROBOT, SYSTEM_ROBOT, PULLER = "robot$library+sync", "robot$all", "robot$puller"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harbor]:
    with harbor(tmp_path_factory.mktemp("harbor")) as found:
        world = found.world
        world.add_project("library", public=True)
        world.add_project("private")
        world.add_project("large", named_only=250)
        world.add_project("2024", named_only=1)
        world.add_project("empty")
        world.add_account(ROBOT, "pa$$w:ord", rights={"library": DEVELOPER, "private": DEVELOPER})
        world.add_account(SYSTEM_ROBOT, "secret", rights={"*": GUEST})
        world.add_account(PULLER, "secret", rights={"private": PULL_ONLY})
        world.add_account("member", "secret", rights={"private": GUEST})
        world.add_account("oidc", "cli-secret", rights={"private": GUEST}, cli_secret=True)
        with PlainClient(found.admin) as client:
            for path in ("library/nginx", "library/team/app", "private/secret"):
                client.push(path, images.image(path), "1")
        yield found


@pytest.fixture
def server(shared: Harbor) -> Harbor:
    shared.proxy.mark()
    shared.failures.clear()
    shared.world.lost_rows = 0
    shared.world.tells_version = False
    return shared


def listed(
    endpoint: Endpoint, prefix: str, heard: Heard | None = None, credential: Credential | None = None
) -> list[str]:
    with registry_client(endpoint, heard=heard, credential=credential) as registry:
        return sorted(HarborCatalog(registry).repositories(prefix))


def refusal(endpoint: Endpoint, prefix: str, credential: Credential | None = None) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        listed(endpoint, prefix, credential=credential)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("name", ["", "admin", ROBOT, SYSTEM_ROBOT, "member", PULLER])
def test_a_public_project_is_listed_whole_to_everybody(server: Harbor, name: str) -> None:
    heard = Heard()
    endpoint = server.endpoint_of(name) if name else server.endpoint
    assert listed(endpoint, "library/", heard) == ["library/nginx", "library/team/app"]
    assert heard.warnings == []


@pytest.mark.parametrize("name", ["admin", ROBOT, SYSTEM_ROBOT, "member", "oidc"])
def test_a_private_project_is_listed_to_those_with_the_right(server: Harbor, name: str) -> None:
    heard = Heard()
    assert listed(server.endpoint_of(name), "private/", heard) == ["private/secret"]
    assert heard.warnings == []


def test_all_pages_are_read_by_number(server: Harbor) -> None:
    assert len(listed(server.admin, "large/")) == 250
    assert [call.rpartition("?")[2] for call in server.api_calls()[1:-1]] == [
        f"page={page}&page_size=100" for page in (1, 2, 3)
    ]


def test_a_project_whose_name_is_a_number(server: Harbor) -> None:
    assert listed(server.admin, "2024/") == ["2024/repo-0000"]


def test_below_a_path_only_what_is_there(server: Harbor) -> None:
    assert listed(server.admin, "library/team/") == ["library/team/app"]


@pytest.mark.parametrize("name", ["", "robot$puller"])
def test_who_may_not_list_a_project_is_told(server: Harbor, name: str) -> None:
    error = refusal(server.endpoint_of(name) if name else server.endpoint, "private/")
    assert error.code == ("pull_denied" if name else "no_credentials")
    assert "project private" in str(error)


def test_a_project_that_is_not_there(server: Harbor) -> None:
    assert refusal(server.admin, "absent/").code == "repository_not_found"
    assert refusal(server.endpoint_of("member"), "absent/").code == "pull_denied"


@pytest.mark.parametrize("prefix", ["", "library/", "private/"])
@pytest.mark.parametrize("tells_version", [False, True])
def test_a_wrong_password_is_no_shorter_list(server: Harbor, prefix: str, tells_version: bool) -> None:
    server.world.tells_version = tells_version
    error = refusal(server.endpoint.as_user("admin", "wrong"), prefix)
    assert error.code == "bad_credentials"
    assert "admin" in str(error) and "wrong" not in str(error)


def test_a_token_is_no_login_for_the_api(server: Harbor) -> None:
    error = refusal(server.endpoint, "library/", Credential(identity_token="token"))
    assert error.code == "no_credentials"
    assert not server.api_calls()


def test_the_administrator_lists_everything_and_is_not_warned(server: Harbor) -> None:
    heard = Heard()
    found = listed(server.admin, "", heard)
    assert len(found) == 254 and {"private/secret", "2024/repo-0000"} <= set(found)
    assert heard.warnings == []


@pytest.mark.parametrize(
    ("name", "count", "says"),
    [
        ("", 2, "without a login and shows its public projects alone, 1 of them"),
        ("member", 3, "shows member the 2 projects that are public or that it belongs to"),
        ("oidc", 3, "shows oidc the 2 projects"),
        (ROBOT, 3, "the 2 projects"),
    ],
)
def test_a_narrow_login_is_told_that_it_is_one(server: Harbor, name: str, count: int, says: str) -> None:
    heard = Heard()
    found = listed(server.endpoint_of(name) if name else server.endpoint, "", heard)
    assert len(found) == count
    (warning,) = heard.warnings
    assert says in warning


@pytest.mark.parametrize("name", [SYSTEM_ROBOT, "oidc-admin"])
def test_who_sees_everything_is_not_warned_although_harbor_does_not_describe_it(server: Harbor, name: str) -> None:
    server.world.add_account("oidc-admin", server.world.accounts["oidc"].password, admin=True, cli_secret=True)
    heard = Heard()
    assert len(listed(server.endpoint_of(name), "", heard)) == 254
    assert heard.warnings == []


@pytest.mark.parametrize("prefix", ["", "private/"])
def test_a_proxy_cache_is_named_as_one(server: Harbor, prefix: str) -> None:
    server.world.projects["private"].proxy_cache = True
    try:
        heard = Heard()
        assert "private/secret" in listed(server.admin, prefix, heard)
    finally:
        server.world.projects["private"].proxy_cache = False
    (warning,) = heard.warnings
    assert f"{server.host}/private: a proxy cache of another registry" in warning


def test_projects_that_refuse_are_named(server: Harbor) -> None:
    heard = Heard()
    assert listed(server.endpoint_of(PULLER), "", heard) == ["library/nginx", "library/team/app"]
    assert any("does not list the repositories of private to robot$puller" in text for text in heard.warnings)


def test_a_list_that_moved_is_read_again(server: Harbor) -> None:
    server.world.lost_rows = 1
    assert len(listed(server.admin, "large/")) == 250


def test_a_list_that_stays_short_is_an_error(server: Harbor) -> None:
    server.world.lost_rows = 100
    error = refusal(server.admin, "large/")
    assert error.transient
    assert "counts 250 and lists 24" in str(error)


def test_passing_failures_are_asked_again(server: Harbor) -> None:
    server.failures += [500, 503]
    assert listed(server.admin, "library/") == ["library/nginx", "library/team/app"]


def test_a_harbor_without_this_api(server: Harbor) -> None:
    server.failures += [404]
    error = refusal(server.admin, "library/")
    assert error.code == "unsupported" and "2.0" in str(error)


def test_the_login_goes_to_harbor_in_a_header_alone(server: Harbor) -> None:
    heard = Heard()
    listed(server.endpoint_of(ROBOT), "private/", heard)
    records = [record for record in server.proxy.records() if record.target.startswith("/api/")]
    sent = {record.headers["authorization"] for record in records}
    assert len(sent) == 1
    assert sent.pop().removeprefix("Basic ") in heard.secrets
    assert not any("pa$$w" in record.target for record in server.proxy.records())


PUSHER = "robot$library+pusher"


@pytest.fixture
def pusher(server: Harbor) -> Endpoint:
    """A robot that may list a private project and push there, and is not shown what is there by the registry."""
    server.world.add_account(PUSHER, "secret", rights={"private": frozenset(("list", "push"))})
    return server.endpoint_of(PUSHER)


def check(server: Harbor, pusher: Endpoint, destination: str, source: str = "library/nginx:1") -> ImageResult:
    """What check mode says of one image."""
    result = Run([pusher]).sync(
        {"source": f"{server.host}/{source}", "destination": f"{server.host}/{destination}"}, check_mode=True
    )
    (image,) = result.images
    return image


@pytest.mark.parametrize(
    ("destination", "action"),
    [("private/absent:1", "create"), ("private/secret:2", "create"), ("private/secret:1", "update")],
)
def test_the_api_settles_what_the_registry_does_not_show(
    server: Harbor, pusher: Endpoint, destination: str, action: str
) -> None:
    image = check(server, pusher, destination)
    assert (image.action, image.status) == (action, "done"), image.error


def test_what_the_api_does_not_show_either_is_unknown(server: Harbor) -> None:
    server.world.add_account(PUSHER, "secret", rights={"private": frozenset(("push",))})
    image = check(server, server.endpoint_of(PUSHER), "private/secret:1")
    assert (image.action, image.status) == ("unknown", "done")
