# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests a run costs, by the registries' own access logs: what has to be asked, and nothing else.

Source: a page of tags a repository, a HEAD a tag, a GET a distinct manifest and a distinct blob. Destination: a page of
tags, a HEAD a tag that it has, two requests a blob and repository (one if it is there or mounted), a PUT a child
manifest and a tag. What refers to images: where a registry does not list it, one request that finds that out, and the
page of tags; of an unchanged index a GET at the destination, which tells its children. Tokens: one a repository and
action, and one a pair of repositories that blobs are mounted between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.scenes import images
from support.scenes.images import Image
from support.scenes.runs import Run
from support.servers.docker_registry import DockerRegistry, docker_registry
from support.servers.shared import Servers
from support.servers.storage import quick_directory

Plain = Callable[[Endpoint], PlainClient]
Fresh = Callable[[], str]
Tags = Mapping[str, Image]
Counts = dict[tuple[str, str], int]

NO_LIST = {("GET", "referrers"): 1}
"""What finds out, once a run, that a source does not list referrers."""


@pytest.fixture(scope="module")
def token_destination(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A second registry that wants tokens, from the same token server."""
    with quick_directory(tmp_path_factory.mktemp("destination")) as directory:
        (directory / "tokens-too").mkdir(exist_ok=True)
        with docker_registry(directory / "tokens-too", tokens=servers.tokens) as registry:
            yield registry


def push(client: PlainClient, repository: str, tags: Tags) -> None:
    for tag, image in tags.items():
        client.push(repository, image, tag)


def item(source: DockerRegistry, path: str, *destinations: str) -> dict[str, Any]:
    return {"source": f"{source.host}/{path}", "destination": list(destinations)}


def costs(*registries: DockerRegistry, items: list[dict[str, Any]]) -> list[Counts]:
    """Run once, and count what each registry was asked."""
    for registry in registries:
        registry.mark()
    result = Run([registry.endpoint for registry in registries]).sync(*items)
    assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
    assert not result.rereads
    return [dict(registry.counts()) for registry in registries]


def manifests(tags: Tags) -> set[str]:
    return {digest for image in tags.values() for digest in image.all_manifests()}


def blobs(tags: Tags) -> set[str]:
    return {digest for image in tags.values() for digest in image.all_blobs()}


def reading(*repositories: Tags) -> Counts:
    """What a first run has to ask of a source with these repositories."""
    return {
        ("GET", "tags"): len(repositories),
        ("HEAD", "manifest"): sum(map(len, repositories)),
        ("GET", "manifest"): len(set().union(*map(manifests, repositories))),
        ("GET", "blob"): len(set().union(*map(blobs, repositories))),
        **NO_LIST,
    }


def writing(*repositories: Tags) -> Counts:
    """What a first run has to ask of an empty destination."""
    children = sum(len(manifests(tags) - {image.digest for image in tags.values()}) for tags in repositories)
    return {
        ("GET", "tags"): len(repositories),
        ("POST", "mount"): sum(len(blobs(tags)) for tags in repositories),
        ("PUT", "upload"): len(set().union(*map(blobs, repositories))),
        ("PUT", "manifest"): children + sum(map(len, repositories)),
    }


def looking(*repositories: Tags) -> Counts:
    """What each side is asked when there is nothing to do."""
    return {("GET", "tags"): len(repositories), ("HEAD", "manifest"): sum(map(len, repositories))}


def indexes(tags: Tags) -> int:
    return len({image.digest for image in tags.values() if image.children})


def family(seed: str) -> Tags:
    """Tags that share layers, two that are one digest, and an index whose children share them, too."""
    tags = dict(images.sharing_tags(seed, 4))
    shared = tags["v0"].blobs[1:3]
    return {**tags, "again": tags["v0"], "index": images.multi_arch(f"{seed} index", shared=shared)}


def test_a_first_and_a_second_run(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path, target = fresh(), fresh()
    tags = family(path)
    push(plain(source.endpoint), path, tags)
    items = [item(source, path, f"{destination.host}/{target}")]

    assert costs(source, destination, items=items) == [reading(tags), writing(tags)]
    assert costs(source, destination, items=items) == [
        {**looking(tags), **NO_LIST},
        {**looking(tags), ("GET", "manifest"): indexes(tags)},
    ]


def test_a_tag_that_moved(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path, target = fresh(), fresh()
    tags = images.sharing_tags(path, 5)
    push(plain(source.endpoint), path, tags)
    items = [item(source, path, f"{destination.host}/{target}")]
    costs(source, destination, items=items)
    moved = images.image(f"{path} moved", layers=[*tags["v0"].blobs[1:4], images.layer(f"{path} moved")])
    plain(source.endpoint).push(path, moved, "v3")

    read, written = costs(source, destination, items=items)

    assert read == {**looking(tags), ("GET", "manifest"): 1, ("GET", "blob"): 2, **NO_LIST}
    assert written == {**looking(tags), ("POST", "mount"): 5, ("PUT", "upload"): 2, ("PUT", "manifest"): 1}


def test_a_tag_more_costs_no_look_at_the_destination(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path, target = fresh(), fresh()
    tags = dict(images.sharing_tags(path, 3))
    push(plain(source.endpoint), path, tags)
    items = [item(source, path, f"{destination.host}/{target}")]
    costs(source, destination, items=items)
    plain(source.endpoint).push(path, tags["v1"], "same-digest")

    read, written = costs(source, destination, items=items)

    assert read == {("GET", "tags"): 1, ("HEAD", "manifest"): 4, ("GET", "manifest"): 1, **NO_LIST}
    assert written == {
        **looking(tags),
        ("POST", "mount"): len(tags["v1"].all_blobs()),
        ("PUT", "manifest"): 1,
    }


def test_several_destinations_cost_one_reading(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, one, other = servers.open, servers.relative, servers.htpasswd
    path, target = fresh(), fresh()
    tags = family(path)
    push(plain(source.endpoint), path, tags)
    # What a registry wants for a login is found out by one request, which is not this test's affair.
    items = [item(source, path, f"{one.host}/{target}", f"{other.host}/{target}")]

    read, written, written_too = costs(source, one, other, items=items)

    assert read == reading(tags)
    assert written == writing(tags)
    assert written_too == {**writing(tags), ("GET", "tags"): 2}


def test_repositories_that_share_layers_mount_them(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    base = images.sharing_tags(fresh(), 1)["v0"].blobs[1:4]
    repositories = {
        path: {
            f"v{number}": images.image(f"{path} {number}", layers=[*base, images.layer(f"{path} {number}")])
            for number in range(2)
        }
        for path in (fresh(), fresh(), fresh())
    }
    for path, tags in repositories.items():
        push(plain(source.endpoint), path, tags)
    items = [item(source, path, f"{destination.host}/{path}") for path in repositories]

    read, written = costs(source, destination, items=items)

    assert read == reading(*repositories.values())
    assert written == writing(*repositories.values())


def test_within_one_registry_no_blob_moves(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    registry = servers.open
    path, target = fresh(), fresh()
    tags = family(path)
    push(plain(registry.endpoint), path, tags)

    (asked,) = costs(registry, items=[item(registry, path, f"{registry.host}/{target}")])

    expected = {**reading(tags), **writing(tags), ("GET", "tags"): 2}
    assert asked == {kind: number for kind, number in expected.items() if kind[1] not in ("blob", "upload")}


def test_what_refers_to_an_unchanged_image_by_tags(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path, target = fresh(), fresh()
    client = plain(source.endpoint)
    index = images.multi_arch(path)
    sbom = images.artifact(path, index.children[0])
    client.push(path, index, "1.0")
    client.push(path, images.index([sbom]), index.children[0].digest.replace(":", "-"))
    client.push(path, images.image(f"{path} signature"), index.digest.replace(":", "-") + ".sig")
    whole = {"source": f"{source.host}/{path}:1.0", "destination": f"{destination.host}/{target}"}
    costs(source, destination, items=[whole])

    read, asked = costs(source, destination, items=[whole])

    # A HEAD for the image and for each of the two tags; the index tells its children.
    assert read == {("GET", "tags"): 1, ("HEAD", "manifest"): 3, **NO_LIST}
    assert asked == {("HEAD", "manifest"): 3, ("GET", "manifest"): 1}
    for left_alone in (False, {"unchanged": False}):
        read, asked = costs(source, destination, items=[{**whole, "referrers": left_alone}])
        assert (read, asked) == ({("HEAD", "manifest"): 1}, {("HEAD", "manifest"): 1})


def test_tokens(servers: Servers, token_destination: DockerRegistry, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.token, token_destination
    first, second = fresh(), fresh()
    base = images.sharing_tags(first, 1)["v0"].blobs[1:4]
    repositories = {
        path: {"v0": images.image(path, layers=[*base, images.layer(path)])} for path in sorted((first, second))
    }
    for path, tags in repositories.items():
        push(plain(source.endpoint), path, tags)
    items = [item(source, path, f"{destination.host}/{path}") for path in repositories]
    servers.tokens.mark()

    read, written = costs(source, destination, items=items)

    # Each registry's first request finds out that it wants a token.
    assert read == {**reading(*repositories.values()), ("GET", "tags"): 3}
    assert written == {**writing(*repositories.values()), ("GET", "tags"): 3}
    asked = sorted(request.scopes for request in servers.tokens.requests())
    mounting = [scopes for scopes in asked if len(scopes) == 2]
    leader, follower = repositories
    assert mounting == [(f"repository:{follower}:pull,push", f"repository:{leader}:pull")]
    assert sorted(scopes for scopes in asked if len(scopes) == 1) == sorted(
        (f"repository:{path}:{actions}",) for path in repositories for actions in ("pull", "pull", "pull,push")
    )

    servers.tokens.mark()
    read, written = costs(source, destination, items=items)

    assert written == {**looking(*repositories.values()), ("GET", "tags"): 3}
    assert read == {**written, **NO_LIST}
    assert sorted(request.scopes for request in servers.tokens.requests()) == sorted(
        (f"repository:{path}:pull",) for path in (*repositories, *repositories)
    )
