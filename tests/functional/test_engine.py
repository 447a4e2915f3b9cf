# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does to real registries: what arrives, what is written, and what it says of it."""

from __future__ import annotations

from typing import Callable

import pytest
from support.clients.endpoint import Endpoint
from support.clients.plain_client import PlainClient
from support.faults.actions import Answer, error_answer
from support.faults.fault_proxy import FaultProxy
from support.scenes import images
from support.scenes.runs import Run, actions, only
from support.servers.shared import Kind, Servers

Plain = Callable[[Endpoint], PlainClient]
Fresh = Callable[[], str]
Faulty = Callable[..., FaultProxy]


def test_every_shape_arrives_byte_for_byte(servers: Servers, registry_kind: Kind, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open.endpoint, registry_kind.endpoint
    path, target = fresh(), fresh()
    gallery = images.gallery(path)
    for tag, image in gallery.items():
        plain(source).push(path, image, tag)
    run = Run([source, destination])

    result = run.sync({"source": f"{source.host}/{path}", "destination": f"{destination.host}/{target}"})

    assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
    assert result.changed
    there = plain(destination)
    for tag, image in gallery.items():
        for digest in image.all_manifests():
            assert there.manifest(target, digest).digest == digest
        assert there.manifest(target, tag).body == image.manifest
        assert all(there.blob(target, digest).digest == digest for digest in image.all_blobs())


def test_the_second_run_writes_nothing(servers: Servers, registry_kind: Kind, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open.endpoint, registry_kind.endpoint
    path, target = fresh(), fresh()
    for tag, image in images.sharing_tags(path, 3).items():
        plain(source).push(path, image, tag)
    item = {"source": f"{source.host}/{path}", "destination": f"{destination.host}/{target}"}
    Run([source, destination]).sync(item)

    again = Run([source, destination]).sync(item)

    assert not again.changed
    assert actions(again) == {f"v{number}": ("unchanged", "done") for number in range(3)}


def test_a_moved_tag_is_updated_alone(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source = servers.open.endpoint
    path, target = fresh(), fresh()
    for tag, image in images.sharing_tags(path, 3).items():
        plain(source).push(path, image, tag)
    item = {"source": f"{source.host}/{path}", "destination": f"{source.host}/{target}"}
    Run([source]).sync(item)
    moved = images.image(f"{path} moved")
    before = plain(source).manifest(path, "v1").digest
    plain(source).push(path, moved, "v1")

    result = Run([source]).sync(item)

    assert actions(result) == {"v0": ("unchanged", "done"), "v1": ("update", "done"), "v2": ("unchanged", "done")}
    image = result.images[1]
    assert (str(image.previous), str(image.digest)) == (before, moved.digest)
    assert plain(source).manifest(target, "v1").digest == moved.digest


def test_check_mode_writes_nothing_and_says_the_same(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path, target = fresh(), fresh()
    made = images.sharing_tags(path, 3)
    for tag, image in made.items():
        plain(source.endpoint).push(path, image, tag)
    item = {"source": f"{source.host}/{path}", "destination": f"{destination.host}/{target}"}
    destination.mark()

    checked = Run([source.endpoint, destination.endpoint]).sync(item, check_mode=True)

    assert not any(request.writes for request in destination.requests())
    done = Run([source.endpoint, destination.endpoint]).sync(item)
    assert checked.changed and done.changed
    assert actions(checked) == actions(done)
    for would, did in zip(checked.images, done.images):
        assert (would.digest, would.bytes, would.blobs_copied, would.blobs_present) == (
            did.digest,
            did.bytes,
            did.blobs_copied,
            did.blobs_present,
        )
    blobs = {digest: len(blob.data) for image in made.values() for digest, blob in image.all_blobs().items()}
    assert sum(image.bytes for image in done.images) == sum(blobs.values())


def test_requests_of_a_first_run_a_second_run_and_one_moved_tag(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path, target = fresh(), fresh()
    made = images.sharing_tags(path, 10)
    for tag, image in made.items():
        plain(source.endpoint).push(path, image, tag)
    blobs = {digest for image in made.values() for digest in image.all_blobs()}
    item = {"source": f"{source.host}/{path}", "destination": f"{destination.host}/{target}"}

    def counts() -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
        source.mark()
        destination.mark()
        Run([source.endpoint, destination.endpoint]).sync(item)
        return dict(source.counts()), dict(destination.counts())

    read, written = counts()
    assert read == {
        ("GET", "tags"): 1,
        ("HEAD", "manifest"): 10,
        ("GET", "manifest"): 10,
        ("GET", "blob"): len(blobs),
        ("GET", "referrers"): 1,
    }
    assert written == {
        ("GET", "tags"): 1,
        ("POST", "mount"): len(blobs),
        ("PUT", "upload"): len(blobs),
        ("PUT", "manifest"): 10,
    }
    read, written = counts()
    assert read == {("GET", "tags"): 1, ("HEAD", "manifest"): 10, ("GET", "referrers"): 1}
    assert written == {("GET", "tags"): 1, ("HEAD", "manifest"): 10}

    base = next(iter(made.values())).blobs[1:4]
    moved = images.image("moved", layers=[*base, images.layer(f"{path} moved")])
    plain(source.endpoint).push(path, moved, "v3")
    read, written = counts()
    assert read == {
        ("GET", "tags"): 1,
        ("HEAD", "manifest"): 10,
        ("GET", "manifest"): 1,
        ("GET", "blob"): 2,
        ("GET", "referrers"): 1,
    }
    assert written == {
        ("GET", "tags"): 1,
        ("HEAD", "manifest"): 10,
        ("POST", "mount"): len(moved.all_blobs()),
        ("PUT", "upload"): 2,
        ("PUT", "manifest"): 1,
    }


def test_within_one_registry_blobs_are_mounted_not_moved(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    registry = servers.open
    path, first, second = fresh(), fresh(), fresh()
    made = images.multi_arch(path)
    plain(registry.endpoint).push(path, made, "latest")
    registry.mark()

    result = Run([registry.endpoint]).sync(
        {"source": f"{registry.host}/{path}:latest", "destination": [f"{registry.host}/{p}" for p in (first, second)]}
    )

    assert {image.status for image in result.images} == {"done"}
    assert sum(image.bytes for image in result.images) == 0
    assert registry.counts()["GET", "blob"] == 0
    assert {image.blobs_mounted for image in result.images} == {len(made.all_blobs())}


def test_repositories_that_share_layers_upload_them_once(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    shared = [images.random_blob(f"{fresh()} {number}", 2000) for number in range(3)]
    paths = [fresh() for _ in range(6)]
    for path in paths:
        plain(source.endpoint).push(path, images.image(path, layers=[*shared, images.layer(path)]), "1.0")
    source.mark()

    result = Run([source.endpoint, destination.endpoint]).sync(
        *({"source": f"{source.host}/{path}", "destination": f"{destination.host}/{path}"} for path in paths)
    )

    assert {image.status for image in result.images} == {"done"}
    assert source.counts()["GET", "blob"] == len(shared) + 2 * len(paths)
    assert [image.blobs_mounted for image in result.images] == [0] + [len(shared)] * (len(paths) - 1)
    assert not result.rereads


def test_one_read_serves_several_destinations(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source = servers.open
    targets = [servers.relative, servers.htpasswd, servers.tls]
    path = fresh()
    made = images.image(path, layers=[images.random_blob(path, 3_000_000), images.layer(path)])
    plain(source.endpoint).push(path, made, "1.0")
    source.mark()

    result = Run([source.endpoint, *(target.endpoint for target in targets)]).sync(
        {"source": f"{source.host}/{path}:1.0", "destination": [f"{target.host}/{path}" for target in targets]}
    )

    assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
    assert source.counts()["GET", "blob"] == len(made.all_blobs())
    for target in targets:
        assert plain(target.endpoint).manifest(path, "1.0").digest == made.digest
        assert all(plain(target.endpoint).has_blob(path, digest) for digest in made.all_blobs())


@pytest.mark.parametrize(("overwrite", "action"), [("always", "update"), ("skip", "skip"), ("fail", "conflict")])
def test_a_differing_tag_and_overwrite(
    servers: Servers, plain: Plain, fresh: Fresh, overwrite: str, action: str
) -> None:
    registry = servers.open.endpoint
    path, target = fresh(), fresh()
    wanted, other = images.image(path), images.image(target)
    plain(registry).push(path, wanted, "1.0")
    plain(registry).push(target, other, "1.0")

    result = Run([registry]).sync(
        {"source": f"{registry.host}/{path}:1.0", "destination": f"{registry.host}/{target}"}, overwrite=overwrite
    )

    image = only(result)
    assert (image.action, image.status) == (action, "failed" if overwrite == "fail" else "done")
    assert result.changed == (overwrite == "always")
    kept = wanted if overwrite == "always" else other
    assert plain(registry).manifest(target, "1.0").digest == kept.digest


def test_a_failure_known_beforehand_stops_a_run_that_is_to_stop(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    registry = servers.open
    path, target = fresh(), fresh()
    for tag, image in images.sharing_tags(path, 3).items():
        plain(registry.endpoint).push(path, image, tag)
    rules = [
        {"source": f"{registry.host}/{path}", "destination": f"{registry.host}/{target}"},
        {"source": f"{registry.host}/{path}:absent", "destination": f"{registry.host}/{target}"},
    ]
    registry.mark()

    result = Run([registry.endpoint]).sync(*rules, on_error="stop")

    pending = dict.fromkeys(("v0", "v1", "v2"), ("create", "pending"))
    assert actions(result) == {**pending, "absent": ("unknown", "failed")}
    assert not result.changed
    assert not any(request.writes for request in registry.requests())


def test_a_failure_on_the_way_stops_a_run_that_is_to_stop(
    servers: Servers, plain: Plain, fresh: Fresh, faulty: Faulty
) -> None:
    source, destination = servers.open.endpoint, faulty(servers.relative.endpoint)
    path = fresh()
    for tag, image in images.sharing_tags(path, 20).items():
        plain(source).push(path, image, tag)
    destination.add(error_answer(403, "DENIED"), method="PUT", target="/manifests/", times=1, skip=1)

    result = Run([source, destination.endpoint]).sync(
        {"source": f"{source.host}/{path}", "destination": f"{destination.endpoint.host}/{path}"},
        on_error="stop",
        concurrency=1,
    )

    assert [image.status for image in result.images].count("pending") == 18
    assert [image.status for image in result.images].count("failed") == 1
    assert len(plain(servers.relative.endpoint).tags(path)) == 1


def test_more_images_than_a_destination_has_tags_stop_the_run_before_it_writes(
    servers: Servers, plain: Plain, fresh: Fresh
) -> None:
    registry = servers.open
    path, target = fresh(), fresh()
    for tag, image in images.sharing_tags(path, 3).items():
        plain(registry.endpoint).push(path, image, tag)
    registry.mark()

    result = Run([registry.endpoint]).sync(
        {"source": f"{registry.host}/{path}:/v/", "destination": f"{registry.host}/{target}:one"},
        {"source": f"{registry.host}/{path}:v1", "destination": f"{registry.host}/{target}"},
    )

    image, other = sorted(result.images, key=lambda each: each.status.value)
    assert (image.status, image.error.code if image.error else "") == ("failed", "invalid_input")
    assert (other.status, other.attempts, other.reason) == (
        "pending",
        0,
        "not tried, since another destination is refused",
    )
    assert "it names one tag and the source has 3" in str(image.error)
    assert not result.changed
    assert not any(request.writes for request in registry.requests())


def test_rules_that_meet_with_different_images_stop_the_run_before_it_writes(
    servers: Servers, plain: Plain, fresh: Fresh
) -> None:
    registry = servers.open
    one, other, innocent, target = fresh(), fresh(), fresh(), fresh()
    for path in (one, other, innocent):
        plain(registry.endpoint).push(path, images.image(path), "1.0")
    registry.mark()

    result = Run([registry.endpoint]).sync(
        {"source": f"{registry.host}/{one}:/1/", "destination": f"{registry.host}/{target}"},
        {"source": f"{registry.host}/{other}:/1/", "destination": f"{registry.host}/{target}"},
        {"source": f"{registry.host}/{innocent}", "destination": f"{registry.host}/{target}/innocent"},
    )

    assert sorted(image.status for image in result.images) == ["failed", "failed", "pending"]
    assert {image.error.code for image in result.images if image.error} == {"conflict"}
    assert not result.changed
    assert not any(request.writes for request in registry.requests())


def test_platforms_are_selected_and_that_is_idempotent(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path, target = fresh(), fresh()
    made = images.multi_arch(path, attestations=True)
    single = images.image(f"{path} single", platform="linux/s390x")
    plain(source.endpoint).push(path, made, "multi")
    plain(source.endpoint).push(path, single, "single")
    item = {
        "source": f"{source.host}/{path}",
        "destination": f"{destination.host}/{target}",
        "platforms": ["linux/arm64", "linux/arm"],
    }

    result = Run([source.endpoint, destination.endpoint]).sync(item)

    assert actions(result) == {"multi": ("create", "done"), "single": ("skip", "done")}
    assert "s390x" in result.images[1].reason
    arrived = plain(destination.endpoint).manifest(target, "multi")
    kept = [entry["digest"] for entry in arrived.json()["manifests"]]
    assert kept == [child.digest for child in made.children[2:]]
    assert str(result.images[0].digest) == arrived.digest != made.digest
    assert "digest changes" in "; ".join(result.images[0].notes)
    again = Run([source.endpoint, destination.endpoint]).sync(item)
    assert not again.changed


def test_a_failed_image_stops_no_other(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path, target = fresh(), fresh()
    made = images.sharing_tags(path, 4, shared=1)
    for tag, image in made.items():
        plain(source.endpoint).push(path, image, tag)
    source.blob_path(made["v2"].blobs[-1].digest).unlink()

    result = Run([source.endpoint, destination.endpoint]).sync(
        {"source": f"{source.host}/{path}", "destination": f"{destination.host}/{target}"}, retries=1
    )

    assert actions(result) == {tag: ("create", "failed" if tag == "v2" else "done") for tag in ("v0", "v1", "v2", "v3")}
    broken = result.images[2]
    assert broken.error is not None and broken.error.code == "source_incomplete"
    assert made["v2"].blobs[-1].digest in str(broken.error)
    assert sorted(plain(destination.endpoint).tags(target)) == ["v0", "v1", "v3"]


def test_a_digest_is_copied_by_digest_and_under_a_tag(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    registry = servers.open.endpoint
    path, bare, tagged = fresh(), fresh(), fresh()
    made = images.multi_arch(path)
    plain(registry).push(path, made, "1.0")
    source = f"{registry.host}/{path}@{made.digest}"

    result = Run([registry]).sync(
        {"source": source, "destination": f"{registry.host}/{bare}"},
        {"source": source, "destination": f"{registry.host}/{tagged}:named"},
    )

    assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
    assert plain(registry).manifest(bare, made.digest).digest == made.digest
    assert plain(registry).tags(bare) == []
    assert plain(registry).manifest(tagged, "named").digest == made.digest


def test_rewrite_puts_manifests_again_and_keeps_blobs(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open, servers.relative
    path = fresh()
    made = images.image(path)
    for registry in (source, destination):
        plain(registry.endpoint).push(path, made, "1.0")
    destination.mark()

    result = Run([source.endpoint, destination.endpoint]).sync(
        {"source": f"{source.host}/{path}", "destination": f"{destination.host}/{path}"}, rewrite=True
    )

    assert (only(result).action, only(result).blobs_present) == ("update", len(made.all_blobs()))
    assert result.changed
    counts = destination.counts()
    assert (counts["PUT", "manifest"], counts["PUT", "upload"]) == (1, 0)


def test_what_is_not_there_fails_with_its_own_codes(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    registry = servers.open.endpoint
    path = fresh()
    plain(registry).push(path, images.image(path), "1.0")

    result = Run([registry]).sync(
        {"source": f"{registry.host}/{path}:2.0", "destination": f"{registry.host}/{fresh()}"},
        {"source": f"{registry.host}/{fresh()}", "destination": f"{registry.host}/{fresh()}"},
        retries=2,
    )

    codes = {image.error.code for image in result.images if image.error}
    assert codes == {"tag_not_found", "repository_not_found"}
    assert {image.status for image in result.images} == {"failed"}


def test_a_referrer_is_listed_where_the_registry_does_not(servers: Servers, plain: Plain, fresh: Fresh) -> None:
    source, destination = servers.open.endpoint, servers.relative.endpoint
    path, alone, together = fresh(), fresh(), fresh()
    subject = images.image(path)
    artifact = images.artifact(path, subject)
    listed = images.index([(artifact, {"artifactType": "application/vnd.example.sbom"})])
    fallback = subject.digest.replace(":", "-")
    for image, tag in ((subject, "image"), (artifact, "sbom"), (listed, fallback)):
        plain(source).push(path, image, tag)

    result = Run([source, destination]).sync(
        {"source": f"{source.host}/{path}:sbom", "destination": f"{destination.host}/{alone}"},
        {"source": f"{source.host}/{path}", "destination": f"{destination.host}/{together}"},
    )

    assert {image.status for image in result.images} == {"done"}, [str(image.error) for image in result.images]
    made = plain(destination).manifest(alone, fallback).json()
    assert [entry["digest"] for entry in made["manifests"]] == [artifact.digest]
    assert plain(destination).manifest(together, fallback).digest == listed.digest


def test_a_referrer_that_could_not_be_listed_is_listed_by_the_next_run(
    servers: Servers, plain: Plain, fresh: Fresh, faulty: Callable[..., FaultProxy]
) -> None:
    source, destination = servers.open.endpoint, faulty(servers.relative.endpoint)
    path = fresh()
    subject = images.image(path)
    artifact = images.artifact(path, subject)
    fallback = subject.digest.replace(":", "-")
    for image, tag in ((subject, "image"), (artifact, "sbom")):
        plain(source).push(path, image, tag)
    rule = {"source": f"{source.host}/{path}:sbom", "destination": f"{destination.host}/{path}"}
    destination.add(Answer(403), method="PUT", target=fallback, times=None)

    broken = Run([source, destination.endpoint]).sync(rule, retries=0)

    assert only(broken).status == "failed"
    assert "sbom" not in plain(servers.relative.endpoint).tags(path)
    destination.clear()
    assert only(Run([source, destination.endpoint]).sync(rule)).status == "done"
    listed = plain(servers.relative.endpoint).manifest(path, fallback).json()
    assert [entry["digest"] for entry in listed["manifests"]] == [artifact.digest]


def test_a_rule_that_copies_what_another_writes_is_copied_after_it(
    servers: Servers, plain: Plain, fresh: Fresh
) -> None:
    registry = servers.open
    first, second, third = fresh(), fresh(), fresh()
    client = plain(registry.endpoint)
    for tag, image in images.sharing_tags(first, 3).items():
        client.push(first, image, tag)
    rules = (
        {"source": f"{registry.host}/{second}", "destination": f"{registry.host}/{third}"},
        {"source": f"{registry.host}/{first}", "destination": f"{registry.host}/{second}"},
    )

    registry.mark()
    checked = Run([registry.endpoint]).sync(*rules, check_mode=True)
    assert not any(request.writes for request in registry.requests())
    done = Run([registry.endpoint]).sync(*rules)

    assert {(image.action, image.status) for image in (*checked.images, *done.images)} == {("create", "done")}
    assert len(done.images) == 6
    assert [image.digest for image in checked.images] == [image.digest for image in done.images]
    assert {tag: client.manifest(third, tag).digest for tag in client.tags(third)} == {
        tag: client.manifest(first, tag).digest for tag in client.tags(first)
    }
    assert sum(image.blobs_copied for image in done.images) == 0
    assert not Run([registry.endpoint]).sync(*rules).changed
