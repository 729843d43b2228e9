"""What one invocation of `reconcile` does with one task of its queue."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from api_segments.aws.keys import shown_profile_id
from api_segments.campaigns.model import CampaignTask
from api_segments.campaigns.wiring import campaign_queue, campaign_runs
from api_segments.core.clock import Deadline
from api_segments.core.walks import walk as walk_on
from api_segments.http.observability import count, logger
from api_segments.imports.stalled import Found, StalledWalk
from api_segments.imports.wiring import stalled
from api_segments.memberships.wiring import purge_queue
from api_segments.profiles.suppressions import FollowTask
from api_segments.profiles.wiring import suppressions
from api_segments.repair import wiring
from api_segments.repair.address_index import IndexWalk
from api_segments.repair.reconciliation import BEGINNING, Findings, Position, Scope
from api_segments.repair.rows import Suspect
from api_segments.repair.tasks import (
    LOOK_AGAIN_SECONDS,
    MAX_RECOUNTS,
    HistoryWalk,
    Recount,
    Stalled,
    SuppressionSweep,
    Task,
    Unclaimed,
    to_claim_tasks,
    to_history_task,
    to_index_task,
    to_purge_task,
    to_recount_task,
    to_stalled_task,
    to_stalled_walk_task,
    to_sweep_task,
    to_task,
    to_tasks,
)
from api_segments.segments.wiring import day_notes


def begin(scopes: Sequence[Scope], deadline: Deadline) -> None:
    """Put off a walk over each scope; before all walks the noting of what the day begins with, which waits for none."""
    day = day_notes().today().isoformat()
    for account_id in (scope.account_id for scope in scopes if scope.segment_id is None):
        wiring.reconciliation_queue().put_off(to_history_task(account_id, HistoryWalk(day)), 0, deadline)
    for scope in scopes:
        wiring.reconciliation_queue().put_off(to_task(scope, BEGINNING), 0, deadline)


def go_on(scope: Scope, work: Task, deadline: Deadline) -> None:
    """Do what a task of the queue says."""
    if isinstance(work, Position):
        walk(scope, work, deadline)
    elif isinstance(work, IndexWalk):
        index_addresses(scope.account_id, work, deadline)
    elif isinstance(work, HistoryWalk):
        note_day(scope.account_id, work, deadline)
    elif isinstance(work, SuppressionSweep):
        sweep_suppressions(scope.account_id, work, deadline)
    elif isinstance(work, StalledWalk):
        find_stalled(scope.account_id, work, deadline)
    elif isinstance(work, Stalled):
        look_again_at_stalled(scope.account_id, work, deadline)
    elif isinstance(work, FollowTask):
        follow_suppression(work, deadline)
    elif isinstance(work, Recount):
        recount(scope, work, deadline)
    elif isinstance(work, Unclaimed):
        claim_again(scope, work.profile_ids, deadline)
    else:
        look_again(scope, work, deadline)


def walk(scope: Scope, start: Position, deadline: Deadline) -> None:
    """Compare a part of an account, and put off what is to be looked at again, purged, or gone on with."""
    if scope.segment_id is None and start == BEGINNING:
        _nudge_campaigns(scope.account_id, deadline)
        if not wiring.indexed_accounts().has(scope.account_id, deadline):
            wiring.reconciliation_queue().put_off(to_index_task(scope.account_id, IndexWalk()), 0, deadline)
        wiring.reconciliation_queue().put_off(to_sweep_task(scope.account_id, SuppressionSweep()), 0, deadline)
        wiring.reconciliation_queue().put_off(to_stalled_walk_task(scope.account_id, StalledWalk()), 0, deadline)
    findings, goes_on_at = wiring.reconciliation().reconcile(scope, start, deadline)
    count(
        Differences=findings.counts_mended,
        CountsMended=findings.counts_mended,
        SegmentsBusy=len(findings.too_large),
        MembersTakenOut=findings.members_taken_out,
        PurgesBegun=len(findings.unpurged),
        ReconciliationsFinished=int(goes_on_at is None),
    )
    for task in to_tasks(scope, findings.suspects):
        wiring.reconciliation_queue().put_off(task, LOOK_AGAIN_SECONDS, deadline)
    for task in to_claim_tasks(scope, findings.unclaimed):
        wiring.reconciliation_queue().put_off(task, LOOK_AGAIN_SECONDS, deadline)
    for segment_id in findings.uncounted:
        wiring.reconciliation_queue().put_off(
            to_recount_task(scope, Recount(segment_id, 1)), LOOK_AGAIN_SECONDS, deadline
        )
    for segment_id in findings.unpurged:
        purge_queue().put_off(to_purge_task(scope, segment_id), 0, deadline)
    if goes_on_at is not None:
        wiring.reconciliation_queue().put_off(to_task(scope, goes_on_at), 0, deadline)
    logger.info(
        "reconciled",
        segment_id=scope.segment_id,
        finished=goes_on_at is None,
        counts_mended=findings.counts_mended,
        suspects=len(findings.suspects),
        unclaimed=len(findings.unclaimed),
        uncounted=findings.uncounted,
        purges_begun=findings.unpurged,
    )
    _tell_too_large(findings)


def _tell_too_large(findings: Findings) -> None:
    """Tell of segments that can't be counted within one call: another try would end like this one."""
    if findings.too_large:
        logger.warning("too large to be counted in one call", segments=findings.too_large)


