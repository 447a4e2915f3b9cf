# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each module does, from its options to its result. Everything is checked before anything is contacted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

from .._oci.client.run import Run
from .._oci.errors import ImageOpsError
from .._oci.image.places import place_fault, split_place
from .._oci.image.reference import Reference
from .._sync.decisions import ReturnImages, Status, Verify
from .._sync.results import report, report_files
from .._sync.results.log_file import LogFile
from .._sync.results.message import failure_message, faults_message, found_message, overdue_message, success_message
from .._sync.results.plan_entries import plan_entries
from .._sync.results.progress import Progress
from .._sync.results.progress_log import ProgressLog
from .._sync.rules.prune_checks import check_prune
from .._sync.rules.rule_parser import Rule
from .._sync.rules.tags.tag_options import parse_tags
from .._sync.work.interrupt import leave_soon, run_interruptibly
from . import options as task_options
from .approval import asked_sha256, keep_plan, read_plan
from .bundles import read_bases, read_part_sizes
from .circumstances import Circumstances
from .connections import Connect, Connections, connections, connector
from .inputs import read_inputs
from .locking import LockFile
from .supervision import SharedFiles

if TYPE_CHECKING:
    from .._acr.registry.managed_registry import ManagedRegistry
    from .._sync.engine import Engine
    from .._sync.results.outcome import RunResult
    from .._sync.rules.tags.tag_filter import TagFilter
    from .._sync.run_options import Options
    from .._sync.work.stores import Stores
    from .task import Task


@dataclass(frozen=True)
class _Plan:
    """What a sync is to do, all of it checked."""

    rules: Sequence[Rule]
    asked: str
    options: Options
    connect: Connect
    managed: dict[str, ManagedRegistry]
    run: Run
    max_runtime: float | None
    log: LogFile | None
    report_paths: Sequence[str]
    rerun_path: str
    lock: LockFile | None
    circumstances: Circumstances
    progress: Progress
    shared: SharedFiles
    progress_log: ProgressLog


def sync_images(task: Task) -> NoReturn:
    """Run the module ``registry_image_sync`` and end it with its result."""
    task.need_libraries()
    from .._sync.engine import Engine  # loads requests

    try:
        plan = _plan(task)
        engine = Engine(
            plan.rules,
            connect=plan.connect,
            managed=plan.managed,
            options=plan.options,
            run=plan.run,
            progress=plan.progress,
        )
        result, signal = _run(engine, plan)
    except ImageOpsError as error:
        task.refuse(error)
    more: dict[str, Any] = _write_down(task, plan, result)
    if plan.managed:
        more["acr_credentials"] = {host: asdict(registry.origin) for host, registry in plan.managed.items()}
    _end(task, plan, result, signal, more)


def describe_images(task: Task) -> NoReturn:
    """Run the module ``registry_image_info`` and end it with its result."""
    task.need_libraries()
    try:
        images = [_image_or_place(text) for text in task.params["images"]]
        tags = None if task.params["tags"] is None else parse_tags(task.params["tags"], "this task")
        wish = task.params["verify"]
        found = _describe(
            images,
            connections(task),
            details=task.params["details"],
            tags=tags,
            referrers=task.params["referrers"],
            verify=Verify(wish) if wish else None,
        )
    except ImageOpsError as error:
        task.refuse(error)
    codes = sorted({fault["code"] for entry in found for fault in entry.get("verified", {}).get("faults", ())})
    result = {"changed": False, "images": found}
    if codes:
        task.fail(task.secrets.mask(faults_message(found)), codes=codes, result=result)
    task.succeed({"msg": found_message(found), **result})


