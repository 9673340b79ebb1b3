"""Which desk answers a neighbour's request; nothing but a copy's presentation comes before that."""

from __future__ import annotations

from dataclasses import dataclass

from channels.closes import CloseDesk
from channels.copy_desk import CopyDesk
from channels.frames import Answer, Ask, AskPaid, CloseAsk, CloseOffer, Pay, Present, Request
from channels.payments import PaymentDesk
from channels.sessions import Session
from channels.standings import StandingDesk


@dataclass(frozen=True, slots=True)
class Answering:
    """The desks of one node that answer."""

    copies: CopyDesk
    standings: StandingDesk
    payments: PaymentDesk
    closes: CloseDesk

    async def __call__(self, session: Session, frame: Request) -> Answer:
        """The answer. Raises SecondCopy, CopySuperseded, and what the desks raise."""
        if isinstance(frame, Present):
            return await self.copies.on_present(session, frame)
        self.copies.require_newest(session)
        if isinstance(frame, Pay):
            return await self.payments.take(session, frame)
        if isinstance(frame, Ask):
            return await self.standings.standing(session, frame)
        if isinstance(frame, AskPaid):
            return await self.standings.asked_paid(session, frame)
        if isinstance(frame, CloseAsk):
            return await self.closes.on_ask(session, frame)
        assert isinstance(frame, CloseOffer)
        return await self.closes.on_offer(session, frame)