def _nudge_campaigns(account_id: str, deadline: Deadline) -> None:
    """Give each campaign that is to go on a task: its own may be lost, or have failed for good.

    And its marks on segments, if they were lost.
    """
    for campaign_id in campaign_runs().look_after(account_id, deadline):
        campaign_queue().put_off(CampaignTask(account_id, campaign_id).to_json(), 0, deadline)


def look_again(scope: Scope, suspects: Sequence[Suspect], deadline: Deadline) -> None:
    """Mend those of the suspects that still differ, now that the stream has had time to bring what it says."""
    findings = wiring.row_mender().mend(scope.account_id, suspects, deadline)
    count(Differences=findings.mended, RowsMended=findings.mended)
    for task in to_tasks(scope, findings.rest):
        wiring.reconciliation_queue().put_off(task, 0, deadline)
    for segment_id in sorted(findings.uncounted):
        task = to_recount_task(scope, Recount(segment_id, 1))
        wiring.reconciliation_queue().put_off(task, LOOK_AGAIN_SECONDS, deadline)
    logger.info("looked again", segment_id=scope.segment_id, suspects=len(suspects), mended=findings.mended)


def index_addresses(account_id: str, start: IndexWalk, deadline: Deadline) -> None:
    """Put a part of an account's profiles into the indexes by address."""
    left = wiring.address_indexing().go_on(account_id, start, deadline)
    if left is not None:
        wiring.reconciliation_queue().put_off(to_index_task(account_id, left), 0, deadline)
    logger.info("indexed addresses", before=start.looked_at, finished=left is None)


def note_day(account_id: str, start: HistoryWalk, deadline: Deadline) -> None:
    """Note what a day begins with, of a part of an account's segments."""
    left = walk_on(lambda here: _note_page(account_id, here, deadline), start, deadline)
    if left is not None:
        wiring.reconciliation_queue().put_off(to_history_task(account_id, left), 0, deadline)
    logger.info("noted a day", day=start.day, finished=left is None)


def _note_page(account_id: str, here: HistoryWalk, deadline: Deadline) -> HistoryWalk | None:
    below = day_notes().note_page(account_id, date.fromisoformat(here.day), here.below, deadline)
    return None if below is None else replace(here, below=below)


def sweep_suppressions(account_id: str, start: SuppressionSweep, deadline: Deadline) -> None:
    """Let profiles follow a part of an account's suppression list."""
    left = walk_on(lambda here: _sweep(account_id, here, deadline), start, deadline)
    if left is not None:
        wiring.reconciliation_queue().put_off(to_sweep_task(account_id, left), 0, deadline)
    logger.info("swept suppressions", finished=left is None)


