"""Packs a workspace whose files never hold still into one archive in which each of them is whole.

Files are packed where they are, and count if nobody wrote to them meanwhile. Of those that somebody wrote to,
copies are packed instead; the last attempt packs nothing but copies, so it always succeeds. Where no copy of
a file is whole either, the last whole one is taken from an earlier snapshot: half a file is worth less than
an older one. Only a file that never was whole is saved as it was read. No file is left out for being written.

`Packing` knows nothing of why it packs: `list` and `archive` give any room a consistent copy of a workspace.
"""

import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import UUID

from agents.beside import beside
from agents.database import in_transaction
from agents.errors import SnapshotFailed
from agents.models import Snapshot
from agents.sandbox.layout import STATE
from agents.sandbox.workspace import Workspace
from agents.snapshots import copies, earlier_copies, manifest, secret_files
from agents.snapshots.code_zip import DamagedCode
from agents.snapshots.copies import Listing
from agents.snapshots.manifest import Copied, FileState, Manifest
from agents.snapshots.transfer import Listed, list_files, on_thread

TRIES = 3  # attempts to make an archive during which no file changes
# Argument: a name. Packs the files listed in NAME.names, and the copies listed in NAME.copied.
PACK = r"""
cd "$HOME/app" || exit 1
made=$HOME/.cofounder/snapshots/$1
mkdir -p "$made.copies"
tar --null --verbatim-files-from --no-recursion --ignore-failed-read --hard-dereference \
  -czf "$made.tar.gz" -T "$made.names" -C "$made.copies" -T "$made.copied" 2> "$made.said"
# 1: a file changed while it was read; the manifest tells which ones are whole.
[ $? -le 1 ] || { tail -c 400 "$made.said" >&2; exit 2; }
sha256sum < "$made.tar.gz" | cut -d ' ' -f 1
"""
# Argument: a name. Puts the files of NAME.kept.tar among the copies.
KEEP = r"""
made=$HOME/.cofounder/snapshots/$1
tar -xpf "$made.kept.tar" --no-same-owner -C "$made.copies"
"""


