"""One copy of a wallet's node at a time: this one says which it is, and stops when it is not alone.

On every session each end presents its copy before anything else counts. What the other end has
seen of a later one comes back; it is believed only under this account's own signature. Stopped is
written to disk and lasts until the owner says which copy is to be kept (`wattlane node recover`):
nothing is signed or accepted, while channels are still watched, claimed and closed.
Ref: docs/node.md, "Two copies of one node".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from weakref import WeakKeyDictionary

import structlog

from channels.copies import (
    CopyId,
    SignedCopy,
    copy_message,
    is_stated_by,
    is_well_formed,
    supersedes,
)
from channels.errors import BadFrame, CopySuperseded, HandshakeFailed, PeerNotReady, SecondCopy
from channels.frames import Newest, Present
from channels.lanes import Sign
from channels.records import Identity, SaveEpoch, SaveStopped
from channels.sessions import Session
from channels.store import Store

_log = structlog.get_logger(__name__)
_MOST_RISES = 3


class CopyDesk:
    """This node's copy, and the newest of each neighbour's. `key_hash_of`: an account's."""

    def __init__(
        self,
        own: Identity,
        sign: Sign,
        store: Store,
        key_hash_of: Callable[[int], Awaitable[int]],
        timeout_s: float,
    ) -> None:
        self._domain, self._index = own.domain, own.account_index
        self._key_hash = own.key_hash
        self._sign = sign
        self._store = store
        self._key_hash_of = key_hash_of
        self._timeout_s = timeout_s
        self._own = self._signed(store.opened.copy)
        self._rises_left = _MOST_RISES if store.opened.may_rise else 0
        self._newest: dict[int, SignedCopy] = {}
        self._shown: WeakKeyDictionary[Session, CopyId] = WeakKeyDictionary()
        self._presenting: WeakKeyDictionary[Session, asyncio.Task[None]] = WeakKeyDictionary()
        self._closing: set[asyncio.Task[None]] = set()
        self.stopped: str | None = store.opened.stopped
        """Why this copy signs nothing, or None."""
        self._doubt: str | None = None

    @property
    def problem(self) -> str | None:
        """What the owner should know of, or None."""
        return self._doubt if self.stopped is None else str(SecondCopy(self.stopped))

    def doubt(self, peer_index: int) -> None:
        """A neighbour says that this node has forgotten something, and cannot prove it."""
        self._doubt = (
            f"account {peer_index} says that this node has acknowledged more than this folder "
            "holds. If the folder was put back from a copy, run `wattlane node recover`"
        )

    def require_sole(self) -> None:
        """Raises SecondCopy once this copy has stopped."""
        if self.stopped is not None:
            raise SecondCopy(self.stopped)

    def require_newest(self, session: Session) -> None:
        """Whether the neighbour's copy may be dealt with. Raises SecondCopy, CopySuperseded."""
        self.require_sole()
        newest = self._newest.get(session.peer_index)
        if newest is None or self._shown.get(session) != newest.copy:
            raise CopySuperseded(session.peer_index)

    async def stop(self, reason: str) -> None:
        """Sign nothing from now on; on disk when this returns. Raises StoreFailed."""
        if self.stopped is None:
            self.stopped = reason
            _log.error("this copy of the node stops", reason=reason)
            await self._store.write(SaveStopped(reason))

    async def present(self, session: Session) -> None:
        """Say which copy this is, once on each session, and hear whether it is the newest.

        Raises SecondCopy, PeerUnreachable, PeerRefused, PeerNotReady.
        """
        self.require_sole()
        task = self._presenting.get(session)
        if task is None:
            task = asyncio.create_task(self._present(session))
            task.add_done_callback(partial(self._presented, session))
            self._presenting[session] = task
        await asyncio.shield(task)
        self.require_sole()

    def _presented(self, session: Session, done: asyncio.Task[None]) -> None:
        """A failure is not kept: its traceback would keep the session for ever."""
        if (done.cancelled() or done.exception()) and self._presenting.get(session) is done:
            del self._presenting[session]

    async def _present(self, session: Session) -> None:
        while True:
            own = self._own
            copy = own.copy
            frame = Present(0, copy.epoch, copy.instance, own.signature)
            reply = await session.request(frame, self._timeout_s)
            if not isinstance(reply, Newest):
                raise PeerNotReady(session.peer_index, "BadFrame", "a senseless answer")
            newest = SignedCopy(CopyId(reply.epoch, reply.instance), reply.signature)
            if newest.copy == copy:
                return
            if not supersedes(newest.copy, copy) or not is_stated_by(
                newest, self._domain, self._index, self._key_hash
            ):
                raise PeerNotReady(session.peer_index, "BadFrame", "shows no later copy of this")
            if self._own.copy != copy:
                continue  # it rose meanwhile, through another neighbour
            if self._rises_left == 0:
                await self.stop(
                    f"account {session.peer_index} shows that another copy was started later"
                )
                raise SecondCopy(str(self.stopped))
            self._rises_left -= 1
            risen = CopyId(newest.copy.epoch + 1, copy.instance)
            if not is_well_formed(risen):
                raise PeerNotReady(session.peer_index, "BadFrame", "the last epoch there is")
            self._own = self._signed(risen)
            await self._store.write(SaveEpoch(risen.epoch))

    async def on_present(self, session: Session, frame: Present) -> Newest:
        """A neighbour's copy. Sessions of an earlier one are closed. Raises BadFrame, L1Error..."""
        given = SignedCopy(CopyId(frame.epoch, frame.instance), frame.signature)
        if not is_well_formed(given.copy):
            raise BadFrame("a copy out of range")
        peer = session.peer_index
        owner = await self._key_hash_of(peer)
        if not is_stated_by(given, self._domain, peer, owner):
            raise HandshakeFailed(f"account {peer} has not signed that this copy exists")
        newest = self._newest.get(peer)
        if newest is not None and not is_stated_by(newest, self._domain, peer, owner):
            newest = None  # under a key that the account has replaced since: it says nothing now
        if newest is None or not supersedes(newest.copy, given.copy):
            self._newest[peer] = newest = given
        self._shown[session] = given.copy
        for other, shown in list(self._shown.items()):
            if other.peer_index == peer and other is not session and shown != newest.copy:
                self._close(other)
        return Newest(frame.id, newest.copy.epoch, newest.copy.instance, newest.signature)

    def leave(self, session: Session) -> None:
        """A copy that has stopped keeps no sessions."""
        self._close(session)

    def _close(self, session: Session) -> None:
        task = asyncio.create_task(session.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _signed(self, copy: CopyId) -> SignedCopy:
        return SignedCopy(copy, self._sign(copy_message(self._domain, self._index, copy)))