def _plan(task: Task) -> _Plan:
    """Check everything that can be checked without asking a registry.

    :raises ImageOpsError: for what cannot be meant
    """
    params = task.params
    options = task_options.sync_options(params, check_mode=task.check_mode)
    max_runtime = task_options.max_runtime(params)
    task_options.check_progress(params)
    inputs = read_inputs(task)
    check_prune(inputs.rules, options.overwrite, in_shards=options.shard is not None)
    run = inputs.run
    approved = read_plan(params, inputs.rules)
    if approved is not None:
        options = replace(options, plan=approved)
    lock = LockFile.of(params)
    if lock is not None:
        options = replace(options, lock=lock.use, compare_all=True)
    report_paths = report_files.prepare(params["report_path"])
    keep_plan(params, report_paths)
    rerun_paths = report_files.prepare(params["rerun_path"], "rerun_path")
    log = LogFile(params["log_path"], mask=task.secrets.mask, warn=task.warn) if params["log_path"] else None
    if log is not None:
        run = replace(run, log=log.line)
    progress = Progress(log.image if log is not None else None)
    run = replace(run, on_wait=progress.asked_to_wait)
    bases, part_sizes = read_bases(params, inputs.rules), read_part_sizes(params, inputs.rules)
    connect = connector(inputs.accesses, inputs.credentials, run, bases, part_sizes)

    def snapshot() -> dict[str, Any]:
        return {**progress.view(), "retries": run.budget.spent, "check_mode": task.check_mode}

    return _Plan(
        rules=inputs.rules if approved is None else approved.rules(inputs.rules),
        asked=asked_sha256(params, inputs.rules),
        options=options,
        connect=connect,
        managed=inputs.managed,
        run=run,
        max_runtime=max_runtime,
        log=log,
        report_paths=report_paths,
        rerun_path=rerun_paths[0] if rerun_paths and not task.check_mode else "",
        lock=lock,
        circumstances=Circumstances(params, inputs.rules),
        progress=progress,
        shared=SharedFiles.of(params, snapshot),
        progress_log=ProgressLog(params["progress"] if log is not None else 0, snapshot, run.log),
    )


def _run(engine: Engine, plan: _Plan) -> tuple[RunResult, str]:
    """Run the engine to its end, a signal or its time limit. Return its result and the signal's name."""

    def interrupt() -> None:
        plan.run.stop.set()
        engine.close()

    if plan.log is not None:
        plan.log.begun(len(plan.rules), check_mode=plan.options.check_mode)
    with plan.progress_log, plan.shared as shared:
        ended = run_interruptibly(
            engine.run, interrupt=interrupt, limit=plan.max_runtime, lease_is_lost=shared.lease_is_lost
        )
    if ended.signal or ended.overdue:
        leave_soon()
    result = ended.value or engine.snapshot()
    result = replace(result, overdue=ended.overdue and result.interrupted)
    for image in result.images:
        if image.error is not None and image.error.code == "interrupted":
            image.status, image.error = Status.PENDING, None  # nothing is wrong with it, it has only not been finished
    return result, ended.signal


def _write_down(task: Task, plan: _Plan, result: RunResult) -> dict[str, Any]:
    """Finish the log, and write the files of a run. Return what the task's result says of them.

    The run is over: what goes wrong here is a warning.
    """
    if plan.log is not None:
        plan.log.finished(result, check_mode=task.check_mode)
        plan.log.close()
    return {
        **(_write_report(task, plan, result) if plan.report_paths else {}),
        **(_write_lock(task, plan.lock, result) if plan.lock is not None else {}),
        **(_write_rerun(task, plan.rerun_path, result) if plan.rerun_path else {}),
    }


def _write_report(task: Task, plan: _Plan, result: RunResult) -> dict[str, Any]:
    content = report.full(
        result,
        check_mode=task.check_mode,
        mask=task.secrets.mask,
        circumstances=plan.circumstances.told(task.secrets.mask),
        timeline=plan.progress.timeline(),
    )
    if task.check_mode:
        content["plan"] = plan_entries(result, made=plan.options.began, asked=plan.asked)
    try:
        digest = report_files.write(plan.report_paths, content, language=task.params["report_language"])
    except OSError as error:
        task.warn(f"cannot write the report {error.filename}: {error.strerror or error}")
        return {}
    return {"plan_sha256": digest} if task.check_mode and digest else {}