class Packing:
    """One archive in the making, of the workspace or of what is `below` some of its directories.

    `name` is that of its temporary files in the sandbox; the archive is NAME.tar.gz.
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        *,
        project_id: UUID,
        job_id: UUID,
        secrets: Sequence[str] = (),
        below: Sequence[str] = (),
    ) -> None:
        self._workspace = workspace
        self._name = name
        self._below = below
        self._build = project_id, job_id
        self._secrets = secrets
        self._copied: frozenset[str] = frozenset()  # what is packed from the copies
        self._kept: earlier_copies.Found = {}  # what is packed from an earlier archive
        self._lost: set[UUID] = set()  # snapshots whose archive cannot be read
        self._moving: set[str] = set()  # files that were written to while they were packed
        self._seen: frozenset[str] = frozenset()

    async def list(self, *, copy_all: bool = False) -> Manifest:
        """What there is to save, databases as their copies; files that were moving are copied as well."""
        listing = await copies.list_with_databases(self._workspace, self._name)
        self._seen = listing.seen
        if self._moving:
            wanted = listing.seen | self._moving if copy_all else self._moving
            listing = await copies.copy_files(self._workspace, self._name, listing, wanted)
        files = await self._with_earlier(listing)
        self._workspace.left_out = []
        return await self._without_secrets(files)

    async def _with_earlier(self, listing: Listing) -> Manifest:
        """Replace what is not whole by the last whole copies."""
        self._copied, self._kept = listing.copied, {}
        files, torn = await beside(_to_save, listing, self._below, self._moving)
        if not torn:
            return files
        found = await in_transaction(earlier_copies.find, *self._build, torn, self._lost)
        self._kept = {
            path: kept for path, kept in found.items() if path not in listing.damaged or kept[1].from_backup
        }
        self._copied |= self._kept.keys()
        return await beside(_replaced, files, {path: file for path, (_, file) in self._kept.items()})

    async def _without_secrets(self, files: Manifest) -> Manifest:
        known = self._workspace.left_out
        files = await secret_files.without(self._workspace, self._name, files, self._secrets, self._copied)
        self._workspace.left_out = sorted({*known, *self._workspace.left_out})
        return files

    async def archive(self, files: Manifest) -> tuple[Manifest, str]:
        """Make the archive of what was listed; return the files it certainly contains, and its SHA-256.

        An archive that contains a secret is never used.
        """
        for attempt in range(TRIES):
            is_last = attempt == TRIES - 1
            if attempt:
                files = await self.list(copy_all=is_last)
            files = await self._bring_kept(files)
            live = await beside(self._live, files)
            sha256 = await self._pack(files, live)
            is_clean = not await secret_files.are_in_archive(self._workspace, self._name, self._secrets)
            after = await list_files(self._workspace, self._name)
            changed, has_more = await beside(_compare, live, self._seen, after)
            if is_clean and (is_last or not (changed or (has_more and not attempt))):
                return await beside(_without, files, changed), sha256
            self._moving |= changed
        raise SnapshotFailed("A file with a secret in it was being written again and again.")

    def _live(self, files: Manifest) -> Manifest:
        return tuple(file for file in files if file.path not in self._copied)

    async def _pack(self, files: Manifest, live: Manifest) -> str:
        made = f"{STATE}/snapshots/{self._name}"
        await self._workspace.upload(f"{made}.names", await beside(_names, live))
        await self._workspace.upload(f"{made}.copied", await beside(_names, files, self._copied))
        return (await self._workspace.script(PACK, self._name)).strip()

    async def _bring_kept(self, files: Manifest) -> Manifest:
        """Put the last whole copies among the copies; where an archive cannot be read, take an older one."""
        while self._kept:
            by_snapshot: dict[UUID, list[FileState]] = {}
            for snapshot_id, file in self._kept.values():
                by_snapshot.setdefault(snapshot_id, []).append(file)
            failed = {key for key, wanted in by_snapshot.items() if not await self._bring(key, wanted)}
            if not failed:
                return await self._without_secrets(files)
            self._lost |= failed
            files = await self.list()
        return files

    async def _bring(self, snapshot_id: UUID, files: Sequence[FileState]) -> bool:
        snapshot = await in_transaction(Snapshot.objects.filter(pk=snapshot_id).first)
        if snapshot is None:
            return False
        with tempfile.TemporaryFile() as found:
            try:
                await on_thread(earlier_copies.extract, snapshot, files, found)
            except DamagedCode:
                return False
            found.seek(0)
            await self._workspace.upload(f"{STATE}/snapshots/{self._name}.kept.tar", found)
        await self._workspace.script(KEEP, self._name)
        return True


def _replaced(files: Manifest, others: dict[str, FileState]) -> Manifest:
    """What lies beside a database that is replaced belongs to the other one."""
    return tuple(
        others.get(file.path, file)
        for file in files
        if file.path in others or manifest.beside_of(file.path) not in others
    )


def _without(files: Manifest, paths: Collection[str]) -> Manifest:
    return tuple(file for file in files if file.path not in paths)


def _names(files: Manifest, among: Collection[str] | None = None) -> bytes:
    return manifest.names(file.path for file in files if among is None or file.path in among)


def _compare(live: Manifest, seen: Collection[str], listed: Listed) -> tuple[set[str], bool]:
    """Which files packed where they are were written to meanwhile, and whether there are more by now."""
    after = listed.files()
    whole = {file.path for file in manifest.agreed(live, after)}
    return {file.path for file in live} - whole, any(file.path not in seen for file in after)


def _to_save(
    listing: Listing, below: Sequence[str], moving: Collection[str]
) -> tuple[Manifest, frozenset[str]]:
    """What can be saved, and what of it is not whole.

    That a copy was taken instead of the file is worth a word only if it was moving.
    """
    files = tuple(
        replace(file, copied="") if file.copied == Copied.ALONE and file.path not in moving else file
        for file in manifest.readable(listing.files)
        if not below or file.path.startswith(tuple(f"{directory}/" for directory in below))
    )
    torn = (file.path for file in files if file.copied == Copied.AS_READ or file.path in listing.damaged)
    return files, frozenset(torn)
