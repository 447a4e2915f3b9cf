# Copyright (c) 2026, The imageops.registry authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module `registry_image_sync` does, from its options to its result.

Everything is checked before anything is contacted.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ..._oci.client.run import Run
from ..._oci.errors import ImageOpsError
from ..._sync.decisions import ReturnImages, Status
from ..._sync.idle import Idle
from ..._sync.results import report, report_files
from ..._sync.results.message import failure_message, overdue_message, success_message
from ..._sync.results.progress.counters import Progress
from ..._sync.rules.prune_checks import check_prune
from ..._sync.rules.rule_parser import Rule
from ..._sync.work.interrupt import leave_soon, run_interruptibly
from ..connections import Connect, connector
from ..inputs import read_inputs
from .bundles import read_bases, read_part_sizes
from .circumstances import Circumstances
from .supervision import SharedFiles
from .sync_options import check_progress, max_runtime, sync_options

if TYPE_CHECKING:
    from ..._acr.registry.managed_registry import ManagedRegistry
    from ..._sync.engine import Engine
    from ..._sync.results.log_file import LogFile
    from ..._sync.results.outcome import RunResult
    from ..._sync.rules.approved_plan import ApprovedPlan
    from ..._sync.run_options import Options
    from ..task import Task
    from .locking import LockFile

_NEW_OBJECTS = 20_000
"""Objects that come before Python looks for garbage in circles among them, in place of 700.

Nearly all that a run makes it needs until it ends, and it makes few circles: with very many images a tenth of the time
went into looking at the same objects again and again.
"""


class _Plan(NamedTuple):
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
    progress_log: AbstractContextManager[object]


def sync_images(task: Task) -> NoReturn:
    """Run the module ``registry_image_sync`` and end it with its result."""
    gc.set_threshold(_NEW_OBJECTS)
    task.need_libraries()
    try:
        plan = _plan(task)
        result, signal = _run(_engine(plan), plan)
    except ImageOpsError as error:
        task.refuse(error)
    more: dict[str, Any] = _write_down(task, plan, result)
    if plan.managed:
        more["acr_credentials"] = {host: asdict(registry.origin) for host, registry in plan.managed.items()}
    _end(task, plan, result, signal, more)


def _plan(task: Task) -> _Plan:
    """Check everything that can be checked without asking a registry.

    :raises ImageOpsError: for what cannot be meant
    """
    params = task.params
    options = sync_options(params, check_mode=task.check_mode)
    limit = max_runtime(params)
    check_progress(params)
    inputs = read_inputs(task)
    check_prune(inputs.rules, options.overwrite, in_shards=options.shard is not None)
    run = inputs.run
    approved = _approved(params, inputs.rules)
    if approved is not None:
        options = replace(options, plan=approved)
    lock = _lock(params)
    asked = _asked(params, inputs.rules) if task.check_mode else ""
    if lock is not None:
        options = replace(options, lock=lock.use, compare_all=True)
    report_paths = report_files.prepare(params["report_path"])
    if approved is not None:
        from .approval import keep_plan

        keep_plan(params, report_paths)
    rerun_paths = report_files.prepare(params["rerun_path"], "rerun_path")
    log = _log(task)
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
        asked=asked,
        options=options,
        connect=connect,
        managed=inputs.managed,
        run=run,
        max_runtime=limit,
        log=log,
        report_paths=report_paths,
        rerun_path=rerun_paths[0] if rerun_paths and not task.check_mode else "",
        lock=lock,
        circumstances=Circumstances(params, inputs.rules),
        progress=progress,
        shared=SharedFiles.of(params, snapshot),
        progress_log=_progress_log(params["progress"], snapshot, log),
    )


# What few tasks have is loaded only for them: everything that is loaded is compiled anew in each task.


def _approved(params: Mapping[str, Any], rules: Sequence[Rule]) -> ApprovedPlan | None:
    if not params["plan"] and not params["plan_sha256"]:
        return None
    from .approval import read_plan

    return read_plan(params, rules)


def _asked(params: Mapping[str, Any], rules: Sequence[Rule]) -> str:
    from .approval import asked_sha256

    return asked_sha256(params, rules)


def _lock(params: Mapping[str, Any]) -> LockFile | None:
    if not params["lock_path"] and not params["lock"]:
        return None
    from .locking import LockFile

    return LockFile.of(params)


def _log(task: Task) -> LogFile | None:
    if not task.params["log_path"]:
        return None
    from ..._sync.results.log_file import LogFile

    return LogFile(task.params["log_path"], mask=task.secrets.mask, warn=task.warn)


def _progress_log(
    interval: float, snapshot: Callable[[], Mapping[str, Any]], log: LogFile | None
) -> AbstractContextManager[object]:
    """Return what writes lines of progress into the log as long as it is entered."""
    if log is None:
        return nullcontext()
    from ..._sync.results.progress.log import ProgressLog

    return ProgressLog(interval, snapshot, log.line)


def _engine(plan: _Plan) -> Engine | Idle:
    """Return what runs a plan."""
    if not plan.rules and plan.options.plan is None:
        return Idle(plan.run, plan.progress)
    from ..._sync.engine import Engine  # takes most of the time before the first request to compile

    return Engine(
        plan.rules,
        connect=plan.connect,
        managed=plan.managed,
        options=plan.options,
        run=plan.run,
        progress=plan.progress,
    )


def _run(engine: Engine | Idle, plan: _Plan) -> tuple[RunResult, str]:
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
        from ..._sync.results.plan_entries import plan_entries

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