def _sweep(account_id: str, here: SuppressionSweep, deadline: Deadline) -> SuppressionSweep | None:
    after = suppressions().sweep_page(account_id, here.after, deadline)
    return None if after is None else SuppressionSweep(after)


def find_stalled(account_id: str, start: StalledWalk, deadline: Deadline) -> None:
    """Find imports and exports that may have stalled, to be looked at again when what is under way has arrived."""
    left = walk_on(lambda here: _suspect_stalled(account_id, here, deadline), start, deadline)
    if left is not None:
        wiring.reconciliation_queue().put_off(to_stalled_walk_task(account_id, left), 0, deadline)


def _suspect_stalled(account_id: str, here: StalledWalk, deadline: Deadline) -> StalledWalk | None:
    ids, further = stalled().suspects(account_id, here, deadline)
    if ids:
        task = to_stalled_task(account_id, Stalled(here.kind, ids))
        wiring.reconciliation_queue().put_off(task, LOOK_AGAIN_SECONDS, deadline)
    return further


def look_again_at_stalled(account_id: str, suspects: Stalled, deadline: Deadline) -> None:
    """Start imports and exports again that were never begun, and end those that nothing works on any more."""
    found = Counter(stalled().look_again(account_id, suspects.kind, each, deadline) for each in suspects.ids)
    count(
        ImportsStartedAgain=found[Found.STARTED_AGAIN], ImportsLapsed=found[Found.LAPSED], ImportsLost=found[Found.LOST]
    )
    logger.info("looked at what seemed stalled", kind=suspects.kind, found={str(each): n for each, n in found.items()})


def follow_suppression(task: FollowTask, deadline: Deadline) -> None:
    """Let profiles follow what has changed for their address."""
    is_through = suppressions().follow(task, deadline)
    logger.info("followed a suppression", address_key=task.address.key, before=task.seen, finished=is_through)


def recount(scope: Scope, wanted: Recount, deadline: Deadline) -> None:
    """Look again at the counts of a segment that kept changing; the last time it is told, and left to the next walk."""
    findings = wiring.reconciliation().recount(scope.account_id, wanted.segment_id, deadline)
    is_last = wanted.number >= MAX_RECOUNTS
    count(
        Differences=findings.counts_mended,
        CountsMended=findings.counts_mended,
        SegmentsBusy=len(findings.too_large) + (len(findings.uncounted) if is_last else 0),
    )
    if findings.uncounted and not is_last:
        task = to_recount_task(scope, Recount(wanted.segment_id, wanted.number + 1))
        wiring.reconciliation_queue().put_off(task, LOOK_AGAIN_SECONDS, deadline)
    tell = logger.warning if findings.uncounted and is_last else logger.info
    tell(
        "recounted",
        segment_id=wanted.segment_id,
        number=wanted.number,
        counts_mended=findings.counts_mended,
        uncounted=findings.uncounted,
    )
    _tell_too_large(findings)


def claim_again(scope: Scope, profile_ids: Sequence[str], deadline: Deadline) -> None:
    """Mend the claims of identities that still lead nowhere; tell of users who are two profiles by now."""
    found = wiring.claim_mender().mend(scope.account_id, profile_ids, deadline)
    count(
        Differences=found.mended + len(found.taken),
        ClaimsMended=found.mended,
        ClaimsTaken=len(found.taken),
    )
    for task in to_claim_tasks(scope, found.rest):
        wiring.reconciliation_queue().put_off(task, 0, deadline)
    for profile_id, holder in found.taken.items():
        logger.error(
            "an identity leads to another profile",
            profile_id=shown_profile_id(profile_id),
            leads_to=shown_profile_id(holder),
        )
    logger.info("looked at claims again", profiles=len(profile_ids), mended=found.mended, taken=len(found.taken))
