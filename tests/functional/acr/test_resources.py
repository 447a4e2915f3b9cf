# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Namespaces, repositories and instances against the simulator: made, changed, left alone, deleted, waited for."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.client import OpenApi
from ansible_collections.imageops.registry.plugins.module_utils._acr.api.errors import ApiError
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.instance import (
    endpoint_summaries,
    find_instance,
    get_instance,
    list_instances,
    usage,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.namespace import (
    Namespace,
    NamespaceResource,
    list_namespaces,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.repository import (
    Repository,
    RepositoryResource,
    list_repositories,
)
from ansible_collections.imageops.registry.plugins.module_utils._acr.resources.resource import Change, Wait
from ansible_collections.imageops.registry.plugins.module_utils._oci.errors import ImageOpsError
from ansible_collections.imageops.registry.tests.acr_simulator.clients import SHORT_WAIT
from ansible_collections.imageops.registry.tests.acr_simulator.faults import Kind
from ansible_collections.imageops.registry.tests.acr_simulator.server import Simulator
from ansible_collections.imageops.registry.tests.acr_simulator.world import Instance, Tag

NO_WAIT = replace(SHORT_WAIT, enabled=False)
BRIEF = replace(SHORT_WAIT, timeout=0.0)


def namespace(cr: OpenApi, name: str = "team", *, check_mode: bool = False, **options: Any) -> NamespaceResource:
    options.setdefault("wait", SHORT_WAIT)
    return NamespaceResource(cr, "cri-acme0123456789", name, check_mode=check_mode, **options)


def ensure_namespace(
    cr: OpenApi, name: str = "team", *, options: dict[str, Any] | None = None, **settings: Any
) -> Change:
    one = namespace(cr, name, **(options or {}))
    return one.present(lambda found: one.wanted(settings, found))


def ensure_repository(cr: OpenApi, name: str = "web/nginx", *, check_mode: bool = False, **settings: Any) -> Change:
    one = RepositoryResource(cr, "cri-acme0123456789", "team", name, wait=SHORT_WAIT, check_mode=check_mode)
    return one.present(lambda found: one.wanted(settings, found))


def statuses_asked_for(simulator: Simulator) -> set[str | None]:
    """What the calls that list repositories say of the repositories' status."""
    return {call.parameters.get("RepoStatus") for call in simulator.calls if call.action == "ListRepository"}


@pytest.fixture(params=["http", "body"], autouse=True)
def _forms(request: pytest.FixtureRequest, simulator: Simulator, instance: Instance) -> None:
    simulator.forms = request.param


class TestNamespace:
    def test_is_made_once(self, cr: OpenApi, simulator: Simulator, instance: Instance) -> None:
        first = ensure_namespace(cr, auto_create_repo=True)
        assert first.before is None
        assert first.after == Namespace("team", True, "PRIVATE", False)
        assert first.after.namespace_id == instance.namespaces["team"].namespace_id
        second = ensure_namespace(cr, auto_create_repo=True)
        assert not second.changed
        assert simulator.actions(writes=True) == ["CreateNamespace"]

    @pytest.mark.parametrize(
        ("drift", "setting"),
        [
            ({"auto_create_repo": False}, {"auto_create_repo": True}),
            ({"default_repo_type": "PUBLIC"}, {"default_repo_type": "PRIVATE"}),
            ({"tag_immutability": True}, {"tag_immutability": False}),
            ({"tag_immutability": None}, {"tag_immutability": True}),
        ],
    )
    def test_drift_is_repaired(
        self, cr: OpenApi, simulator: Simulator, instance: Instance, drift: dict[str, Any], setting: dict[str, Any]
    ) -> None:
        ensure_namespace(cr, auto_create_repo=True)
        for name, value in drift.items():
            setattr(instance.namespaces["team"], name, value)
        assert ensure_namespace(cr, **setting).changed
        assert not ensure_namespace(cr, **setting).changed
        assert simulator.actions(writes=True) == ["CreateNamespace", "UpdateNamespace"]

    def test_a_field_that_is_deprecated_goes_with_its_successor(self, cr: OpenApi, simulator: Simulator) -> None:
        """DefaultRepoType is deprecated in favour of DefaultRepoConfiguration."""
        ensure_namespace(cr)
        ensure_namespace(cr, default_repo_type="PUBLIC")
        ensure_namespace(cr, tag_immutability=True)
        sent = [call.parameters for call in simulator.calls if call.action in ("CreateNamespace", "UpdateNamespace")]
        expected = [("PRIVATE", False), ("PUBLIC", False), ("PUBLIC", True)]
        assert [each["DefaultRepoType"] for each in sent] == [repo_type for repo_type, _ in expected]
        assert [json.loads(each["DefaultRepoConfiguration"]) for each in sent] == [
            {"RepoType": repo_type, "TagImmutability": immutable} for repo_type, immutable in expected
        ]

    def test_what_is_not_asked_for_stays(self, cr: OpenApi, instance: Instance) -> None:
        ensure_namespace(cr, auto_create_repo=False, default_repo_type="PUBLIC", tag_immutability=True)
        assert not ensure_namespace(cr).changed
        ensure_namespace(cr, auto_create_repo=True)
        kept = instance.namespaces["team"]
        assert (kept.default_repo_type, kept.tag_immutability) == ("PUBLIC", True)

    def test_check_mode_tells_and_does_nothing(self, cr: OpenApi, simulator: Simulator) -> None:
        change = ensure_namespace(cr, options={"check_mode": True}, default_repo_type="PUBLIC")
        assert change.changed
        assert change.after == Namespace("team", True, "PUBLIC", False)
        assert not namespace(cr, check_mode=True).absent().changed
        assert simulator.actions(writes=True) == []

    def test_deletion_waits_until_it_is_gone(self, cr: OpenApi, instance: Instance) -> None:
        ensure_namespace(cr)
        assert namespace(cr).absent().changed
        assert "team" not in instance.namespaces
        assert not namespace(cr).absent().changed

    def test_one_that_is_being_deleted_is_waited_out(
        self, cr: OpenApi, simulator: Simulator, instance: Instance
    ) -> None:
        simulator.world.looks.namespace_goes = 5
        ensure_namespace(cr, default_repo_type="PUBLIC")
        old = instance.namespaces["team"].namespace_id
        namespace(cr, wait=NO_WAIT).absent()
        assert not namespace(cr, wait=NO_WAIT).absent().changed
        with pytest.raises(ApiError) as caught:
            ensure_namespace(cr, options={"wait": NO_WAIT})
        assert caught.value.code == "acr_state"
        change = ensure_namespace(cr)
        assert change.before is None
        assert instance.namespaces["team"].namespace_id != old
        assert instance.namespaces["team"].default_repo_type == "PRIVATE"

    def test_repositories_are_not_lost_by_accident(self, cr: OpenApi, simulator: Simulator, instance: Instance) -> None:
        ensure_namespace(cr)
        ensure_repository(cr)
        for check_mode in (True, False):
            with pytest.raises(ApiError, match="1 repositories are in it") as caught:
                namespace(cr, check_mode=check_mode).absent()
            assert caught.value.code == "acr_exists"
        assert namespace(cr, force=True).absent().changed
        assert not instance.namespaces

    def test_repositories_that_are_being_deleted_keep_none(self, cr: OpenApi, simulator: Simulator) -> None:
        simulator.world.looks.repository_goes = 10
        ensure_namespace(cr)
        ensure_repository(cr)
        RepositoryResource(cr, "cri-acme0123456789", "team", "web/nginx", wait=NO_WAIT, check_mode=False).absent()
        assert namespace(cr).absent().changed
        assert statuses_asked_for(simulator) == {"NORMAL"}

    def test_a_lost_answer_is_no_duplicate(self, cr: OpenApi, simulator: Simulator) -> None:
        simulator.faults.add("CreateNamespace", Kind.CUT_AFTER)
        assert ensure_namespace(cr, default_repo_type="PUBLIC").changed
        assert simulator.received["CreateNamespace"] == 2

    def test_one_made_meanwhile_gets_the_settings(self, cr: OpenApi, simulator: Simulator, instance: Instance) -> None:
        simulator.before["CreateNamespace"] = lambda: ensure_namespace(cr, default_repo_type="PUBLIC")
        ensure_namespace(cr, default_repo_type="PRIVATE")
        assert instance.namespaces["team"].default_repo_type == "PRIVATE"

    @pytest.mark.parametrize("wait", [SHORT_WAIT, NO_WAIT])
    def test_one_made_meanwhile_keeps_what_is_not_asked_for(
        self, cr: OpenApi, simulator: Simulator, instance: Instance, wait: Wait
    ) -> None:
        simulator.before["CreateNamespace"] = lambda: ensure_namespace(
            cr, default_repo_type="PUBLIC", auto_create_repo=False
        )
        change = ensure_namespace(cr, options={"wait": wait}, tag_immutability=True)
        made = instance.namespaces["team"]
        assert (made.default_repo_type, made.auto_create_repo, made.tag_immutability) == ("PUBLIC", False, True)
        assert change.after == Namespace("team", False, "PUBLIC", True)

    def test_the_quota(self, cr: OpenApi, instance: Instance) -> None:
        instance.namespace_quota = 1
        ensure_namespace(cr)
        with pytest.raises(ApiError) as caught:
            ensure_namespace(cr, "other")
        assert caught.value.code == "quota_exceeded"

    def test_an_instance_that_is_not_ready(self, cr: OpenApi, instance: Instance) -> None:
        instance.status = "STARTING"
        with pytest.raises(ApiError) as caught:
            ensure_namespace(cr)
        assert caught.value.code == "acr_state"

    def test_waiting_ends(self, cr: OpenApi, simulator: Simulator) -> None:
        simulator.world.looks.namespace_shows = 10
        with pytest.raises(ApiError, match="after 0 seconds it does not show") as caught:
            ensure_namespace(cr, options={"wait": BRIEF})
        assert caught.value.code == "acr_wait_timeout"

    def test_the_list_has_all_pages(self, cr: OpenApi, simulator: Simulator, instance: Instance) -> None:
        instance.namespace_quota = 300
        simulator.world.looks.namespace_shows = 0
        for number in range(205):
            cr.call(
                "CreateNamespace",
                {"InstanceId": instance.instance_id, "NamespaceName": f"n{number}"},
                action="create",
                subject="x",
            )
        assert {each.name for each in list_namespaces(cr, instance.instance_id)} == {f"n{n}" for n in range(205)}
        assert simulator.received["ListNamespace"] == 3


class TestRepository:
    @pytest.fixture(autouse=True)
    def _namespace(self, cr: OpenApi, instance: Instance) -> None:
        ensure_namespace(cr, auto_create_repo=False)

    def test_is_made_once(self, cr: OpenApi, simulator: Simulator) -> None:
        first = ensure_repository(cr)
        assert first.after == Repository("team", "web/nginx", "PRIVATE", "web/nginx", False)
        assert first.after.repo_id.startswith("crr-")
        assert not ensure_repository(cr).changed
        assert simulator.actions(writes=True) == ["CreateNamespace", "CreateRepository"]

    @pytest.mark.parametrize(
        "setting", [{"repo_type": "PUBLIC"}, {"summary": "the web server"}, {"tag_immutability": True}]
    )
    def test_changes_one_thing_and_keeps_the_rest(
        self, cr: OpenApi, instance: Instance, setting: dict[str, Any]
    ) -> None:
        ensure_repository(cr)
        repository = instance.namespaces["team"].repositories["web/nginx"]
        repository.detail = "written by hand"
        before = dict(vars(repository))
        assert ensure_repository(cr, **setting).changed
        assert vars(repository) == {**before, **setting}
        assert not ensure_repository(cr, **setting).changed

    def test_an_empty_summary(self, cr: OpenApi) -> None:
        with pytest.raises(ImageOpsError, match="the vendor wants one"):
            ensure_repository(cr, summary="")

    def test_is_not_there_without_its_namespace(self, cr: OpenApi) -> None:
        one = RepositoryResource(cr, "cri-acme0123456789", "nobody", "nginx", wait=SHORT_WAIT, check_mode=False)
        assert not one.absent().changed
        with pytest.raises(ApiError, match=r"with imageops[.]registry[.]acr_namespace"):
            one.present(lambda found: one.wanted({}, found))

    def test_images_are_not_lost_by_accident(self, cr: OpenApi, instance: Instance) -> None:
        ensure_repository(cr)
        repositories = instance.namespaces["team"].repositories
        repositories["web/nginx"].tags.append(Tag("1", "sha256:" + "0" * 64, 1))
        one = RepositoryResource(cr, "cri-acme0123456789", "team", "web/nginx", wait=SHORT_WAIT, check_mode=False)
        with pytest.raises(ApiError, match="it has 1 tags"):
            one.absent()
        forced = RepositoryResource(
            cr, "cri-acme0123456789", "team", "web/nginx", wait=SHORT_WAIT, check_mode=False, force=True
        )
        assert forced.absent().changed
        assert not repositories
        assert not forced.absent().changed

    def test_check_mode(self, cr: OpenApi, simulator: Simulator) -> None:
        assert ensure_repository(cr, check_mode=True).changed
        assert simulator.actions(writes=True) == ["CreateNamespace"]

    def test_the_list(self, cr: OpenApi) -> None:
        for name in ("aa", "bb"):
            ensure_repository(cr, name)
        assert [each.name for each in list_repositories(cr, "cri-acme0123456789", "team")] == ["aa", "bb"]
        assert [each.name for each in list_repositories(cr, "cri-acme0123456789")] == ["aa", "bb"]

    @pytest.mark.parametrize("space", ["team", None])
    def test_the_list_asks_for_those_that_stay(self, cr: OpenApi, simulator: Simulator, space: str | None) -> None:
        simulator.world.looks.repository_goes = 10
        for name in ("aa", "bb"):
            ensure_repository(cr, name)
        RepositoryResource(cr, "cri-acme0123456789", "team", "aa", wait=NO_WAIT, check_mode=False).absent()
        assert [each.name for each in list_repositories(cr, "cri-acme0123456789", space)] == ["bb"]
        assert statuses_asked_for(simulator) == {"NORMAL"}


class TestInstance:
    def test_lists_and_finds(self, cr: OpenApi, simulator: Simulator, instance: Instance) -> None:
        simulator.world.add_instance("other", instance_id="cri-other")
        simulator.world.add_instance("far", instance_id="cri-far", region="eu-central-1")
        assert [each.instance_id for each in list_instances(cr, "cn-shanghai")] == [instance.instance_id, "cri-other"]
        assert find_instance(cr, "cn-shanghai", "other").instance_id == "cri-other"
        assert get_instance(cr, "cn-shanghai", "cri-other").region == "cn-shanghai"
        with pytest.raises(ImageOpsError, match="there are: acme, other"):
            find_instance(cr, "cn-shanghai", "far")

    def test_quotas_and_use(self, cr: OpenApi, instance: Instance) -> None:
        ensure_namespace(cr)
        ensure_repository(cr)
        found = usage(cr, instance.instance_id)
        assert (found.namespaces.limit, found.namespaces.used) == (25, 1)
        assert (found.repositories.limit, found.repositories.used) == (5000, 1)

    def test_domains_come_from_the_api(self, cr: OpenApi, instance: Instance) -> None:
        endpoint = instance.endpoints["Registry"]
        endpoint.enable, endpoint.status = True, "RUNNING"
        endpoint.domains = [("acme.example", "SYSTEM"), ("images.example.com", "USER")]
        public, vpc = endpoint_summaries(cr, instance.instance_id)
        assert (public.domains, public.custom_domains) == (("acme.example",), ("images.example.com",))
        assert (public.endpoint_type, public.enabled, public.status) == ("internet", True, "RUNNING")
        assert vpc.domains == ("acme-registry-vpc.cn-shanghai.cr.aliyuncs.com",)