def _write_lock(task: Task, lock: LockFile, result: RunResult) -> dict[str, Any]:
    if not task.check_mode:
        try:
            lock.write(result)
        except OSError as error:
            task.warn(f"cannot write the lock {error.filename}: {error.strerror or error}")
            return {}
    return {"lock": lock.told(result)}


def _write_rerun(task: Task, path: str, result: RunResult) -> dict[str, Any]:
    again = report.failed_rules(result)
    try:
        report_files.write_rules(path, again)
    except OSError as error:
        task.warn(f"cannot write the failed images to {error.filename}: {error.strerror or error}")
        return {}
    return {"rerun_path": path} if again else {}


def _end(task: Task, plan: _Plan, result: RunResult, signal: str, more: dict[str, Any]) -> NoReturn:
    """End the task.

    :param more: keys of its result that are not out of the run
    """
    if task.secrets.occur_in(f"{image.source} {image.destination}" for image in result.images):
        task.warn(
            "a secret is a part of an image's name or tag. Ansible masks it wherever it occurs, so that references in "
            "this result are not complete. Choose another secret, or read the references from report_path"
        )
    failures = [image.error for image in result.images if image.error is not None and image.status == Status.FAILED]
    codes = {code for error in failures for code in error.codes}
    if signal or (result.interrupted and not result.overdue):
        codes.add("interrupted")
    returned = report.build(
        result,
        return_images=ReturnImages(task.params["return_images"]),
        mask=task.secrets.mask,
        check_mode=task.check_mode,
    )
    returned.update(more)
    if "lock" in more:
        returned["changed"] = result.changed or more["lock"]["changed"] > 0
    if codes:
        message = failure_message(result, check_mode=task.check_mode, signal=signal)
        task.fail(task.secrets.mask(message), codes=sorted(codes), result=returned)
    if result.overdue:
        task.warn(overdue_message(result))
    if task.diff_mode:
        returned["diff"] = report.diff(result, plan.lock.diff(result) if plan.lock is not None else ())
    task.succeed({"msg": success_message(result, check_mode=task.check_mode), **returned})


def _image_or_place(text: str) -> Reference:
    """Return a reference; one without a repository for a place on disk as a whole."""
    place, below = split_place(text) or ("", "")
    if place and not below and place_fault(text) is None:
        return Reference(place, "")
    return Reference.parse(text)


def _repositories(image: Reference, stores: Stores) -> list[Reference]:
    """Return a reference itself; for a place as a whole each repository that is there."""
    if image.repository:
        return [image]
    return [Reference(image.registry, path) for path in stores.store(image.registry).catalog("")]


def _describe(
    images: Sequence[Reference],
    registries: Connections,
    *,
    details: bool,
    tags: TagFilter | None,
    referrers: bool,
    verify: Verify | None,
) -> list[dict[str, Any]]:
    from .._sync.info import Describer
    from .._sync.integrity import Verifier, nothing_there
    from .._sync.vendors import Vendors
    from .._sync.work.stores import Stores

    stores = Stores(registries.connect)
    try:
        named = [one for image in images for one in _repositories(image, stores)]
        run = registries.run
        verified = []
        if verify is not None:
            if images and not named:
                raise nothing_there(", ".join(map(str, images)))
            taken = Describer(stores, run, details=False, tags=tags).taken(named)
            verified = Verifier(stores, run, verify, referrers=referrers).verify(taken)
        # What is damaged cannot be described in detail.
        whole = not any(each["faults"] for each in verified)
        describer = Describer(stores, run, details=details and whole, tags=tags, referrers=referrers and whole)
        found = describer.describe(named)
        return [{**entry, "verified": each} for entry, each in zip(found, verified)] if verified else found
    except ImageOpsError as error:
        Vendors(stores, registries.managed).advise(error)
        raise
    finally:
        stores.close()
